"""The input of a request: items, as messages. Every refusal names the field."""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec

from chatapp.chat import Image, Message, Native, Part
from chatapp.chat.files import with_images
from chatapp.dialects.media import picture_url
from chatapp.dialects.openai_responses.events import PROTOCOL
from chatapp.dialects.openai_responses.request_tools import TOOL_SEARCH, ClientTools, OfferedTool
from chatapp.dialects.request_parts import ContentPart, Few, call_of, content_of, filled, given
from chatapp.errors import InvalidField, NotFound
from chatapp.events import ToolCall
from chatapp.hub import with_pauses
from chatapp.wire.json_text import json_data

SERVED = (
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "computer_call",
    "computer_call_output",
    "mcp_call",
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
)
"""Calls that OpenAI made itself: nothing that another provider can be told."""


class Item(msgspec.Struct, frozen=True):
    """One item of the input: a message, a call, its result, the thinking of an earlier turn, or,
    with no more than an id, a reference to an item that is stored here."""

    type: str | None = None
    id: str | None = None
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: str | Annotated[list[ContentPart], Few] | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: str | dict[str, object] | None = None
    input: str | None = None
    output: str | Annotated[list[ContentPart], Few] | dict[str, object] | None = None
    summary: Annotated[list[ContentPart], Few] | None = None
    tools: list[OfferedTool] | None = None
    encrypted_content: str | None = None
    result: object = None

    @property
    def kind(self) -> str:
        if self.type is not None:
            return self.type
        return "item_reference" if self.id and self.role is None else "message"


Find: TypeAlias = Callable[[str], dict[str, object] | None]
"""Gives the stored item with this id, as the client was shown it; None if there is none."""


def resolved(items: Sequence[Item], find: Find, field: str = "input") -> list[Item]:
    """The items, with those that are stored here in place of references to them. Raises
    NotFound."""
    return [_stored(f"{field}[{index}]", item, find) for index, item in enumerate(items)]


def add_tools(items: Sequence[Item], tools: ClientTools) -> None:
    """Add the tools that the client offers on the way, such as those that its tool search found."""
    for index, item in enumerate(items):
        if item.kind in ("tool_search_output", "additional_tools"):
            tools.add(f"input[{index}].tools", item.tools or (), again=True)


def messages_of(given: str | Sequence[Item] | None, tools: ClientTools, field: str = "input") -> list[Message]:
    if isinstance(given, str):
        return [Message("user", filled(field, given))]
    if not given:
        raise InvalidField(f"{field}: must not be empty")
    turns = _Turns(tools)
    for index, item in enumerate(with_pauses(given)):
        _add(f"{field}[{index}]", item, turns, tools)
    return turns.all()


class _Turns:
    """The thinking, calls and text of one turn, each an item, become one message."""

    def __init__(self, tools: ClientTools) -> None:
        self._tools = tools
        self._done: list[Message] = []
        self._pieces: list[Message] = []  # of the assistant's turn that may go on
        self._has_text = False

    def add(self, message: Message) -> None:
        self._close()
        self._done.append(message)

    def extend(self, piece: Message) -> None:
        """Go on with the assistant's turn, unless its text is there and something else begins."""
        if self._has_text and (piece.text or piece.reasoning or piece.native):
            self._close()
        self._pieces.append(piece)
        self._has_text = self._has_text or bool(piece.text)

    def all(self) -> list[Message]:
        self._close()
        return self._done

    def _close(self) -> None:
        if self._pieces:
            self._done.append(self._joined(self._pieces))
        self._pieces, self._has_text = [], False

    def _joined(self, pieces: list[Message]) -> Message:
        sealed = any(piece.native for piece in pieces)
        return Message(
            "assistant",
            _content(pieces),
            reasoning="".join(piece.reasoning for piece in pieces),
            tool_calls=[call for piece in pieces for call in piece.tool_calls],
            native=Native(PROTOCOL, [part for piece in pieces for part in _native(piece, self._tools)])
            if sealed
            else None,
        )


def _content(pieces: Sequence[Message]) -> str | list[Part]:
    """The text of a turn, and the pictures that were made in it."""
    said = next((piece for piece in pieces if piece.text), Message("assistant", ""))
    shown = [piece.content for piece in pieces if piece is not said and isinstance(piece.content, list)]
    made = [part for content in shown for part in content if isinstance(part, Image)]
    return with_images(said.text, made) if made else said.content


