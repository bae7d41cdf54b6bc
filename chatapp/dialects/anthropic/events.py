"""Anthropic's Messages, as a server: a run as `message_start` … `message_stop`, or as one message.

Blocks come one after the other, as Anthropic's own do: the pieces of a second call wait until the
first is complete. The protocol has no word for an attempt that was begun anew: then the stream ends
with an error.
Source: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from collections.abc import Collection, Iterable, Iterator
from typing import ClassVar, assert_never

from chatapp.dialects import BEGUN_ANEW, Dialect, failed
from chatapp.dialects.blocks import Block, Blocks, Change, Cited, Closed, Grew, Opened
from chatapp.dialects.media import in_words
from chatapp.errors import TooLong, status_of
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

PROTOCOL = "anthropic"

# Stands where Anthropic signs its thinking, if another provider thought. It proves nothing: no
# provider is told thinking that comes back with it.
SIGNATURE = "chatapp-unsigned"
DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "call": ("input_json_delta", "partial_json"),
}
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


class AnthropicDialect(Dialect):
    """`tools` are the names of the tools that the client runs: calls of others are the server's own
    and not shown. None: all are. `prompt_tokens` is an estimate, sent at the start; the true usage
    comes with the end. `model` is the one that the client asked for, in its words: some clients
    compare it with the reply's."""

    name: ClassVar[str] = "anthropic"
    has_event_ids: ClassVar[bool] = False

    def __init__(self, tools: Collection[str] | None = None, prompt_tokens: int = 0, model: str | None = None) -> None:
        self._prompt_tokens = prompt_tokens
        self._model = model
        self._blocks = Blocks(tools, serial=True)
        self._signatures: dict[int, str] = {}  # of thinking, by the block's index
        self._sealed: dict[int, dict[str, object]] = {}  # blocks as Anthropic wrote them, by index
        self._run_id = ""
        self._over = False

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        if self._over:
            return
        match event:
            case TextDelta() | ReasoningDelta() | CitedSource() | ToolInputDelta() | ToolCall() | ToolResult():
                yield from self._frames(self._blocks.take(event))
            case NativePiece():
                for block in sealed_blocks(event):
                    yield from self._seal(block)
            case File():  # the protocol's answers have no pictures
                yield from self._frames(self._blocks.take(TextDelta(in_words(self._run_id, event))))
            case RunStart():
                self._run_id = event.run_id
                started = {
                    **_head(event, self._model),
                    "content": [],
                    "usage": usage_body(Usage(prompt=self._prompt_tokens)),
                }
                yield _frame("message_start", message={**started, "stop_reason": None, "stop_sequence": None})
            case RunEnd() if failed(event) and event.error:
                yield _frame("error", **error_body(event.error))
            case RunEnd():
                yield from self._end(event)
            case AttemptReset() if self._blocks.shown:
                self._over = True
                yield _frame("error", **error_body(BEGUN_ANEW))
            case ToolApproval() | ToolQuestion() | ToolProgress() | AttemptReset() | PlanStep() | Raw() | RunQueued():
                pass
            case _:
                assert_never(event)

    def heartbeat(self) -> Iterator[Frame]:
        yield _frame("ping")

    def _seal(self, block: dict[str, object]) -> Iterator[Frame]:
        """Sign the thinking that is open, or insert a block that nobody but Anthropic can read."""
        if block["type"] == "thinking" and (thinking := self._blocks.thinking):
            self._signatures[thinking.index] = str(block["signature"])
            yield from self._frames(self._blocks.close_text())
        elif not block.get("thinking"):
            changes = self._blocks.seal()
            self._sealed[self._blocks.count - 1] = block
            yield from self._frames(changes)

    def _frames(self, changes: Iterable[Change]) -> Iterator[Frame]:
        for change in changes:
            block = change.block
            match change:
                case Grew():
                    yield _delta(block, change.text)
                case Opened():
                    yield _frame("content_block_start", index=block.index, content_block=self._start(block))
                case Cited():
                    delta = {"type": "citations_delta", "citation": _citation(change.source)}
                    yield _frame("content_block_delta", index=block.index, delta=delta)
                case Closed():
                    if signature := self._signature(block):
                        signed = {"type": "signature_delta", "signature": signature}
                        yield _frame("content_block_delta", index=block.index, delta=signed)
                    yield _frame("content_block_stop", index=block.index)
                case _:
                    assert_never(change)

    def _start(self, block: Block) -> dict[str, object]:
        match block.kind:
            case "text":
                return {"type": "text", "text": ""}
            case "thinking":
                return {"type": "thinking", "thinking": "", "signature": ""}
            case "call":
                return {"type": "tool_use", "id": block.id, "name": block.name, "input": {}}
            case "sealed":
                sealed = self._sealed[block.index]
                return {**sealed, "signature": ""} if sealed["type"] == "thinking" else sealed

    def _signature(self, block: Block) -> object:
        if block.kind == "thinking":
            return self._signatures.get(block.index, SIGNATURE)
        return self._sealed[block.index].get("signature") if block.kind == "sealed" else None

    def _end(self, end: RunEnd) -> Iterator[Frame]:
        yield from self._frames(self._blocks.close_all())
        yield _frame("message_delta", delta=_stop(end, bool(self._blocks.unanswered)), usage=usage_body(end.usage))
        yield _frame("message_stop")


