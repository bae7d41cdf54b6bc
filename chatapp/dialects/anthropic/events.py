"""Anthropic's Messages, as a server: a run as `message_start` … `message_stop`, or whole as a `message`.

Blocks come one after the other, each closed before the next begins, as Anthropic's own do: what comes of a second call
while the first is written is held until its turn. An attempt that was begun anew ends the stream with an error.
Source: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from collections import deque
from collections.abc import Collection, Iterator
from typing import ClassVar, assert_never

from chatapp.dialects import BEGUN_ANEW, Dialect, arguments_text, failed
from chatapp.errors import status_of
from chatapp.events import (
    AttemptReset,
    ErrorInfo,
    PlanStep,
    Raw,
    ReasoningDelta,
    RunEnd,
    RunStart,
    StreamEvent,
    TextDelta,
    ToolApproval,
    ToolCall,
    ToolInputDelta,
    ToolResult,
    Usage,
)
from chatapp.transcript import Transcript
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data

# Stands where Anthropic signs its thinking. It proves nothing: thinking that comes back with it is told to no provider.
SIGNATURE = "chatapp-unsigned"
STOP = {"length": "max_tokens", "tool_limit": "max_tokens", "content_filter": "refusal"}
ERROR_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


class _Block:
    """`start` is the block as it begins; `deltas` are those still to be sent."""

    def __init__(self, kind: str, **start: object) -> None:
        self.kind = kind
        self.start = {"type": kind, **start}
        self.deltas: list[dict[str, object]] = []
        self.begun = self.ended = False


class AnthropicDialect(Dialect):
    """`tools`: the names of the tools that the client runs; calls of others are the server's own and not shown. None:
    all are. `prompt_tokens` is an estimate to begin with; the true usage comes with the end.
    """

    name: ClassVar[str] = "anthropic"
    has_event_ids: ClassVar[bool] = False

    def __init__(self, tools: Collection[str] | None = None, prompt_tokens: int = 0) -> None:
        self._tools = tools
        self._prompt_tokens = prompt_tokens
        self._blocks: deque[_Block] = deque()  # the one that is being sent, and those that wait for their turn
        self._index = 0
        self._calls: dict[str, _Block] = {}  # being written, by their id
        self._open_calls: set[str] = set()  # without a result
        self._over = False

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        if self._over:
            return
        match event:
            case TextDelta():
                yield from self._say("text", event.text, "text_delta", text="")
            case ReasoningDelta():
                yield from self._say("thinking", event.text, "thinking_delta", thinking="", signature="")
            case ToolInputDelta():
                yield from self._call(event.tool_call_id, event.name, event.text)
            case ToolCall():
                yield from self._whole_call(event)
            case ToolResult():
                self._open_calls.discard(event.tool_call_id)
            case RunStart():
                started = {**_head(event), "content": [], "usage": usage_body(Usage(prompt=self._prompt_tokens))}
                yield _frame("message_start", message={**started, "stop_reason": None, "stop_sequence": None})
            case RunEnd() if failed(event) and event.error:
                yield _frame("error", **error_body(event.error))
            case RunEnd():
                yield from self._end(event)
            case AttemptReset() if self._index or self._blocks:
                self._over = True
                yield _frame("error", **error_body(BEGUN_ANEW))
            case ToolApproval() | AttemptReset() | PlanStep() | Raw():
                pass
            case _:
                assert_never(event)

    def heartbeat(self) -> Iterator[Frame]:
        yield _frame("ping")

    def _say(self, kind: str, piece: str, delta: str, **start: object) -> Iterator[Frame]:
        last = self._blocks[-1] if self._blocks else None
        if last is None or last.kind != kind:
            last = self._open(_Block(kind, **start))
        last.deltas.append({"type": delta, kind: piece})
        yield from self._send()

    def _call(self, id: str, name: str, text: str) -> Iterator[Frame]:
        if self._tools is not None and name not in self._tools:
            return
        if id not in self._calls:
            self._calls[id] = self._open(_Block("tool_use", id=id, name=name, input={}))
            self._open_calls.add(id)
        self._calls[id].deltas.append({"type": "input_json_delta", "partial_json": text})
        yield from self._send()

    def _whole_call(self, call: ToolCall) -> Iterator[Frame]:
        if call.id not in self._calls:
            yield from self._call(call.id, call.name, arguments_text(call))
        if block := self._calls.pop(call.id, None):
            block.ended = True
            yield from self._send()

    def _open(self, block: _Block) -> _Block:
        """What is said in one go ends where something else begins; calls end by themselves."""
        if self._blocks and self._blocks[-1].kind != "tool_use":
            self._blocks[-1].ended = True
        self._blocks.append(block)
        return block

    def _send(self) -> Iterator[Frame]:
        """All that may go now: of the first block what there is, and once it has ended of the next."""
        while self._blocks:
            block = self._blocks[0]
            if not block.begun:
                block.begun = True
                yield _frame("content_block_start", index=self._index, content_block=block.start)
            if block.ended and block.kind == "thinking":
                block.deltas.append({"type": "signature_delta", "signature": SIGNATURE})
            for delta in block.deltas:
                yield _frame("content_block_delta", index=self._index, delta=delta)
            block.deltas.clear()
            if not block.ended:
                return
            yield _frame("content_block_stop", index=self._index)
            self._index += 1
            self._blocks.popleft()

    def _end(self, end: RunEnd) -> Iterator[Frame]:
        for block in self._blocks:
            block.ended = True
        yield from self._send()
        stop = {"stop_reason": stop_reason(end, bool(self._open_calls)), "stop_sequence": None}
        yield _frame("message_delta", delta=stop, usage=usage_body(end.usage))
        yield _frame("message_stop")


def message(said: Transcript, tools: Collection[str]) -> dict[str, object]:
    """The `message` of a run that ended, and did not fail. `tools` are those that the client runs."""
    assert said.start is not None and said.end is not None
    calls = [call for call in said.open_calls() if call.name in tools]
    content: list[dict[str, object]] = []
    for _, event in said.entries:
        match event:
            case TextDelta():
                _join(content, "text", event.text)
            case ReasoningDelta():
                _join(content, "thinking", event.text, signature=SIGNATURE)
            case ToolCall() if event in calls:
                content.append({"type": "tool_use", "id": event.id, "name": event.name, "input": event.arguments})
    stop = {"stop_reason": stop_reason(said.end, bool(calls)), "stop_sequence": None}
    return {**_head(said.start), "content": content, **stop, "usage": usage_body(said.end.usage)}


def stop_reason(end: RunEnd, calls: bool) -> str:
    """`calls`: there are some that wait for the client's results. A run that was stopped ends as `end_turn`: it is what
    was asked for, and the protocol has no other word."""
    return "tool_use" if calls and end.reason == "stop" else STOP.get(end.reason, "end_turn")


def usage_body(usage: Usage) -> dict[str, object]:
    """Tokens read from a cache are counted apart there."""
    return {
        "input_tokens": usage.prompt - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.completion,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    }


def error_body(error: ErrorInfo) -> dict[str, object]:
    """The error of a run, in its stream."""
    return {"error": {"type": error_type(status_of(error.code)), "message": error.message}}


def error_type(status: int) -> str:
    return ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")


def _head(start: RunStart) -> dict[str, object]:
    return {"id": start.run_id, "type": "message", "role": "assistant", "model": start.model}


def _join(content: list[dict[str, object]], kind: str, text: str, **more: object) -> None:
    if content and content[-1]["type"] == kind:
        text = f"{content.pop()[kind]}{text}"
    content.append({"type": kind, kind: text, **more})


def _frame(name: str, **data: object) -> Frame:
    return Frame(json_data({"type": name, **data}), name)
