"""The `delta` dialect: the answer's text in unnamed frames, its sources and files, and at the end
the whole text.

Thinking and tools are not shown. docs/dialects.md has its frames.
"""

from collections.abc import Iterator
from typing import ClassVar, assert_never

from msgspec.structs import replace

from chatapp.dialects import Dialect, failed
from chatapp.dialects.media import WordsForFiles, file_data, source_data
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
from chatapp.text import GrowingText
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data


class DeltaDialect(Dialect):
    """`delta`s, the first one empty, then `end` or `error`; `reset` if all before it is void."""

    name: ClassVar[str] = "delta"
    has_event_ids: ClassVar[bool] = True

    def __init__(self) -> None:
        self._answer = GrowingText()
        self._words = WordsForFiles()
        self._run_id = ""

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        match event:
            case TextDelta():
                yield self._delta(event.text)
            case CitedSource():
                yield _frame("source", **source_data(event))
            case File():
                self._words.file(self._run_id, event)
                yield _frame("file", **file_data(self._run_id, event))
            case RunStart():
                self._run_id = event.run_id
                # A client that is cut off before the first word resumes from its id.
                yield _frame("delta", content="")
            case RunEnd() if failed(event):
                yield _frame("error", error=event.error.message if event.error else "")
            case RunEnd():
                if words := self._words.at_end():
                    yield self._delta(words)
                yield self._end(event)
            case AttemptReset():
                self._answer, self._words = GrowingText(), WordsForFiles()
                yield from self.reset(event.reason)
            case (
                ReasoningDelta()
                | ToolInputDelta()
                | ToolCall()
                | ToolApproval()
                | ToolQuestion()
                | ToolProgress()
                | ToolResult()
                | PlanStep()
                | Raw()
                | NativePiece()
                | RunQueued()
            ):
                pass
            case _:
                assert_never(event)

    def reset(self, reason: str) -> Iterator[Frame]:
        """Named, so that a client that reads only unnamed frames does not take it for one."""
        yield replace(_frame("reset", reason=reason), event="reset")

    def _delta(self, text: str) -> Frame:
        self._words.said |= bool(text)
        self._answer.add(text)
        return _frame("delta", content=text)

    def _end(self, end: RunEnd) -> Frame:
        """With the reason, unless it is the usual one."""
        reason = {} if end.reason == "stop" else {"finish_reason": end.reason}
        return _frame("end", answer=str(self._answer), **reason)


def _frame(type_: str, **fields: object) -> Frame:
    return Frame(json_data({"type": type_, **fields}))
