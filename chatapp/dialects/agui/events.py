"""AG-UI: a run as the events that agent front ends read, `RUN_STARTED` … `RUN_FINISHED` or `RUN_ERROR`.

What is said in one go is a message of its own; the calls of a turn hang on the text before them. The protocol has no
word for an attempt that was begun anew: the run ends with an error then. Source: https://docs.ag-ui.com/concepts/events
"""

from collections.abc import Iterator
from typing import ClassVar, assert_never

from chatapp.dialects import BEGUN_ANEW, arguments_text, failed
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
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data


class AGUIDialect:
    """`thread_id` and `run_id` are the client's names of the conversation and of the run; ours where there are none."""

    name: ClassVar[str] = "agui"
    own: ClassVar[bool] = False

    def __init__(self, thread_id: str = "", run_id: str = "") -> None:
        self._ids = {"threadId": thread_id, "runId": run_id}
        self._start: RunStart | None = None
        self._number = 0  # of the messages so far
        self._text = self._thought = ""  # the id of the message that is open
        self._parent = ""  # the message on which the calls of this turn hang
        self._calls: list[str] = []  # being written
        self._shown = self._over = False

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        if self._over:
            return
        match event:
            case TextDelta():
                yield from self._say(event.text)
            case ReasoningDelta():
                yield from self._think(event.text)
            case ToolInputDelta():
                yield from self._call(event.tool_call_id, event.name, event.text)
            case ToolCall():
                if event.id not in self._calls:
                    yield from self._call(event.id, event.name, arguments_text(event))
                self._calls.remove(event.id)
                yield _frame("TOOL_CALL_END", toolCallId=event.id)
            case ToolResult():
                yield from self._result(event)
            case PlanStep(begun=False):
                yield _frame("CUSTOM", name="plan-step", value={"index": event.index, "text": event.text})
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
            case AttemptReset() if self._shown:
                yield self._fail(BEGUN_ANEW)
            case PlanStep() | ToolApproval() | AttemptReset() | Raw():
                pass
            case _:
                assert_never(event)

    def heartbeat(self) -> Iterator[Frame]:
        yield from ()

    def reset(self, reason: str) -> Iterator[Frame]:
        yield from ()

    def _say(self, text: str) -> Iterator[Frame]:
        if not text:  # the protocol takes none that is empty
            return
        if not self._text:
            yield from self._close()
            self._text = self._parent = self._message_id()
            yield _frame("TEXT_MESSAGE_START", messageId=self._text, role="assistant")
        yield _frame("TEXT_MESSAGE_CONTENT", messageId=self._text, delta=text)

    def _think(self, text: str) -> Iterator[Frame]:
        if not text:
            return
        if not self._thought:
            yield from self._close()
            self._thought = self._message_id()
            yield _frame("REASONING_START", messageId=self._thought)
            yield _frame("REASONING_MESSAGE_START", messageId=self._thought, role="reasoning")
        yield _frame("REASONING_MESSAGE_CONTENT", messageId=self._thought, delta=text)

    def _call(self, id: str, name: str, text: str) -> Iterator[Frame]:
        if id not in self._calls:
            yield from self._close()
            self._parent = self._parent or self._message_id()
            self._calls.append(id)
            yield _frame("TOOL_CALL_START", toolCallId=id, toolCallName=name, parentMessageId=self._parent)
        if text:
            yield _frame("TOOL_CALL_ARGS", toolCallId=id, delta=text)

    def _result(self, result: ToolResult) -> Iterator[Frame]:
        yield from self._close()
        self._parent = ""
        value = result.result if result.error is None else f"Error: {result.error}"
        content = value if isinstance(value, str) else json_data(value)
        about = {"messageId": self._message_id(), "toolCallId": result.tool_call_id, "role": "tool"}
        yield _frame("TOOL_CALL_RESULT", content=content, **about)

    def _close(self) -> Iterator[Frame]:
        """What is said in one go ends where something else begins; calls end by themselves."""
        if self._text:
            yield _frame("TEXT_MESSAGE_END", messageId=self._text)
        if self._thought:
            yield _frame("REASONING_MESSAGE_END", messageId=self._thought)
            yield _frame("REASONING_END", messageId=self._thought)
        self._text = self._thought = ""

    def _end(self, end: RunEnd) -> Iterator[Frame]:
        yield from self._close()
        for id in self._calls:
            yield _frame("TOOL_CALL_END", toolCallId=id)
        outcome = {"outcome": {"type": "cancelled"}} if end.reason == "cancelled" else {}
        result = {"finish_reason": end.reason}
        yield _frame("RUN_FINISHED", **self._ids, result=result, usage=[self._usage(end.usage)], **outcome)

    def _fail(self, error: ErrorInfo) -> Frame:
        self._over = True
        return _frame("RUN_ERROR", message=error.message, code=error.code)

    def _usage(self, usage: Usage) -> dict[str, object]:
        assert self._start is not None
        return {
            "provider": self._start.provider,
            "model": self._start.model,
            "inputTokens": usage.prompt,
            "outputTokens": usage.completion,
            "totalTokens": usage.total,
            "reasoningTokens": usage.reasoning,
            "cachedInputTokens": usage.cached,
        }

    def _message_id(self) -> str:
        self._shown = True
        self._number += 1
        assert self._start is not None
        return f"{self._start.run_id}_{self._number}"


def _frame(type: str, **data: object) -> Frame:
    return Frame(json_data({"type": type, **data}))
