"""AG-UI: a run as the events that agent front ends read, `RUN_STARTED` … `RUN_FINISHED`.

Every text and every thinking is a message; the calls of a turn belong to the text before them. The
protocol has no word for an attempt that was begun anew: then the run ends with an error.
Source: https://docs.ag-ui.com/concepts/events
"""

from collections.abc import Iterable, Iterator
from typing import ClassVar, assert_never

from chatapp.dialects import BEGUN_ANEW, Dialect, failed
from chatapp.dialects.blocks import Block, Blocks, Change, Cited, Closed, Grew, Opened
from chatapp.dialects.media import file_data, source_data
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
)
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data

GREW = {"text": "TEXT_MESSAGE_CONTENT", "thinking": "REASONING_MESSAGE_CONTENT", "call": "TOOL_CALL_ARGS"}
CLOSED = {
    "text": ("TEXT_MESSAGE_END",),
    "thinking": ("REASONING_MESSAGE_END", "REASONING_END"),
    "call": ("TOOL_CALL_END",),
}


class AGUIDialect(Dialect):
    """`thread_id` and `run_id` are the client's names of the conversation and the run; without them
    ours are used."""

    name: ClassVar[str] = "agui"
    has_event_ids: ClassVar[bool] = False

    def __init__(self, thread_id: str = "", run_id: str = "") -> None:
        self._ids = {"threadId": thread_id, "runId": run_id}
        self._start: RunStart | None = None
        self._blocks = Blocks()
        self._messages = 0  # named so far
        self._message = ""  # the id of the text or thinking that is open
        self._parent = ""  # the id of the message to which the calls of this turn belong
        self._over = False

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        if self._over:
            return
        match event:
            case TextDelta() | ReasoningDelta():
                if event.text:  # the protocol takes no empty text
                    yield from self._frames(self._blocks.take(event))
            case ToolInputDelta() | ToolCall():
                yield from self._frames(self._blocks.take(event))
            case ToolResult():
                yield from self._frames(self._blocks.close_text())
                yield self._result(event)
            case PlanStep(begun=False):
                yield _frame("CUSTOM", name="plan-step", value={"index": event.index, "text": event.text})
            case CitedSource():
                self._blocks.take_place()
                yield _frame("CUSTOM", name="source", value=source_data(event))
            case File():
                self._blocks.take_place()
                yield _frame("CUSTOM", name="file", value=file_data(self._start.run_id if self._start else "", event))
            case RunStart():
                self._start = event
                self._ids = {
                    "threadId": self._ids["threadId"] or event.session_id or event.run_id,
                    "runId": self._ids["runId"] or event.run_id,
                }
                yield _frame("RUN_STARTED", **self._ids)
            case RunEnd() if failed(event) and event.error:
                yield self._fail(event.error)
            case RunEnd():
                yield from self._end(event)
            case AttemptReset() if self._messages or self._blocks.shown:
                yield self._fail(BEGUN_ANEW)
            case PlanStep() | ToolApproval() | ToolQuestion() | ToolProgress() | AttemptReset() | Raw() | NativePiece():
                pass
            case RunQueued():
                pass
            case _:
                assert_never(event)

    def _frames(self, changes: Iterable[Change]) -> Iterator[Frame]:
        for change in changes:
            match change:
                case Grew():
                    if change.text:
                        yield _frame(GREW[change.block.kind], **self._place(change.block), delta=change.text)
                case Opened():
                    yield from self._open(change.block)
                case Closed():
                    for type in CLOSED[change.block.kind]:
                        yield _frame(type, **self._place(change.block))
                case Cited():
                    pass  # `encode` writes it
                case _:
                    assert_never(change)

    def _open(self, block: Block) -> Iterator[Frame]:
        match block.kind:
            case "text":
                self._message = self._parent = self._message_id()
                yield _frame("TEXT_MESSAGE_START", messageId=self._message, role="assistant")
            case "thinking":
                self._message = self._message_id()
                yield _frame("REASONING_START", messageId=self._message)
                yield _frame("REASONING_MESSAGE_START", messageId=self._message, role="reasoning")
            case "call":
                self._parent = self._parent or self._message_id()
                about = {"toolCallName": block.name, "parentMessageId": self._parent}
                yield _frame("TOOL_CALL_START", toolCallId=block.id, **about)

    def _place(self, block: Block) -> dict[str, str]:
        return {"toolCallId": block.id} if block.kind == "call" else {"messageId": self._message}

    def _result(self, result: ToolResult) -> Frame:
        """A message of its own. What comes after it is another turn."""
        self._parent = ""
        value = result.result if result.error is None else f"Error: {result.error}"
        content = value if isinstance(value, str) else json_data(value)
        about = {"messageId": self._message_id(), "toolCallId": result.tool_call_id, "role": "tool"}
        return _frame("TOOL_CALL_RESULT", content=content, **about)

    def _end(self, end: RunEnd) -> Iterator[Frame]:
        yield from self._frames(self._blocks.close_text())
        yield from self._frames(self._blocks.close_all())
        outcome = {"outcome": {"type": "cancelled"}} if end.reason == "cancelled" else {}
        result = {"finish_reason": end.reason}
        yield _frame("RUN_FINISHED", **self._ids, result=result, usage=[self._usage(end)], **outcome)

    def _fail(self, error: ErrorInfo) -> Frame:
        self._over = True
        return _frame("RUN_ERROR", message=error.message, code=error.code)

    def _usage(self, end: RunEnd) -> dict[str, object]:
        assert self._start is not None
        usage = end.usage
        return {
            "provider": end.provider or self._start.provider,
            "model": end.model or self._start.model,
            "inputTokens": usage.prompt,
            "outputTokens": usage.completion,
            "totalTokens": usage.total,
            "reasoningTokens": usage.reasoning,
            "cachedInputTokens": usage.cached,
        }

    def _message_id(self) -> str:
        self._messages += 1
        assert self._start is not None
        return f"{self._start.run_id}_{self._messages}"


def _frame(type: str, **data: object) -> Frame:
    return Frame(json_data({"type": type, **data}))
