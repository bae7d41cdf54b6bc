"""What providers say of their models beside the names, in the list of them. Pure and lenient: what
has another form than expected is not known.

Sources: the documentation of OpenRouter, Mistral, Gemini, Anthropic, vLLM, Groq, LM Studio.
"""

from collections.abc import Iterator
from math import inf
from typing import Any

import msgspec

from chatapp.providers.facts import ModelFacts, ModelPrice, Thinking
from chatapp.wire.json_text import UNREADABLE

A_MILLION = 1_000_000
CONTEXT = (
    "context_length",
    "context_window",
    "max_model_len",
    "max_context_length",
    "max_input_tokens",
    "inputTokenLimit",
)


class _Model(msgspec.Struct):
    id: Any = None
    name: Any = None
    context_length: Any = None
    context_window: Any = None
    max_model_len: Any = None
    max_context_length: Any = None
    max_input_tokens: Any = None
    inputTokenLimit: Any = None
    architecture: Any = None
    capabilities: Any = None
    supported_parameters: Any = None
    pricing: Any = None
    thinking: Any = None


class _List(msgspec.Struct):
    data: list[_Model] = []
    models: list[_Model] = []


_list = msgspec.json.Decoder(_List)


def listed_facts(body: bytes) -> dict[str, ModelFacts]:
    """By the names of the models; without those of which nothing is said."""
    try:
        listed = _list.decode(body)
    except UNREADABLE:
        return {}
    return {name: facts for model in (*listed.data, *listed.models) for name, facts in _facts(model)}


def _facts(model: _Model) -> Iterator[tuple[str, ModelFacts]]:
    name = model.id if isinstance(model.id, str) else model.name
    facts = ModelFacts(_pictures(model), _tools(model), _thinking(model), _context(model), _price(model))
    if isinstance(name, str) and facts != ModelFacts():
        yield name.removeprefix("models/"), facts


def _context(model: _Model) -> int | None:
    said = (getattr(model, field) for field in CONTEXT)
    return next((tokens for tokens in said if isinstance(tokens, int) and tokens > 0), None)


def _pictures(model: _Model) -> bool | None:
    takes = _member(model.architecture, "input_modalities")
    if isinstance(takes, list):
        return "image" in takes
    return _capability(model, "vision", "image_input")


def _tools(model: _Model) -> bool | None:
    if isinstance(model.supported_parameters, list):
        return "tools" in model.supported_parameters
    return _capability(model, "function_calling")


def _thinking(model: _Model) -> Thinking | None:
    if isinstance(model.supported_parameters, list):
        return "switch" if "reasoning" in model.supported_parameters else "never"
    if model.thinking is False:
        return "never"
    return None


def _capability(model: _Model, *names: str) -> bool | None:
    for name in names:
        said = _member(model.capabilities, name)
        said = said.get("supported") if isinstance(said, dict) else said
        if isinstance(said, bool):
            return said
    return None


def _price(model: _Model) -> ModelPrice | None:
    """OpenRouter's: dollars for a token, as text."""
    try:
        prompt, completion = (float(model.pricing[name]) * A_MILLION for name in ("prompt", "completion"))
    except (TypeError, KeyError, ValueError):
        return None
    is_price = 0 <= prompt < inf and 0 <= completion < inf
    return ModelPrice(round(prompt, 6), round(completion, 6), "USD") if is_price else None


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None
