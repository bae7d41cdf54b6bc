"""The `message` dialect, which the page and the message API read. Each result mode has a class.

A client may ignore the events of plan and tools, and in the mode `legacy` those of thinking.
docs/dialects.md has all events.
"""

from collections.abc import Iterable, Iterator
from typing import ClassVar, assert_never

import msgspec

from chatapp.dialects import Dialect, answered_by, call_data, failed, outcome_data, progress_data, question_data
from chatapp.dialects.media import file_data, source_data
from chatapp.events import (
    AttemptReset,
    CitedSource,
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
    Timing,
    ToolApproval,
    ToolCall,
    ToolInputDelta,
    ToolProgress,
    ToolQuestion,
    ToolResult,
)
from chatapp.hub.large_values import to_base64
from chatapp.text import GrowingText
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data


class MessageDialect(Dialect):
    """Mode `legacy`: `content_delta` … `completed`, or `error`; `heartbeat` in silence; `reset` if
    all before it is void."""

    name: ClassVar[str] = "message"
    has_event_ids: ClassVar[bool] = True

    for_viewer = False
    """Whether it is read by a link: what the run used, and its trace, are its owner's."""

    def __init__(self) -> None:
        self._run_id = ""
        self._start: RunStart | None = None
        self._forget()

    def encode(self, event: StreamEvent) -> Iterable[Frame]:
        return self._text(event.text) if isinstance(event, TextDelta) else self._beside_text(event)

    def heartbeat(self) -> Iterator[Frame]:
        yield _frame("heartbeat", {})

    def reset(self, reason: str) -> Iterator[Frame]:
        yield _frame("reset", {"reason": reason})

    def _beside_text(self, event: StreamEvent) -> Iterator[Frame]:
        match event:
            case ReasoningDelta():
                yield from self._reasoning(event.text)
            case Raw():
                yield from self._raw(event.bytes)
            case ToolCall():
                yield _frame("tool_call", call_data(event))
            case ToolApproval():
                yield _frame("tool_approval", _approval(event))
            case ToolQuestion():
                yield _frame("tool_question", question_data(event))
            case ToolProgress():
                yield _frame("tool_progress", progress_data(event))
            case ToolResult():
                yield _frame("tool_result", outcome_data(event))
            case PlanStep():
                yield _frame("plan_step", _step(event))
            case CitedSource():
                yield _frame("source", source_data(event))
            case File():
                yield _frame("file", file_data(self._run_id, event))
            case RunEnd() if failed(event):
                yield _frame("error", self._failed(event))
            case RunEnd():
                yield from self._last_text()
                yield _frame("completed", self._completed(event))
            case RunQueued():
                yield _frame("queued", {"waiting": event.waiting})
            case AttemptReset():
                self._forget()
                yield from self.reset(event.reason)
            case RunStart():
                self._run_id = event.run_id
                self._start = event
            case TextDelta() | ToolInputDelta() | NativePiece():
                pass
            case _:
                assert_never(event)

    def _forget(self) -> None:
        """Start as if nothing had come."""
        self._content = GrowingText()

    def _text(self, text: str) -> Iterable[Frame]:
        self._content.add(text)
        return (_frame("content_delta", {"delta": text}),)

    def _reasoning(self, text: str) -> Iterable[Frame]:
        yield _frame("reasoning_delta", {"delta": text})

    def _raw(self, data: bytes) -> Iterable[Frame]:
        return ()

    def _last_text(self) -> Iterable[Frame]:
        """Text that is sent only when no more comes."""
        return ()

    def _completed(self, end: RunEnd) -> dict[str, object]:
        content = {"content": str(self._content), "finish_reason": end.reason}
        return {**content, **self._taken(end), **self._told(end)}

    def _failed(self, end: RunEnd) -> dict[str, object]:
        """If the stream failed and not the run, only the error is known."""
        error = msgspec.to_builtins(end.error)
        return error if end.timing == Timing() else {**error, **self._taken(end), **self._told(end)}

    def _taken(self, end: RunEnd) -> dict[str, object]:
        return {"usage": None if self.for_viewer else end.usage, "timing": end.timing}

    def _told(self, end: RunEnd) -> dict[str, object]:
        """The model that answered, and the trace to look the run up by."""
        if self._start is None:
            return {}
        trace_id = None if self.for_viewer else self._start.trace_id
        return {"answered_by": answered_by(self._start, end), "trace_id": trace_id}


class XMLPlaintextDialect(MessageDialect):
    """The joined deltas are one text: thinking inside `<thinking>`, the answer inside `<final>`.
    Tags that the model wrote itself stay as they are. A tag comes in one delta with the text that
    it begins.

    A run that fails leaves its tag open. That shows the cut, and a client that resumes later gets
    no tag twice.
    """

    name: ClassVar[str] = "xml_plaintext"

    def _forget(self) -> None:
        super()._forget()
        self._open = ""

    def _text(self, text: str) -> Iterable[Frame]:
        return super()._text(self._inside("final", text))

    def _reasoning(self, text: str) -> Iterable[Frame]:
        return super()._text(self._inside("thinking", text))

    def _last_text(self) -> Iterator[Frame]:
        if self._open:
            yield from super()._text(f"</{self._open}>")

    def _inside(self, tag: str, text: str) -> str:
        if tag == self._open:
            return text
        end = f"</{self._open}>" if self._open else ""
        self._open = tag
        return f"{end}<{tag}>{text}"


class RawPassthroughDialect(MessageDialect):
    """The provider's bytes as they came, in `raw` frames numbered from 1. Text and thinking, which
    the bytes hold, are not sent beside them; tools, plan, sources, files and the end are."""

    name: ClassVar[str] = "raw_passthrough"

    def _forget(self) -> None:
        super()._forget()
        self._seq = 0

    def _text(self, text: str) -> Iterable[Frame]:
        self._content.add(text)
        return ()

    def _reasoning(self, text: str) -> Iterable[Frame]:
        return ()

    def _raw(self, data: bytes) -> Iterator[Frame]:
        self._seq += 1
        try:
            encoding, text = "utf-8", data.decode()
        except UnicodeDecodeError:  # not text, or a character that was cut between two pieces
            encoding, text = "base64", to_base64(data)
        yield _frame("raw", {"seq": self._seq, "encoding": encoding, "data": text})


def _approval(event: ToolApproval) -> dict[str, object]:
    return {"tool_call_id": event.tool_call_id, "state": event.state, "expires": event.expires}


def _step(event: PlanStep) -> dict[str, object]:
    begun = {"begun": True} if event.begun else {}
    return {"index": event.index, "text": event.text, **begun}


def _frame(name: str, data: dict[str, object]) -> Frame:
    return Frame(json_data(data), name)
