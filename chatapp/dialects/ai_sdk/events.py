"""The AI SDK's UI message stream, version 1: what `useChat` reads. A run is one `start` … `finish`, then `[DONE]`.

Parts are opened and closed by their ids. A step is one round: what comes after a tool's result begins another. The
protocol has no word for an attempt that was begun anew: the stream ends with an error then.
Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
"""

from collections.abc import Iterator
from typing import ClassVar, assert_never

from chatapp.dialects import BEGUN_ANEW, failed
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
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data

HEADERS = {"x-vercel-ai-ui-message-stream": "v1"}
DONE = Frame("[DONE]")
FINISH = {"stop": "stop", "length": "length", "tool_limit": "length", "content_filter": "content-filter"}


class UIMessageDialect:
    """`start`'s `messageId` is the run's id. Tools are `dynamic`: the page need not know them. Steps of a plan are
    `data-plan-step` parts."""

    name: ClassVar[str] = "ui_message"
    own: ClassVar[bool] = False

    def __init__(self) -> None:
        self._part = ""  # text or reasoning, where such a part is open
        self._parts = 0
        self._begun_calls: set[str] = set()
        self._open_calls: set[str] = set()  # without a result
        self._answered = False  # a tool's result was the last
        self._shown = self._over = False

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        if self._over:
            return
        match event:
            case TextDelta():
                yield from self._say("text", event.text)
            case ReasoningDelta():
                yield from self._say("reasoning", event.text)
            case ToolInputDelta():
                yield from self._begin_call(event.tool_call_id, event.name)
                yield _frame("tool-input-delta", toolCallId=event.tool_call_id, inputTextDelta=event.text)
            case ToolCall():
                yield from self._begin_call(event.id, event.name)
                yield _frame("tool-input-available", input=event.arguments, **_call(event.id, event.name))
            case ToolResult():
                yield from self._answer_call(event)
            case PlanStep(begun=False):
                yield from self._close()
                yield _frame("data-plan-step", data={"index": event.index, "text": event.text})
            case RunStart():
                about = {"provider": event.provider, "model": event.model}
                yield _frame("start", messageId=event.run_id, messageMetadata=about)
                yield _frame("start-step")
            case RunEnd():
                yield from self._end(event)
            case AttemptReset() if self._shown:
                yield from self._fail(BEGUN_ANEW.message)
            case PlanStep() | ToolApproval() | AttemptReset() | Raw():
                pass
            case _:
                assert_never(event)

    def heartbeat(self) -> Iterator[Frame]:
        yield from ()

    def reset(self, reason: str) -> Iterator[Frame]:
        yield from ()

    def _say(self, part: str, text: str) -> Iterator[Frame]:
        if self._part != part:
            yield from self._next()
            self._part = part
            self._parts += 1
            yield _frame(f"{part}-start", id=str(self._parts))
        yield _frame(f"{part}-delta", id=str(self._parts), delta=text)

    def _begin_call(self, id: str, name: str) -> Iterator[Frame]:
        if id not in self._begun_calls:
            yield from self._next()
            self._begun_calls.add(id)
            self._open_calls.add(id)
            yield _frame("tool-input-start", **_call(id, name))

    def _answer_call(self, result: ToolResult) -> Iterator[Frame]:
        yield from self._close()
        self._open_calls.discard(result.tool_call_id)
        self._answered = True
        about = {"toolCallId": result.tool_call_id, "dynamic": True}
        if result.error is None:
            yield _frame("tool-output-available", output=result.result, **about)
        else:
            yield _frame("tool-output-error", errorText=result.error, **about)

    def _next(self) -> Iterator[Frame]:
        """Something else begins; after the results of tools in a step of its own."""
        self._shown = True
        yield from self._close()
        if self._answered:
            self._answered = False
            yield _frame("finish-step")
            yield _frame("start-step")

    def _close(self) -> Iterator[Frame]:
        if self._part:
            yield _frame(f"{self._part}-end", id=str(self._parts))
            self._part = ""

    def _end(self, end: RunEnd) -> Iterator[Frame]:
        yield from self._close()
        if failed(end) and end.error:
            yield from self._fail(end.error.message)
            return
        reason = "tool-calls" if self._open_calls and end.reason == "stop" else FINISH.get(end.reason, "other")
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