def _stored(field: str, item: Item, find: Find) -> Item:
    if item.kind != "item_reference":
        return item
    found = find(item.id or "")
    if found is None:
        raise NotFound(f"{field}.id: no stored item with this id; send the item itself")
    return msgspec.convert(found, Item)


def _add(field: str, item: Item, turns: _Turns, tools: ClientTools) -> None:
    match item.kind:
        case "message":
            _add_message(field, item, turns)
        case "reasoning":
            turns.extend(_thinking(item))
        case "image_generation_call":
            if isinstance(item.result, str) and item.result:
                turns.extend(Message("assistant", [Image(picture_url(item.result))]))
        case "tool_search_call" | "tool_search_output" if not item.call_id:
            pass  # OpenAI searched by itself
        case "function_call" | "custom_tool_call" | "tool_search_call":
            turns.extend(Message("assistant", "", tool_calls=[_call(field, item, tools)]))
        case "function_call_output" | "custom_tool_call_output":
            if isinstance(item.output, dict):
                raise InvalidField(f"{field}.output: expected a text, or a list of texts and images")
            result = content_of(f"{field}.output", item.output)
            turns.add(Message("tool", result, tool_call_id=given(f"{field}.call_id", item.call_id)))
        case "tool_search_output":
            found = json_data([_found(tool) for tool in item.tools or ()])
            turns.add(Message("tool", found, tool_call_id=item.call_id))
        case "additional_tools":
            pass  # of the tools, not of the conversation
        case kind if kind not in SERVED:
            raise InvalidField(
                f"{field}.type: {kind!r} is not supported; use message, reasoning, item_reference, function_call, "
                "custom_tool_call or their outputs"
            )


def _add_message(field: str, item: Item, turns: _Turns) -> None:
    content = content_of(f"{field}.content", item.content)
    match item.role:
        case None:
            raise InvalidField(f"{field}.role: must not be empty")
        case "assistant":
            turns.extend(Message("assistant", content))
        case "user":
            turns.add(Message("user", filled(f"{field}.content", content)))
        case "system" | "developer":
            turns.add(Message("system", filled(f"{field}.content", content)))


def _thinking(item: Item) -> Message:
    """The summary; the thinking itself if there is none.

    Sealed thinking goes back without the id, which is ours: a provider refuses it with another id
    than its own.
    """
    parts = item.summary or (item.content if isinstance(item.content, list) else None)
    reasoning = "".join(part.text or "" for part in parts or ())
    if not item.encrypted_content:
        return Message("assistant", "", reasoning=reasoning)
    summary = [{"type": "summary_text", "text": part.text or ""} for part in item.summary or ()]
    sealed = {"type": "reasoning", "summary": summary, "encrypted_content": item.encrypted_content}
    return Message("assistant", "", reasoning=reasoning, native=Native(PROTOCOL, [sealed]))


def _call(field: str, item: Item, tools: ClientTools) -> ToolCall:
    id = given(f"{field}.call_id", item.call_id)
    if item.kind == "tool_search_call":
        name, arguments = TOOL_SEARCH, item.arguments
    else:
        name = tools.named(given(f"{field}.name", item.name), item.namespace or "")
        arguments = item.arguments if item.kind == "function_call" else {"input": item.input or ""}
    if isinstance(arguments, dict):
        return ToolCall(id, "function", name, arguments)
    return call_of(field, id, name, arguments or "")


def _found(tool: OfferedTool) -> dict[str, object]:
    """What the model is told of a tool that the search found: more stands in the list of tools."""
    below = {"tools": [_found(one) for one in tool.tools]} if tool.tools else {}
    return {"name": tool.name, "description": tool.description or "", **below}


def _native(message: Message, tools: ClientTools) -> list[object]:
    """What a provider of this protocol gets of a turn in which some thinking is sealed."""
    if message.native:
        return list(message.native.content) if isinstance(message.native.content, list) else []
    said: list[object] = []
    if message.text.strip():
        said.append(
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": message.text}]}
        )
    return said + [_native_call(call, tools) for call in message.tool_calls]


def _native_call(call: ToolCall, tools: ClientTools) -> dict[str, object]:
    about = {"call_id": call.id, "name": call.name}
    if tools.takes_free_text(call.name):
        return {"type": "custom_tool_call", **about, "input": call.arguments.get("input", "")}
    return {"type": "function_call", **about, "arguments": json_data(call.arguments)}
