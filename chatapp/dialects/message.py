"""The `message` dialect (contract 3.4), result mode `legacy`: what the page and the message API read.

Thinking, plan and tools are further events, which a client may ignore.
"""

from collections.abc import Iterator
from typing import ClassVar, assert_never

from chatapp.dialects import call_data, error_data, failed, json_data, outcome_data
from chatapp.events import (
    AttemptReset,
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
from chatapp.frames import Frame


class MessageDialect:
    """`content_delta` … `completed`, or `error`; `heartbeat` between; `reset` where what came before is void."""

    name: ClassVar[str] = "message"
    own: ClassVar[bool] = True

    def __init__(self) -> None:
        self._content: list[str] = []

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        match event:
            case TextDelta():
                self._content.append(event.text)
                yield _frame("content_delta", {"delta": event.text})
            case ReasoningDelta():
                yield _frame("reasoning_delta", {"delta": event.text})
            case ToolCall():
                yield _frame("tool_call", call_data(event))
            case ToolApproval():
                yield _frame("tool_approval", _approval(event))
            case ToolResult():
                yield _frame("tool_result", outcome_data(event))
            case PlanStep():
                yield _frame("plan_step", {"index": event.index, "text": event.text})
            case RunEnd() if failed(event):
                yield Frame(error_data(event), "error")
            case RunEnd():
                yield _frame("completed", self._completed(event))
            case AttemptReset():
                self._content.clear()
                yield from self.reset(event.reason)
            case RunStart() | ToolInputDelta() | Raw():
                pass
            case _:
                assert_never(event)

    def heartbeat(self) -> Iterator[Frame]:
        yield _frame("heartbeat", {})

    def reset(self, reason: str) -> Iterator[Frame]:
        yield _frame("reset", {"reason": reason})

    def _completed(self, end: RunEnd) -> dict[str, object]:
        content = "".join(self._content)
        return {"content": content, "finish_reason": end.reason, "usage": end.usage, "timing": end.timing}


def _approval(event: ToolApproval) -> dict[str, object]:
    return {"tool_call_id": event.tool_call_id, "state": event.state, "expires": event.expires}


def _frame(name: str, data: dict[str, object]) -> Frame:
    return Frame(json_data(data), name)