def message(said: Transcript, tools: Collection[str], model: str | None = None) -> dict[str, object]:
    """The `message` of a run that ended and did not fail. `tools` are those that the client runs,
    `model` is the one that it asked for."""
    assert said.start is not None and said.end is not None
    calls = [call for call in said.open_calls() if call.name in tools]
    content: list[dict[str, object]] = []
    for event in (entry.event for entry in said.entries):
        match event:
            case TextDelta():
                _join(content, "text", event.text)
            case File():
                _join(content, "text", in_words(said.start.run_id, event))
            case CitedSource():
                _cite(content, _citation(event))
            case ReasoningDelta():
                _join(content, "thinking", event.text, signature=SIGNATURE)
            case NativePiece():
                for block in sealed_blocks(event):
                    _seal(content, block)
            case ToolCall() if event in calls:
                content.append({"type": "tool_use", "id": event.id, "name": event.name, "input": event.arguments})
    stop = _stop(said.end, bool(calls))
    return {**_head(said.start, model), "content": content, **stop, "usage": usage_body(said.end.usage)}


def sealed_blocks(piece: NativePiece) -> Iterator[dict[str, object]]:
    """The thinking of the piece that Anthropic signed or hid; nothing of another protocol."""
    for block in piece.content if piece.protocol == PROTOCOL else ():
        if not isinstance(block, dict):
            continue
        if block.get("type") == "redacted_thinking" or (block.get("type") == "thinking" and block.get("signature")):
            yield block


def _stop(end: RunEnd, calls: bool) -> dict[str, object]:
    """`calls`: some wait for the client's results. A cancelled run ends as `end_turn`: that is what
    its owner asked for, and the protocol has no other word."""
    if end.reason != "stop":
        return {"stop_reason": STOP.get(end.reason, "end_turn"), "stop_sequence": None}
    if calls:
        return {"stop_reason": "tool_use", "stop_sequence": None}
    sequence = end.stop_sequence or None
    return {"stop_reason": "stop_sequence" if sequence else "end_turn", "stop_sequence": sequence}


def usage_body(usage: Usage) -> dict[str, object]:
    """Anthropic does not count tokens that a cache was asked for, or given, as input tokens."""
    return {
        "input_tokens": usage.prompt - usage.cached - usage.cache_written,
        "cache_creation_input_tokens": usage.cache_written,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.completion,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    }


def error_body(error: ErrorInfo) -> dict[str, object]:
    """The error of a run, as its stream says it."""
    return {"error": {"type": error_type(status_of(error.code)), "message": told(error.code, error.message)}}


def told(code: str, message: str) -> str:
    """The message with the words by which clients know that they have to shorten a conversation."""
    return f"prompt is too long: {message}" if code == TooLong.code else message


def error_type(status: int) -> str:
    return ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")


def _head(start: RunStart, model: str | None) -> dict[str, object]:
    return {"id": start.run_id, "type": "message", "role": "assistant", "model": model or start.model}


def _delta(block: Block, text: str) -> Frame:
    type, field = DELTAS[block.kind]
    return _frame("content_block_delta", index=block.index, delta={"type": type, field: text})


def _citation(source: CitedSource) -> dict[str, object]:
    """A place on the web, or in a document without an address. Its numbers are not known here."""
    if source.url:
        web: dict[str, object] = {"type": "web_search_result_location", "url": source.url, "encrypted_index": ""}
        return {**web, "title": source.title or None, "cited_text": source.quote}
    document: dict[str, object] = {"document_index": 0, "document_title": source.title or None, "file_id": None}
    place: dict[str, object] = {"type": "char_location", "start_char_index": 0, "end_char_index": 0}
    return {**place, **document, "cited_text": source.quote}


def _join(content: list[dict[str, object]], kind: str, text: str, **more: object) -> None:
    if content and content[-1]["type"] == kind and content[-1].get("signature", SIGNATURE) == SIGNATURE:
        content[-1][kind] = f"{content[-1][kind]}{text}"
    else:
        content.append({"type": kind, kind: text, **more})


def _cite(content: list[dict[str, object]], citation: dict[str, object]) -> None:
    _join(content, "text", "")
    citations = content[-1].setdefault("citations", [])
    assert isinstance(citations, list)
    citations.append(citation)


def _seal(content: list[dict[str, object]], block: dict[str, object]) -> None:
    last = content[-1] if content else {}
    if block["type"] == "thinking" and last.get("signature") == SIGNATURE:
        last["signature"] = block["signature"]
    elif not block.get("thinking"):
        content.append(block)


def _frame(name: str, **data: object) -> Frame:
    return Frame(json_data({"type": name, **data}), name)
