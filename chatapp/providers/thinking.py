"""How a request switches thinking on and off, provider by provider: data, and a short function where the models of
one provider differ. Pure.

Each switch gives what is added to a request's body for a model, on or off; nothing for a model that has no switch
and refuses to be asked. Sources: the documentation of each provider.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

from chatapp.settings import ThinkingStyle

Fields: TypeAlias = dict[str, object]
Switch: TypeAlias = Callable[[str, bool], Fields]

THINKING_BUDGET = 8192  # tokens; enough for most questions, and an answer still fits behind it

# The models that take `reasoning_effort`; all others refuse it. "low" is the least that each of them takes.
takes_effort = re.compile(r"(^|/)(o\d|gpt-5(?!.*chat)|gpt-oss)").search

_claude = re.compile(r"claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2})(?!\d))?").search
_always_thinks = re.compile(r"claude-(fable|mythos)").search
_gemini = re.compile(r"gemini-(\d+)").search


def _effort(on: str, off: str, takes: str) -> Switch:
    """`reasoning_effort` for the models that match `takes`."""
    matches = re.compile(takes).search
    return lambda model, is_on: {"reasoning_effort": on if is_on else off} if matches(model) else {}


def _openai(model: str, on: bool) -> Fields:
    if on:
        return {"reasoning_effort": "medium"}
    return {"reasoning_effort": "low"} if takes_effort(model) else {}


def _responses(model: str, on: bool) -> Fields:
    if on:
        return {"reasoning": {"effort": "medium", "summary": "auto"}}
    return {"reasoning": {"effort": "low"}} if takes_effort(model) else {}


def _typed(model: str, on: bool) -> Fields:
    return {"thinking": {"type": "enabled" if on else "disabled"}}


def _groq(model: str, on: bool) -> Fields:
    if "gpt-oss" in model:
        return {"include_reasoning": on, "reasoning_effort": "medium" if on else "low"}
    if "qwen3" in model:
        return {"reasoning_format": "parsed", "reasoning_effort": "default"} if on else {"reasoning_effort": "none"}
    return {}


def _xai(model: str, on: bool) -> Fields:
    """Most models either always think or never do, and refuse to be asked."""
    off = "low" if "grok-3-mini" in model else "none"
    return _effort("high" if "grok-3-mini" in model else "medium", off, r"grok-(3-mini|4\.[3-9]|[5-9])")(model, on)


def _cerebras(model: str, on: bool) -> Fields:
    if "glm" in model:
        return {} if on else {"reasoning_effort": "none"}
    return _effort("medium", "low", "gpt-oss")(model, on)


def _template(model: str, on: bool) -> Fields:
    return {"chat_template_kwargs": {"enable_thinking": on}}


def _anthropic(model: str, on: bool) -> Fields:
    """Claude from 4.6 decides itself how long it thinks, and hides it unless asked; before, it needs a budget."""
    if not on:
        return {} if _always_thinks(model) else {"thinking": {"type": "disabled"}}
    version = _claude(model)
    if version and (int(version[1]), int(version[2] or 0)) >= (4, 6):
        return {"thinking": {"type": "adaptive", "display": "summarized"}}
    return {"thinking": {"type": "enabled", "budget_tokens": THINKING_BUDGET}}


def _gemini_config(model: str, on: bool) -> Fields:
    """Levels from Gemini 3 on, budgets before; the Pro models cannot be kept from thinking."""
    version = _gemini(model)
    if version and int(version[1]) < 3:
        least = 128 if "pro" in model else 0
        return {"thinkingConfig": {"includeThoughts": on, "thinkingBudget": -1 if on else least}}
    least_level = "low" if "pro" in model else "minimal"
    return {"thinkingConfig": {"includeThoughts": on, "thinkingLevel": "high" if on else least_level}}


def _ollama(model: str, on: bool) -> Fields:
    """gpt-oss knows levels only, and none for off."""
    return {"think": ("medium" if on else "low") if "gpt-oss" in model else on}


STYLES: dict[ThinkingStyle, Switch] = {
    "none": lambda model, on: {},
    "openai": _openai,
    "responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini_config,
    "ollama": _ollama,
    "deepseek": _typed,
    "moonshot": _typed,
    "glm": _typed,
    "qwen": lambda model, on: {"enable_thinking": on},
    "bella": lambda model, on: {"enable_thinking": on},
    "mistral": _effort("high", "none", "mistral-(small|medium)"),
    "groq": _groq,
    "xai": _xai,
    "cerebras": _cerebras,
    "openrouter": lambda model, on: {"reasoning": {"enabled": True} if on else {"effort": "none"}},
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
"""Where those that want their reasoning back, once tools were called, look for it. Others refuse the field."""

REASONING_DEMANDED: frozenset[ThinkingStyle] = frozenset({"deepseek", "moonshot"})
"""Those of them that refuse a call of a tool without it, or with an empty one, even a call that another provider made."""
