"""What is stored of a conversation, as items. Pure.

An item's id is made of its message's id and of its place in it, as in the stream of the answer.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from chatapp.chat import Attachment, Document, Image, Message, Part, Sent, Text
from chatapp.dialects.openai_responses.events import ResponsesDialect
from chatapp.dialects.openai_responses.items import Item, TextItem, ThinkingItem, call_item
from chatapp.dialects.openai_responses.resource import RUN_PREFIX
from chatapp.events import Entry
from chatapp.hub.large_values import to_base64
from chatapp.wire.json_text import json_data


class StoredItems:
    """Makes items of messages in their order: the result of a call is of the call's kind."""

    def __init__(self) -> None:
        self._free: set[str] = set()  # the ids of the calls of tools that take free text

    def of_answer(self, entries: Iterable[Entry], repeated: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The output of a run."""
        items: list[dict[str, Any]] = response_of(entries, repeated)["output"]
        self._free |= {item["call_id"] for item in items if item["type"] == "custom_tool_call"}
        return items

    def of_message(self, id: str, message: Message) -> list[dict[str, Any]]:
        """What a client sent."""
        run = id.removeprefix(RUN_PREFIX)
        match message.role:
            case "assistant":
                return _turn(run, message)
            case "tool":
                kind = "custom_tool_call_output" if message.tool_call_id in self._free else "function_call_output"
                said = {"call_id": message.tool_call_id, "output": _output(message), "status": "completed"}
                return [{"id": f"fco_{run}_0", "type": kind, **said}]
            case role:
                content = [_part(part) for part in _parts(message)]
                head = {"id": f"msg_{run}_0", "type": "message", "status": "completed"}
                return [{**head, "role": role, "content": content}]


def response_of(entries: Iterable[Entry], repeated: Mapping[str, Any]) -> dict[str, Any]:
    """The response object of a run, after these entries."""
    dialect = ResponsesDialect(repeated, client_tools(repeated))
    for event in (entry.event for entry in entries):
        for _ in dialect.encode(event):
            pass
    return dialect.whole()


def client_tools(repeated: Mapping[str, Any]) -> list[str] | None:
    """The names of the client's tools. None for a run that was begun another way: all its calls are
    shown."""
    return [tool["name"] for tool in repeated.get("tools", ())] if repeated else None


def message_of(item_id: str) -> str:
    """The id of the message that has this item."""
    return RUN_PREFIX + item_id.rpartition("_")[0].partition("_")[2]


def _turn(run: str, message: Message) -> list[dict[str, Any]]:
    """A turn of an assistant, as one that chatapp wrote."""
    items: list[Item] = []
    if message.reasoning:
        items.append(_done(ThinkingItem(run, 0), message.reasoning))
    if message.text:
        items.append(_done(TextItem(run, len(items), 0), message.text))
    for call in message.tool_calls:
        item = call_item({}, run, len(items), call.id, call.name)
        items.append(_done(item, json_data(call.arguments)))
    return [item.whole() for item in items]


def _done(item: Item, text: str) -> Item:
    item.add(text)
    item.done, item.status = True, "completed"
    return item


def _output(message: Message) -> object:
    return message.content if isinstance(message.content, str) else [_part(part) for part in message.content]


def _parts(message: Message) -> list[Part]:
    return [Text(message.content)] if isinstance(message.content, str) else message.content


def _part(part: Part) -> dict[str, object]:
    match part:
        case Image():
            return {"type": "input_image", "image_url": part.url, "detail": "auto"}
        case Document():
            url = part.url or f"data:text/plain;base64,{to_base64(part.text.encode())}"
            return {"type": "input_file", "filename": part.name, "file_data": url}
        case Attachment() if part.media_type.startswith("image/"):
            return {"type": "input_image", "file_id": part.id, "detail": "auto"}
        case Attachment() | Sent():
            return {"type": "input_file", "filename": part.name, "file_id": part.id}
        case Text():
            return {"type": "input_text", "text": part.text}
