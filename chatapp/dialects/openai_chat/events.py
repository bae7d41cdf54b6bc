"""OpenAI's chat completions, as a server: a run as chunks, or as one `chat.completion`.

The protocol has no word for an attempt that was begun anew: if something of the first was shown,
the stream ends with an error.
Source: https://platform.openai.com/docs/api-reference/chat/streaming
"""

from collections.abc import Collection, Iterator
from typing import ClassVar, assert_never

from chatapp.dialects import BEGUN_ANEW, Dialect, arguments_text, failed, is_shown
from chatapp.dialects.media import image_url, in_words, is_image
from chatapp.dialects.openai_chat.opaque import OpaqueMembers
from chatapp.errors import status_of
from chatapp.events import (
    AttemptReset,
    CitedSource,
    ErrorInfo,
    File,
    NativePiece,
    PlanStep,
    Raw,
    ReasoningDelta,
    RunEnd,
    RunQueued,
    RunStart,
    StreamEvent,
    TextDelta,
    ToolApproval,
    ToolCall,
    ToolInputDelta,
    ToolProgress,
    ToolQuestion,
    ToolResult,
    Usage,
)
from chatapp.transcript import Transcript
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data

DONE = Frame("[DONE]")
ERROR_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
FINISH = {"stop": "stop", "length": "length", "tool_limit": "length", "content_filter": "content_filter"}


class OpenAIDialect(Dialect):
    """`include_usage`: send the chunk with the usage that `stream_options` asks for. `tools` are
    the names of the tools that the client runs: calls of others are the server's own and not shown.
    None: all are. `model` is the one that the client asked for, in its words."""

    name: ClassVar[str] = "openai"
    has_event_ids: ClassVar[bool] = False

    def __init__(
        self, include_usage: bool = False, tools: Collection[str] | None = None, model: str | None = None
    ) -> None:
        self._include_usage = include_usage
        self._tools = tools
        self._model = model
        self._head: dict[str, object] = {}
        self._indexes: dict[str, int] = {}  # of the calls that have no result, by id
        self._calls = self._images = self._sources = self._chars = 0
        self._run_id = ""
        self._calls = 0
        self._opaque = OpaqueMembers()
        self._shown = self._over = False

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        if self._over:
            return
        match event:
            case TextDelta():
                self._chars += len(event.text)
                yield self._delta({"content": event.text})
            case CitedSource():
                # The SDK joins the lists of deltas by the index of their members.
                self._sources += 1
                yield self._delta({"annotations": [{**_annotation(event, self._chars), "index": self._sources - 1}]})
            case File() if is_image(event):
                self._images += 1
                yield self._delta({"images": [_image(self._run_id, event, self._images - 1)]})
            case File():
                yield self._delta({"content": in_words(self._run_id, event)})
            case ReasoningDelta():
                yield self._delta({"reasoning_content": event.text})
            case ToolInputDelta():
                yield from self._call(event.tool_call_id, event.name, event.text)
            case ToolCall() if event.by_provider and self._tools is not None:
                pass  # whatever its name, it is not the client's
            case ToolCall() if event.id not in self._indexes:
                yield from self._call(event.id, event.name, arguments_text(event))
            case ToolResult():
                self._indexes.pop(event.tool_call_id, None)
                self._opaque.next_round()
            case NativePiece():
                for id in self._opaque.take(event):
                    if id in self._indexes:
                        yield self._delta({"tool_calls": [self._late_members(str(id))]})
            case RunStart():
                self._run_id = event.run_id
                self._head = _head(event, "chat.completion.chunk", self._model)
                yield self._chunk([_choice({"role": "assistant", "content": ""})])
            case RunEnd() if failed(event) and event.error:
                yield Frame(json_data(error_body(event.error)))
            case RunEnd():
                yield from self._end(event)
            case AttemptReset() if self._shown:
                self._over = True
                yield Frame(json_data(error_body(BEGUN_ANEW)))
            case AttemptReset():
                self._opaque = OpaqueMembers()
            case ToolCall() | ToolApproval() | ToolQuestion() | ToolProgress() | PlanStep() | Raw() | RunQueued():
                pass
            case _:
                assert_never(event)

    def _delta(self, delta: dict[str, object]) -> Frame:
        self._shown = True
        return self._chunk([_choice(delta)])

    def _call(self, id: str, name: str, text: str) -> Iterator[Frame]:
        """A piece of a call's arguments. The id, type and name come with the first piece only."""
        if not is_shown(name, self._tools):
            return
        call: dict[str, object] = {"function": {"arguments": text}}
        if id not in self._indexes:
            self._indexes[id] = self._calls
            self._calls += 1
            call = {"id": id, "type": "function", "function": {"name": name, "arguments": text}}
            call |= self._opaque.of_calls.get(id, {})
        yield self._delta({"tool_calls": [{"index": self._indexes[id], **call}]})

    def _late_members(self, id: str) -> dict[str, object]:
        return {"index": self._indexes[id], "function": {"arguments": ""}, **self._opaque.of_calls[id]}

    def _end(self, end: RunEnd) -> Iterator[Frame]:
        if members := self._opaque.last(not self._opaque.of_calls.keys().isdisjoint(self._indexes)):
            yield self._chunk([_choice(members)])
        yield self._chunk([_choice({}, finish_reason(end, bool(self._indexes)))])
        if self._include_usage:
            yield self._chunk([], usage_body(end.usage))
        yield DONE

    def _chunk(self, choices: list[dict[str, object]], usage: object = None) -> Frame:
        asked = {"usage": usage} if self._include_usage else {}
        return Frame(json_data({**self._head, "choices": choices, **asked}))


