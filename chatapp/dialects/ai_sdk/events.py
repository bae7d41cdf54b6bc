"""The AI SDK's UI message stream, version 1, for `useChat`: `start` … `finish`, then `[DONE]`.

Parts are opened and closed by their ids. A step is one round: the first part after a tool's result
begins another. The protocol has no word for an attempt that was begun anew: then the stream ends
with an error.
Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
"""

from collections.abc import Iterable, Iterator
from typing import ClassVar, assert_never

from chatapp.dialects import BEGUN_ANEW, Dialect, failed
from chatapp.dialects.blocks import Block, Blocks, Change, Cited, Closed, Grew, Opened
from chatapp.dialects.media import file_url, in_words
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
        self._by_provider: set[str] = set()  # ids of the calls that the provider ran itself
        self._answered = False  # a tool's result came, and no part since
        self._run_id = ""
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
                if event.by_provider:
                    self._by_provider.add(event.id)
                yield from self._begin_call(event.id, event)
                executed = self._executed(event.id)
                yield _frame("tool-input-available", input=event.arguments, **_call(event.id, event.name), **executed)
            case ToolResult():
                yield from self._answer_call(event)
            case PlanStep(begun=False):
                yield from self._frames(self._blocks.close_text())
                yield _frame("data-plan-step", data={"index": event.index, "text": event.text})
            case CitedSource():
                self._blocks.take_place()
                yield _source(event)
            case File() if event.error:
                yield from self._frames(self._blocks.take(TextDelta(in_words(self._run_id, event))))
            case File():
                yield from self._frames(self._blocks.close_text())
                self._blocks.take_place()
                yield _frame("file", url=file_url(self._run_id, event), mediaType=event.media_type)
            case RunStart():
                self._run_id = event.run_id
                about = {"provider": event.provider, "model": event.model}
                yield _frame("start", messageId=event.run_id, messageMetadata=about)
                yield _frame("start-step")
            case RunEnd():
                yield from self._end(event)
            case AttemptReset() if self._blocks.shown:
                yield from self._fail(BEGUN_ANEW.message)
            case PlanStep() | ToolApproval() | ToolQuestion() | ToolProgress() | AttemptReset() | Raw() | NativePiece():
                pass
            case RunQueued():
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
                case Grew() | Closed() | Cited():
                    pass  # `encode` writes sources, and the pieces and the end of a call
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
        about = {"toolCallId": result.tool_call_id, "dynamic": True, **self._executed(result.tool_call_id)}
        if result.error is None:
            yield _frame("tool-output-available", output=result.result, **about)
        else:
            yield _frame("tool-output-error", errorText=result.error, **about)

    def _executed(self, id: str) -> dict[str, object]:
        return {"providerExecuted": True} if id in self._by_provider else {}

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


def _source(source: CitedSource) -> Frame:
    title = {"title": source.title} if source.title else {}
    if source.url:
        return _frame("source-url", sourceId=source.id, url=source.url, **title)
    return _frame("source-document", sourceId=source.id, mediaType="text/plain", title=source.title or source.id)


def _call(id: str, name: str) -> dict[str, object]:
    return {"toolCallId": id, "toolName": name, "dynamic": True}


def _frame(type: str, **data: object) -> Frame:
    return Frame(json_data({"type": type, **data}))
