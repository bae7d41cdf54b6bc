"""What a whole output item says, whatever its kind."""

import msgspec

from chatapp.providers.openai_responses.frames import Item
from chatapp.providers.openai_responses.items import is_served
from chatapp.wire.json_text import is_something, json_data

SENT_BACK = (
    "message",
    "function_call",
    "custom_tool_call",
)  # and encrypted reasoning: other reasoning is not kept anywhere


def goes_back(item: Item) -> bool:
    """Whether the item belongs to the turn that is sent back. xAI's own calls do not: their results
    are nobody's to send."""
    named = item.type == "message" or (item.name and not is_served(item.name, item.call_id))
    return bool((item.type in SENT_BACK and named) or item.encrypted_content)


def key_of(index: int | None, item: Item) -> int | str | None:
    """The index, or the item's id, which its deltas name: llama.cpp sends no index."""
    return index if index is not None else item.id or item.call_id


def arguments_of(arguments: str | dict[str, object] | None) -> str:
    return json_data(arguments) if isinstance(arguments, dict) else arguments or ""


def ran(item: Item) -> dict[str, object]:
    """The result of a call if nothing else is told of it."""
    return {"status": item.status or "completed"}


def failure_of(item: Item) -> str | None:
    if not is_something(item.error):
        return "failed" if item.status in ("failed", "incomplete") else None
    try:
        return msgspec.json.decode(item.error, type=str)
    except msgspec.DecodeError:
        return "failed"
