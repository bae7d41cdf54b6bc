"""The request of the AI SDK's pages, `POST /api/ui/chat`, as an Ask. Every refusal names the field.

Parts that only the page needs (`data-*`, sources) are left out; the AI SDK itself sends no model
those either.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from chatapp.chat import Ask, Message, Part, Text
from chatapp.dialects.request_files import named_by, sent_file
from chatapp.dialects.request_parts import Few, filled, given, image_of, joined
from chatapp.dialects.requests import AnswerRequest, Name
from chatapp.errors import InvalidField
from chatapp.events import ToolCall
from chatapp.hub import with_pauses
from chatapp.wire.json_text import json_data

FOR_THE_PAGE = ("data-", "source-", "step-start")
RESULTS = ("output-available", "output-error", "output-denied")


class UIPart(msgspec.Struct, frozen=True, rename="camel"):
    type: str
    text: str = ""
    url: str = ""
    media_type: str = ""
    filename: str | None = None
    tool_call_id: str = ""
    tool_name: str = ""
    state: str = ""
    input: object = None
    output: object = None
    error_text: str | None = None


class UIMessage(msgspec.Struct, frozen=True):
    role: Literal["system", "user", "assistant"]
    parts: Annotated[list[UIPart], Few]


class UIChatRequest(AnswerRequest, frozen=True, kw_only=True):
    """`id` is the chat's. The transport's `body` puts the shared fields beside it."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    messages: list[UIMessage]
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    message_id: Name | None = msgspec.field(default=None, name="messageId")

    def ask(self, newest: str | None) -> Ask:
        """`newest` is the id of the chat's newest answer on this server; if there is one, only what
        is new in the page's messages matters."""
        if not self.messages or self.messages[-1].role != "user":
            raise InvalidField("messages: the last message must have the role user")
        if newest is None:
            return self.ask_for(self._said(0), session_id=self.id)
        if self.trigger == "regenerate-message":
            return self.ask_for([], session_id=self.id, retry_of=self.message_id or newest)
        if self.message_id is not None:
            raise InvalidField("messageId: an earlier message cannot be edited; start a new chat")
        return self.ask_for(self._said(len(self.messages) - 1), session_id=self.id)

    def _said(self, first: int) -> list[Message]:
        said: list[Message] = []
        for index, message in enumerate(with_pauses(self.messages[first:]), first):
            field = f"messages[{index}].parts"
            said += _steps(field, message.parts) if message.role == "assistant" else [_turn(field, message)]
        return said


def _turn(field: str, message: UIMessage) -> Message:
    parts = [_part(f"{field}[{index}]", part) for index, part in enumerate(message.parts)]
    return Message(message.role, filled(field, joined([part for part in parts if part is not None])))


def _part(field: str, part: UIPart) -> Part | None:
    if part.type == "text":
        return Text(part.text)
    if part.type == "file" and part.media_type.startswith("image/"):
        return image_of(f"{field}.url", part.url)
    if part.type == "file":
        if part.media_type.startswith(("audio/", "video/")):
            raise InvalidField(f"{field}.mediaType: {part.media_type!r} is not supported; use an image, a PDF or text")
        return sent_file(f"{field}.url", part.filename or named_by(part.media_type), part.url)
    if part.type.startswith(FOR_THE_PAGE):
        return None
    raise InvalidField(f"{field}.type: {part.type!r} is not supported; use text or file parts")


def _steps(field: str, parts: list[UIPart]) -> Iterator[Message]:
    """An answer's messages: for each step one of the assistant, and one for each tool result."""
    step: list[UIPart] = []
    for index, part in enumerate(parts):
        if part.type == "step-start":
            yield from _step(step)
            step = []
        elif part.type in ("text", "reasoning"):
            step.append(part)
        elif part.type == "file":  # the model made it; no provider takes one back
            step.append(UIPart(type="text", text=f"[file: {part.media_type}]"))
        elif _tool_name(part):
            given(f"{field}[{index}].toolCallId", part.tool_call_id)
            step.append(part)
        elif not part.type.startswith(FOR_THE_PAGE):
            raise InvalidField(
                f"{field}[{index}].type: {part.type!r} is not supported in an assistant message; "
                "use text, reasoning or tool parts"
            )
    yield from _step(step)


def _step(parts: list[UIPart]) -> Iterator[Message]:
    if not parts:
        return
    text, thought = (_joined(parts, kind) for kind in ("text", "reasoning"))
    called = [part for part in parts if _tool_name(part)]
    yield Message("assistant", text, tool_calls=[_call(part) for part in called], reasoning=thought)
    for part in called:
        if part.state in RESULTS:
            yield _result(part)


def _joined(parts: list[UIPart], kind: str) -> str:
    return "".join(part.text for part in parts if part.type == kind)


def _tool_name(part: UIPart) -> str:
    """The tool of a tool part, else "". The part's type names a tool that the page knows."""
    return part.tool_name if part.type == "dynamic-tool" else part.type[5:] if part.type.startswith("tool-") else ""


def _call(part: UIPart) -> ToolCall:
    arguments = part.input if isinstance(part.input, dict) else {}
    return ToolCall(part.tool_call_id, "function", _tool_name(part), arguments)


def _result(part: UIPart) -> Message:
    if part.state == "output-available":
        text = part.output if isinstance(part.output, str) else json_data(part.output)
        return Message("tool", text, tool_call_id=part.tool_call_id)
    return Message("tool", part.error_text or "denied", tool_call_id=part.tool_call_id, failed=True)
