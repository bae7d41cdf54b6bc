"""The `reasoning` dialect: thinking, tools and text as named events, and statistics at the end.

Thinking is shown only if the request asked for it. A run that called too many tools ends with
`error` and the finish reason `length`. docs/dialects.md has all events.
"""

from collections.abc import Iterator
from typing import ClassVar, assert_never

from chatapp.dialects import Dialect, call_data, failed, outcome_data, progress_data
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
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data

TOO_MANY_TOOL_CALLS = "The model wanted to call more tools than a run may."


class ReasoningDialect(Dialect):
    """`start`, then `reasoning`, tools, `message`s, `source`s and `file`s, then one `end` or
    `error`; `reset` if all before it is void."""

    name: ClassVar[str] = "reasoning"
    has_event_ids: ClassVar[bool] = True

    def __init__(self) -> None:
        self._thinking = False
        self._tool_calls = self._tool_results = 0
        self._words = WordsForFiles()
        self._run_id = ""

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        match event:
            case TextDelta():
                self._words.said |= bool(event.text)
                yield _frame("message", {"content": event.text})
            case CitedSource():
                yield _frame("source", source_data(event))
            case File():
                self._words.file(self._run_id, event)
                yield _frame("file", file_data(self._run_id, event))
            case ReasoningDelta():
                if self._thinking:
                    yield _frame("reasoning", {"content": event.text})
            case ToolCall():
                self._tool_calls += 1
                yield _frame("tool_call", call_data(event))
            case ToolResult():
                self._tool_results += 1
                yield _frame("tool_result", outcome_data(event))
            case ToolProgress():
                yield _frame("tool_progress", progress_data(event))
            case RunStart():
                self._run_id = event.run_id
                self._thinking = event.reasoning == "enabled"
                yield _frame("start", {"model": event.model, "reasoning": event.reasoning})
            case RunEnd():
                if not failed(event) and (words := self._words.at_end()):
                    yield _frame("message", {"content": words})
                yield self._terminal(event)
            case AttemptReset():
                self._tool_calls = self._tool_results = 0
                self._words = WordsForFiles()
                yield from self.reset(event.reason)
            case ToolInputDelta() | ToolApproval() | ToolQuestion() | PlanStep() | Raw() | NativePiece() | RunQueued():
                pass
            case _:
                assert_never(event)

    def reset(self, reason: str) -> Iterator[Frame]:
        yield _frame("reset", {"reason": reason})

    def _terminal(self, end: RunEnd) -> Frame:
        if failed(end) or end.reason == "tool_limit":
            return _frame("error", failure(end))
        stats = statistics(end, self._tool_calls, self._tool_results)
        return _frame("end", {"finish_reason": end.reason, "stats": stats})


def failure(end: RunEnd) -> dict[str, object]:
    message = end.error.message if end.error else TOO_MANY_TOOL_CALLS
    return {"finish_reason": finish_reason(end), "message": message}


def finish_reason(end: RunEnd) -> str:
    """To the clients of this dialect a run that called too many tools was too long."""
    return "length" if end.reason == "tool_limit" else end.reason


def statistics(end: RunEnd, tool_calls: int, tool_results: int) -> dict[str, object]:
    """`tokens` are marked as `estimated` if the provider did not count them."""
    usage, timing = end.usage, end.timing
    tokens = {"prompt": usage.prompt, "completion": usage.completion, "total": usage.total}
    return {
        "tool_calls": tool_calls,
        "tool_results": tool_results,
        "tokens": {**tokens, "estimated": True} if usage.estimated else tokens,
        **({} if usage.cost is None else {"cost": usage.cost, "currency": usage.currency}),
        "timing_ms": {"first_byte": timing.first_byte_ms, "total": timing.total_ms},
    }


def _frame(name: str, data: dict[str, object]) -> Frame:
    return Frame(json_data(data), name)
