"""The AI SDK's UI message stream, version 1, for `useChat`: `start` … `finish`, then `[DONE]`.

Parts are opened and closed by their ids. A step is one round: the first part after a tool's result
begins another. The protocol has no word for an attempt that was begun anew: then the stream ends
with an error.
Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
"""

from collections.abc import Iterable, Iterator
from typing import ClassVar, assert_never

from chatapp.dialects import BEGUN_ANEW, Dialect, failed
from chatapp.dialects.blocks import Block, Blocks, Change, Closed, Grew, Opened
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

HEADERS = {"x-vercel-ai-ui-message-stream": "v1"}
DONE = Frame("[DONE]")
FINISH = {"stop": "stop", "length": "length", "tool_limit": "length", "content_filter": "content-filter"}
PARTS = {"text": "text", "thinking": "reasoning"}  # by the kind of a block


class UIMessageDialect(Dialect):
    """`start`'s `messageId` is the run's id. Tools are `dynamic`: the page need not know them.
    Steps of a plan are `data-plan-step` parts."""

    name: ClassVar[str] = "ui_message"
    has_event_ids: ClassVar[bool] = False

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._parts = 0  # texts and reasonings so far; the last one's id
        self._calls: set[str] = set()  # begun so far, by id
        self._answered = False  # a tool's result came, and no part since
        self._over = False

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        if self._over:
            return
        match event:
            case TextDelta() | ReasoningDelta():
                yield from self._frames(self._blocks.take(event))
            case ToolInputDelta():
                yield from self._begin_call(event.tool_call_id, event)
                yield _frame("tool-input-delta", toolCallId=event.tool_call_id, inputTextDelta=event.text)
            case ToolCall():
                yield from self._begin_call(event.id, event)
                yield _frame("tool-input-available", input=event.arguments, **_call(event.id, event.name))
            case ToolResult():
                yield from self._answer_call(event)
            case PlanStep(begun=False):
                yield from self._frames(self._blocks.close_text())
                yield _frame("data-plan-step", data={"index": event.index, "text": event.text})
            case RunStart():
                about = {"provider": event.provider, "model": event.model}
                yield _frame("start", messageId=event.run_id, messageMetadata=about)
                yield _frame("start-step")
            case RunEnd():
                yield from self._end(event)
            case AttemptReset() if self._blocks.shown:
                yield from self._fail(BEGUN_ANEW.message)
            case PlanStep() | ToolApproval() | AttemptReset() | Raw() | NativePiece():
                pass
            case _:
                assert_never(event)

    def _begin_call(self, id: str, event: ToolInputDelta | ToolCall) -> Iterator[Frame]:
        """The protocol knows a call's part by the call's id. If a later round uses the id again,
        that part changes and no new one begins."""
        if id not in self._calls:
            self._calls.add(id)
            yield from self._frames(self._blocks.take(event))

    def _frames(self, changes: Iterable[Change]) -> Iterator[Frame]:
        for change in changes:
            part = PARTS.get(change.block.kind)
            match change:
                case Grew() if part:
                    yield _frame(f"{part}-delta", id=str(self._parts), delta=change.text)
                case Opened():
                    yield from self._open(change.block)
                case Closed() if part:
                    yield _frame(f"{part}-end", id=str(self._parts))
                case Grew() | Closed():
                    pass  # a call: `encode` writes its pieces and its end
                case _:
                    assert_never(change)

    def _open(self, block: Block) -> Iterator[Frame]:
        """Begin a part; after the results of tools it begins a step too."""
        if self._answered:
            self._answered = False
            yield _frame("finish-step")
            yield _frame("start-step")
        if part := PARTS.get(block.kind):
            self._parts += 1
            yield _frame(f"{part}-start", id=str(self._parts))
        else:
            yield _frame("tool-input-start", **_call(block.id, block.name))

    def _answer_call(self, result: ToolResult) -> Iterator[Frame]:
        self._blocks.take(result)
        yield from self._frames(self._blocks.close_text())
        self._answered = True
        about = {"toolCallId": result.tool_call_id, "dynamic": True}
        if result.error is None:
            yield _frame("tool-output-available", output=result.result, **about)
        else:
            yield _frame("tool-output-error", errorText=result.error, **about)

    def _end(self, end: RunEnd) -> Iterator[Frame]:
        yield from self._frames(self._blocks.close_text())
        if failed(end) and end.error:
            yield from self._fail(end.error.message)
            return
        waits = self._blocks.unanswered and end.reason == "stop"
        reason = "tool-calls" if waits else FINISH.get(end.reason, "other")
        about = {"finish_reason": end.reason, "usage": end.usage, "timing": end.timing}
        yield _frame("finish-step")
        yield _frame("finish", finishReason=reason, messageMetadata=about)
        yield DONE

    def _fail(self, message: str) -> Iterator[Frame]:
        self._over = True
        yield _frame("error", errorText=message)
        yield DONE


def _call(id: str, name: str) -> dict[str, object]:
    return {"toolCallId": id, "toolName": name, "dynamic": True}


def _frame(type: str, **data: object) -> Frame:
    return Frame(json_data({"type": type, **data}))
