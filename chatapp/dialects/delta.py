"""The `delta` dialect: the answer's text in unnamed frames, and at the end the whole of it.

Thinking and tools are not shown. docs/dialects.md has its frames.
"""

from collections.abc import Iterator
from typing import ClassVar, assert_never

from chatapp.dialects import Dialect, failed
from chatapp.events import (
    AttemptReset,
    NativePiece,
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
)
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data


class DeltaDialect(Dialect):
    """`delta`s, the first one empty, then `end` or `error`; `reset` if all before it is void."""

    name: ClassVar[str] = "delta"
    has_event_ids: ClassVar[bool] = True

    def __init__(self) -> None:
        self._answer: list[str] = []

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        match event:
            case TextDelta():
                self._answer.append(event.text)
                yield _frame("delta", content=event.text)
            case RunStart():
                # A client that is cut off before the first word resumes from its id.
                yield _frame("delta", content="")
            case RunEnd() if failed(event):
                yield _frame("error", error=event.error.message if event.error else "")
            case RunEnd():
                yield self._end(event)
            case AttemptReset():
                self._answer.clear()
                yield from self.reset(event.reason)
            case (
                ReasoningDelta()
                | ToolInputDelta()
                | ToolCall()
                | ToolApproval()
                | ToolResult()
                | PlanStep()
                | Raw()
                | NativePiece()
            ):
                pass
            case _:
                assert_never(event)

    def reset(self, reason: str) -> Iterator[Frame]:
        """Named, so that a client that reads only unnamed frames does not take it for one."""
        yield _frame("reset", reason=reason)._replace(event="reset")

    def _end(self, end: RunEnd) -> Frame:
        """With the reason, unless it is the usual one."""
        reason = {} if end.reason == "stop" else {"finish_reason": end.reason}
        return _frame("end", answer="".join(self._answer), **reason)


def _frame(type_: str, **fields: str) -> Frame:
    return Frame(json_data({"type": type_, **fields}))