def completion(said: Transcript, tools: Collection[str] | None = None, model: str | None = None) -> dict[str, object]:
    """A run that ended well, as a `chat.completion`. `tools` and `model`: as for
    `OpenAIDialect`."""
    assert said.start is not None and said.end is not None
    calls = [call for call in said.open_calls() if is_shown(call.name, tools)]
    content, annotations = _text_with_sources(said)
    opaque = _opaque_members(said)
    message: dict[str, object] = {
        "role": "assistant",
        "content": content or (None if calls else ""),
        "refusal": None,
    }
    if annotations:
        message["annotations"] = annotations
    if images := [file for file in said.files if is_image(file)]:
        message["images"] = [_image(said.start.run_id, file, index) for index, file in enumerate(images)]
    if said.reasoning:
        message["reasoning_content"] = said.reasoning
    if calls:
        message["tool_calls"] = [_whole_call(call) | opaque.of_calls.get(call.id, {}) for call in calls]
    message |= opaque.last(any(call.id in opaque.of_calls for call in calls))
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(said.end, bool(calls))}
    return {**_head(said.start, "chat.completion", model), "choices": [choice], "usage": usage_body(said.end.usage)}


def _opaque_members(said: Transcript) -> OpaqueMembers:
    opaque = OpaqueMembers()
    for entry in said.entries:
        event = entry.event
        if isinstance(event, NativePiece):
            opaque.take(event)
        elif isinstance(event, ToolResult):
            opaque.next_round()
    return opaque


def finish_reason(end: RunEnd, calls: bool) -> str:
    """`calls`: some wait for the client's results. A cancelled run ends as `stop`: that is what its
    owner asked for, and the protocol has no other word."""
    return "tool_calls" if calls and end.reason == "stop" else FINISH.get(end.reason, "stop")


def usage_body(usage: Usage) -> dict[str, object]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def error_body(error: ErrorInfo) -> dict[str, object]:
    """The error of a run, as its stream says it."""
    type_ = error_type(status_of(error.code))
    return {"error": {"message": error.message, "type": type_, "param": None, "code": error.code}}


def error_type(status: int) -> str:
    return ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")


def _head(start: RunStart, object_: str, model: str | None) -> dict[str, object]:
    return {"id": start.run_id, "object": object_, "created": int(start.created), "model": model or start.model}


def _choice(delta: dict[str, object], reason: str | None = None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _text_with_sources(said: Transcript) -> tuple[str, list[dict[str, object]]]:
    """The text, with words for the files that the protocol cannot carry, and its annotations."""
    assert said.start is not None
    text: list[str] = []
    annotations = []
    chars = 0
    for event in (entry.event for entry in said.entries):
        match event:
            case TextDelta():
                text.append(event.text)
                chars += len(event.text)
            case File() if not is_image(event):
                text.append(in_words(said.start.run_id, event))
            case CitedSource():
                annotations.append(_annotation(event, chars))
    return "".join(text), annotations


def _annotation(source: CitedSource, length: int) -> dict[str, object]:
    """Its place is demanded: a source of the whole text stands at the end of the `length` so
    far."""
    start, end = (length, length) if source.start is None else (source.start, source.end or source.start)
    about = {"url": source.url, "title": source.title, "start_index": start, "end_index": end}
    quote = {"content": source.quote} if source.quote else {}
    return {"type": "url_citation", "url_citation": {**about, **quote}}


def _image(run: str, file: File, index: int) -> dict[str, object]:
    """As OpenRouter sends it: OpenAI's own chat completions have no pictures."""
    return {"type": "image_url", "image_url": {"url": image_url(run, file)}, "index": index}


def _whole_call(call: ToolCall) -> dict[str, object]:
    function = {"name": call.name, "arguments": arguments_text(call)}
    return {"id": call.id, "type": "function", "function": function}
