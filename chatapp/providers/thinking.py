"""How a request switches thinking on and off, in the style of each provider. Pure.

A style is a function: it returns the fields to add to a request's body for a model, on or off, and
none for a model that has no switch and refuses to be asked. If the provider knows levels of effort,
the client's word is sent unchanged, even one that the provider then refuses: another word would be
another question. Sources: the documentation of each provider.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

from chatapp.chat import Chat, Effort
from chatapp.settings.tables import ThinkingStyle

Fields: TypeAlias = dict[str, object]
Switch: TypeAlias = Callable[[str, bool, Effort | None], Fields]

THINKING_BUDGET = 8192  # tokens; enough for most questions, and leaves room for an answer

# Tokens for each effort, if a provider takes only tokens. Gemini's are those of its OpenAI-like
# endpoint. Claude's leave the answer room below 32,000 tokens, the least that any of its thinking
# models can write.
CLAUDE_BUDGETS = {"low": 2048, "medium": THINKING_BUDGET, "high": 16384, "xhigh": 20480, "max": 20480}
GEMINI_BUDGETS = {"low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}

# The models that accept `reasoning_effort`; all others refuse it. Each of them accepts "low".
takes_effort = re.compile(r"(^|/)(o\d|gpt-5(?!.*chat)|gpt-oss)").search

_claude = re.compile(r"claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2})(?!\d))?").search
always_thinks = re.compile(r"claude-(fable|mythos)").search
_gemini = re.compile(r"gemini-(\d+)(?:\.(\d))?").search


def switched(think: Switch, chat: Chat) -> Fields:
    """The fields that the chat asks for; none if it leaves thinking to the provider."""
    return {} if chat.thinking is None else think(chat.model, chat.thinking, chat.effort)


def claude_version(model: str) -> tuple[int, int] | None:
    found = _claude(model)
    return (int(found[1]), int(found[2] or 0)) if found else None


def gemini_version(model: str) -> tuple[int, int] | None:
    found = _gemini(model)
    return (int(found[1]), int(found[2] or 0)) if found else None


def _effort(on: str, off: str, takes: str) -> Switch:
    """`reasoning_effort`, for the models that match the pattern `takes`."""
    matches = re.compile(takes).search
    return lambda model, is_on, effort: {"reasoning_effort": (effort or on) if is_on else off} if matches(model) else {}


def _openai(model: str, on: bool, effort: Effort | None) -> Fields:
    if on or effort:
        return {"reasoning_effort": effort or "medium"}
    return {"reasoning_effort": "low"} if takes_effort(model) else {}


def _responses(model: str, on: bool, effort: Effort | None) -> Fields:
    if on:
        return {"reasoning": {"effort": effort or "medium", "summary": "auto"}}
    return {"reasoning": {"effort": effort or "low"}} if effort or takes_effort(model) else {}


def _typed(model: str, on: bool, effort: Effort | None) -> Fields:
    return {"thinking": {"type": "enabled" if on else "disabled"}}


def _enabled(model: str, on: bool, effort: Effort | None) -> Fields:
    return {"enable_thinking": on}


def _groq(model: str, on: bool, effort: Effort | None) -> Fields:
    if "gpt-oss" in model:
        return {"include_reasoning": on, "reasoning_effort": (effort or "medium") if on else "low"}
    if "qwen3" in model:
        return {"reasoning_format": "parsed", "reasoning_effort": "default"} if on else {"reasoning_effort": "none"}
    return {}


def _xai(model: str, on: bool, effort: Effort | None) -> Fields:
    """Most models think always or never, and refuse to be asked."""
    off = "low" if "grok-3-mini" in model else "none"
    usual = "high" if "grok-3-mini" in model else "medium"
    return _effort(usual, off, r"grok-(3-mini|4\.[3-9]|[5-9])")(model, on, effort)


def _cerebras(model: str, on: bool, effort: Effort | None) -> Fields:
    if "glm" in model:
        return {} if on else {"reasoning_effort": "none"}
    return _effort("medium", "low", "gpt-oss")(model, on, effort)


def _template(model: str, on: bool, effort: Effort | None) -> Fields:
    return {"chat_template_kwargs": {"enable_thinking": on}}


def _anthropic(model: str, on: bool, effort: Effort | None) -> Fields:
    """Claude decides how long to think, and hides it by default. Before 4.6 it needs a budget."""
    if not on:
        return {} if always_thinks(model) else {"thinking": {"type": "disabled"}}
    version = claude_version(model)
    if version and version >= (4, 6):
        adaptive: Fields = {"thinking": {"type": "adaptive", "display": "summarized"}}
        return adaptive | {"output_config": {"effort": effort}} if effort else adaptive
    budget = CLAUDE_BUDGETS[effort] if effort else THINKING_BUDGET
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _gemini_config(model: str, on: bool, effort: Effort | None) -> Fields:
    """Levels from Gemini 3 on, budgets before. The Pro models always think."""
    version = gemini_version(model)
    if version and version < (3, 0):
        least = 128 if "pro" in model else 0
        asked = GEMINI_BUDGETS[effort] if on and effort else -1
        return {"thinkingConfig": {"includeThoughts": on, "thinkingBudget": asked if on else least}}
    least_level = "low" if "pro" in model else "minimal"
    return {"thinkingConfig": {"includeThoughts": on, "thinkingLevel": (effort or "high") if on else least_level}}


def _ollama(model: str, on: bool, effort: Effort | None) -> Fields:
    """gpt-oss takes only levels, and has none for off."""
    return {"think": ((effort or "medium") if on else "low") if "gpt-oss" in model else on}


def _openrouter(model: str, on: bool, effort: Effort | None) -> Fields:
    if effort:
        return {"reasoning": {"effort": effort}}
    return {"reasoning": {"enabled": True} if on else {"effort": "none"}}


STYLES: dict[ThinkingStyle, Switch] = {
    "none": lambda model, on, effort: {},
    "openai": _openai,
    "responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini_config,
    "ollama": _ollama,
    "deepseek": _typed,
    "moonshot": _typed,
    "glm": _typed,
    "qwen": _enabled,
    "bella": _enabled,
    "mistral": _effort("high", "none", "mistral-(small|medium)"),
    "groq": _groq,
    "xai": _xai,
    "cerebras": _cerebras,
    "openrouter": _openrouter,
    "vllm": _template,
    "llamacpp": _template,
}

REASONING_SENT_BACK: dict[ThinkingStyle, str] = {
    "deepseek": "reasoning_content",
    "moonshot": "reasoning_content",
    "glm": "reasoning_content",
    "llamacpp": "reasoning_content",
    "openrouter": "reasoning",
}
"""The field for the reasoning that a provider wants back after tool calls. Others refuse it."""

REASONING_DEMANDED: frozenset[ThinkingStyle] = frozenset({"deepseek", "moonshot"})
"""Those that refuse a tool call without reasoning, even if another provider made the call."""
