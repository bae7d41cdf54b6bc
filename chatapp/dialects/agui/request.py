"""The request of AG-UI's front ends, `POST /api/agui`, as an Ask. Every refusal names the field.

The front end holds the conversation and sends all of it. `state` and activities are ignored; the
model is told the `context`. The fields that all our endpoints share stand in `forwardedProps`.
"""

import hashlib
from typing import Annotated

import msgspec

from chatapp.chat import Ask, Message, Part, Text
from chatapp.dialects.request_files import named_by, refuse_address, sent_file
from chatapp.dialects.request_parts import (
    Few,
    call_of,
    distinct,
    filled,
    given,
    image_of,
    joined,
    refuse,
    refuse_orphans,
    tool_of,
)
from chatapp.dialects.requests import AnswerRequest, Name
from chatapp.errors import InvalidField
from chatapp.events import ToolCall
from chatapp.hub import with_pauses


class Source(msgspec.Struct, frozen=True, rename="camel"):
    type: str
    value: str
    mime_type: str = ""


class ContentPart(msgspec.Struct, frozen=True, rename="camel"):
    """`binary` is the older form of a file, with the last five fields."""

    type: str
    text: str = ""
    source: Source | None = None
    metadata: object = None
    mime_type: str = ""
    id: str | None = None
    url: str | None = None
    data: str | None = None
    filename: str | None = None


class Function(msgspec.Struct, frozen=True):
    name: str
    arguments: str = ""


class Call(msgspec.Struct, frozen=True):
    id: str
    function: Function


class AGUIMessage(msgspec.Struct, frozen=True, rename="camel"):
    role: str
    content: str | Annotated[list[ContentPart], Few] | dict[str, object] | None = None
    tool_calls: Annotated[list[Call], Few] | None = None
    tool_call_id: str = ""
    error: str | None = None


class OfferedTool(msgspec.Struct, frozen=True):
    name: str
    description: str = ""
    parameters: dict[str, object] | None = None


class Context(msgspec.Struct, frozen=True):
    description: str
    value: str


class AGUIRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    thread_id: Name
    run_id: Name
    messages: list[AGUIMessage]
    tools: list[OfferedTool] | None = None
    context: list[Context] | None = None
    forwarded_props: AnswerRequest | None = None
    resume: list[object] | None = None

    @property
    def names(self) -> dict[str, object]:
        """The client's names of the conversation and the run, to be kept with the answer."""
        return {"threadId": self.thread_id, "runId": self.run_id}

    @property
    def wishes(self) -> AnswerRequest:
        return self.forwarded_props or AnswerRequest()

    def ask(self) -> Ask:
        refuse("resume", bool(self.resume), "no run ends with an interrupt")
        tools = [
            tool_of(f"tools[{index}]", tool.name, tool.description, tool.parameters)
            for index, tool in enumerate(self.tools or ())
        ]
        ask = self.wishes.ask_for(self._messages())
        options = msgspec.structs.replace(ask.options, tools=distinct(tools))
        return msgspec.structs.replace(ask, options=options, repeated=self.names)

    def _messages(self) -> list[Message]:
        messages = [Message("system", f"{known.description}: {known.value}") for known in self.context or ()]
        thought, told = "", len(messages)
        for index, message in enumerate(with_pauses(self.messages)):
            field = f"messages[{index}]"
            if message.role == "reasoning":
                thought = _thought(f"{field}.content", message.content)
            elif message.role != "activity":
                messages.append(_message(field, message, thought))
                thought = ""
        if len(messages) == told:
            raise InvalidField("messages: must not be empty")
        refuse_orphans("messages", messages)
        return messages


class AGUIRunName(msgspec.Struct, frozen=True, rename="camel"):
    """A run by its client's names, as a `RunAgentInput` has them. Without `runId`, or with one that
    no run has: the newest run of the thread."""

    thread_id: Name
    run_id: Name = ""


def run_key(thread_id: str, run_id: str = "") -> str:
    """The beginning of the keys under which runs of this thread, or with this name, are found
    again."""
    names = [thread_id, run_id] if run_id else [thread_id]
    return " ".join(["agui", *(hashlib.sha256(name.encode()).hexdigest() for name in names), ""])


def _message(field: str, message: AGUIMessage, thought: str) -> Message:
    content = _content(f"{field}.content", message.content)
    match message.role:
        case "user":
            return Message("user", filled(f"{field}.content", content))
        case "system" | "developer":
            return Message("system", filled(f"{field}.content", content))
        case "assistant":
            calls = [_call(f"{field}.toolCalls[{index}]", call) for index, call in enumerate(message.tool_calls or ())]
            return Message("assistant", content, tool_calls=calls, reasoning=thought)
        case "tool":
            id = given(f"{field}.toolCallId", message.tool_call_id)
            failed = message.error is not None
            said = (message.error or content) if failed else content
            return Message("tool", said, tool_call_id=id, failed=failed)
        case other:
            raise InvalidField(
                f"{field}.role: {other!r} is not supported; "
                "use user, assistant, system, developer, tool, reasoning or activity"
            )


def _thought(field: str, content: str | list[ContentPart] | dict[str, object] | None) -> str:
    thought = _content(field, content)
    if not isinstance(thought, str):
        raise InvalidField(f"{field}: images are not supported in a reasoning message; use text")
    return thought


def _call(field: str, call: Call) -> ToolCall:
    return call_of(f"{field}.function", given(f"{field}.id", call.id), call.function.name, call.function.arguments)


def _content(field: str, content: str | list[ContentPart] | dict[str, object] | None) -> str | list[Part]:
    if isinstance(content, dict):
        raise InvalidField(f"{field}: expected a string or a list of parts")
    if not isinstance(content, list):
        return content or ""
    return joined([_part(f"{field}[{index}]", part) for index, part in enumerate(content)])


def _part(field: str, part: ContentPart) -> Part:
    if part.type == "text":
        return Text(part.text)
    if part.type == "binary":
        return _binary(field, part)
    if part.type not in ("image", "document"):
        raise InvalidField(f"{field}.type: {part.type!r} is not supported; use text, image or document parts")
    source = part.source
    if source is None or source.type not in ("data", "url", "file"):
        raise InvalidField(f"{field}.source: expected a source of type data, url or file")
    if source.type == "file":
        return sent_file(f"{field}.source.value", None, None, given(f"{field}.source.value", source.value))
    place, is_data = f"{field}.source.value", source.type == "data"
    if part.type == "image":
        return image_of(place, f"data:{source.mime_type};base64,{source.value}" if is_data else source.value)
    if not is_data and not source.value.startswith("data:"):
        raise refuse_address(place)
    return sent_file(place, _name(part) or named_by(source.mime_type), source.value)


def _binary(field: str, part: ContentPart) -> Part:
    if part.mime_type.startswith(("audio/", "video/")):
        raise InvalidField(f"{field}.mimeType: {part.mime_type!r} is not supported; use an image, a PDF or text")
    if part.mime_type.startswith("image/") and not part.id:
        inline = f"data:{part.mime_type};base64,{part.data}" if part.data else part.url
        return image_of(f"{field}.{'data' if part.data else 'url'}", inline or "")
    if part.url and not part.data and not part.url.startswith("data:"):
        raise refuse_address(f"{field}.url")
    place = "id" if part.id else "data"
    return sent_file(f"{field}.{place}", part.filename or named_by(part.mime_type), part.data or part.url, part.id)


def _name(part: ContentPart) -> str | None:
    """Of a document, where the client says it: in what it adds of its own."""
    name = part.metadata.get("filename") if isinstance(part.metadata, dict) else None
    return name if isinstance(name, str) else None
