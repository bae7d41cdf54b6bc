"""The `session` dialect: an agent at work, in unnamed frames of one shape.

Every frame is `{"type", "id", "sessionId", "timestamp", "content", "status"}`; docs/dialects.md has
the types. Thinking is not shown. A dialect has no clock: the timestamp is the time of the run's
start, in the last frame that of its end.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import ClassVar, assert_never

from msgspec.structs import replace

from chatapp.dialects import Dialect, call_data, failed, outcome_data, progress_data
from chatapp.dialects.media import WordsForFiles, file_data, source_data
from chatapp.errors import RunFailed
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
    ToolApproval,
    ToolCall,
    ToolInputDelta,
    ToolProgress,
    ToolQuestion,
    ToolResult,
)
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data

ACKNOWLEDGEMENT = "On it."


class SessionDialect(Dialect):
    """`assistant` at once, then `planning`, `tool`, `assistant`, `source` and `file`, then one
    `done` or `error`."""

    name: ClassVar[str] = "session"
    has_event_ids: ClassVar[bool] = True

    def __init__(self) -> None:
        self._run_id = self._session_id = ""
        self._created = 0.0
        self._words = WordsForFiles()
        # It tells frames apart. It counts characters, so that frames keep their ids in a compacted
        # log, which has joined some of them.
        self._position = 0

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        match event:
            case TextDelta():
                self._words.said |= bool(event.text)
                yield self._frame("assistant", event.text)
            case CitedSource():
                yield self._frame("source", json_data(source_data(event)))
            case File():
                self._words.file(self._run_id, event)
                yield self._frame("file", json_data(file_data(self._run_id, event)))
            case PlanStep(begun=False):
                yield self._frame("planning", f"{event.index}. {event.text}")
            case ToolCall():
                yield self._frame("tool", json_data(call_data(event)))
            case ToolResult():
                yield self._frame("tool", json_data(outcome_data(event)))
            case ToolProgress():
                yield self._progress(event)
            case RunStart():
                self._run_id, self._created = event.run_id, event.created
                self._session_id = event.session_id or event.run_id
                yield self._frame("assistant", ACKNOWLEDGEMENT)
            case RunEnd():
                if not failed(event) and (words := self._words.at_end()):
                    yield self._frame("assistant", words)
                yield self._terminal(event)
            case AttemptReset():
                self._words = WordsForFiles()
                yield from self.reset(event.reason)
            case (
                PlanStep()
                | ReasoningDelta()
                | ToolInputDelta()
                | ToolApproval()
                | ToolQuestion()
                | Raw()
                | NativePiece()
                | RunQueued()
            ):
                pass
            case _:
                assert_never(event)

    def reset(self, reason: str) -> Iterator[Frame]:
        """Named, so that a client that reads only unnamed frames does not take it for one."""
        yield replace(self._frame("reset", reason), event="reset")

    def _terminal(self, end: RunEnd) -> Frame:
        ended = self._created + end.timing.total_ms / 1000
        if failed(end) and end.error is not None:
            status = RunFailed(end.error.code, end.error.message, end.error.retryable).status
            return self._frame("error", end.error.message, status, ended)
        return self._frame("done", end.reason, at=ended)

    def _progress(self, event: ToolProgress) -> Frame:
        """Counts for nothing, since a compacted log has none: its id is the call's, whose progress
        the next one replaces."""
        place = f"{self._run_id}.{self._position}.{event.tool_call_id}"
        return self._framed("tool", place, json_data(progress_data(event)))

    def _frame(self, type_: str, content: str, status: int = 200, at: float | None = None) -> Frame:
        self._position += len(content) if type_ == "assistant" else 1
        return self._framed(type_, f"{self._run_id}.{self._position}", content, status, at)

    def _framed(self, type_: str, id: str, content: str, status: int = 200, at: float | None = None) -> Frame:
        data = {
            "type": type_,
            "id": id,
            "sessionId": self._session_id,
            "timestamp": _timestamp(self._created if at is None else at),
            "content": content,
            "status": status,
        }
        return Frame(json_data(data))


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
