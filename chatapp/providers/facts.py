"""What models can do, as far as their names tell. Pure. Sources: each provider's documentation.

Nothing is guessed: a fact that is not known is None, and then the provider is simply asked.
"""

import re
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from chatapp.providers.thinking import always_thinks, claude_version, gemini_version, takes_effort
from chatapp.settings.tables import ThinkingStyle

Thinking: TypeAlias = Literal["switch", "always", "never"]


class ModelPrice(msgspec.Struct, frozen=True):
    """Of a million tokens."""

    prompt: float
    completion: float
    currency: str


class ModelFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """`pictures`: whether it takes them; `tools`: whether it calls them; `context`: how many tokens
    it has room for. `thinking`: can be switched, or happens always or never."""

    pictures: bool | None = None
    tools: bool | None = None
    thinking: Thinking | None = None
    context: int | None = None
    price: ModelPrice | None = None

    def over(self, other: "ModelFacts") -> "ModelFacts":
        """These, and what only the other knows."""
        mine = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        return msgspec.structs.replace(other, **mine)


@runtime_checkable
class KnowsModels(Protocol):
    """A provider that knows more of its models than their names."""

    def facts(self, model: str) -> ModelFacts:
        """What is known of the model. It is not asked. Pure."""
        ...


def known_facts(style: ThinkingStyle, model: str) -> ModelFacts:
    """By the provider's style of thinking, and the name, whatever its router puts in front."""
    name = model.lower().rpartition("/")[2]
    return ModelFacts(_pictures(name), False if _small(name) else None, _thinking(style, name))


_small = re.compile(r"smollm2").search
_sees = re.compile(
    r"gpt-4o|gpt-4\.1|gpt-4-turbo|gpt-5|^o1$|^o1-2|^o3(?!-mini)|^o4|claude-|gemini-|pixtral|llava|vision|[-\d]vl\b|"
    r"gemma-?3|llama-?4|grok-4|mistral-(small-3|medium-3|large-3)"
).search
_blind = re.compile(
    r"gpt-oss|gpt-3\.5|o1-mini|o1-preview|o3-mini|deepseek-(chat|reasoner|coder|r1|v\d)|codestral|devstral|magistral|"
    r"smollm2|qwen3?-(coder|turbo)|llama-?3\.[13]|kimi-k2-(thinking|0)|mixtral"
).search
_thinks_always = re.compile(r"deepseek-(reasoner|r1)|magistral|qwq|kimi-k2-thinking|qwen3.*-thinking").search
_never_thinks = re.compile(r"smollm2|codestral|devstral|pixtral|mixtral|llava|llama-?[34]|gemma-?3").search
_grok_switch = re.compile(r"grok-(3-mini|4\.[3-9]|[5-9])").search


def _pictures(name: str) -> bool | None:
    return False if _blind(name) else True if _sees(name) else None


def _thinking(style: ThinkingStyle, name: str) -> Thinking | None:
    if _never_thinks(name):
        return "never"
    if _thinks_always(name):
        return "always"
    match style:
        case "anthropic":
            return _of_claude(name)
        case "gemini":
            version = gemini_version(name)
            return None if version is None else "switch" if version >= (2, 5) else "never"
        case "openai" | "responses":
            return "switch" if takes_effort(name) else "never"
        case "xai":
            return "switch" if _grok_switch(name) else None
        case "groq":
            return "switch" if "gpt-oss" in name or "qwen3" in name else None
        case "mistral":
            return "switch" if re.search("mistral-(small|medium)", name) else "never"
        case "none":
            return "never"
    return None


def _of_claude(name: str) -> Thinking | None:
    if always_thinks(name):
        return "always"
    version = claude_version(name)
    return None if version is None else "switch" if version >= (3, 7) else "never"
