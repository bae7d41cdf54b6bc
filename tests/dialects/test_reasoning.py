"""The `reasoning` dialect: each field, each ending."""

import json
from typing import Any

import pytest
from dialects.shapes import frames

from chatapp.dialects import Dialect
from chatapp.dialects.reasoning import ReasoningDialect
from chatapp.events import (
    AttemptReset,
    ErrorInfo,
    ReasoningDelta,
    RunEnd,
    RunStart,
    StreamEvent,
    TextDelta,
    Timing,
    ToolCall,
    ToolResult,
    Usage,
)
from chatapp.wire.frames import Frame

CALL = ToolCall("c1", "mcp", "add", {"a": 1})
END = RunEnd("stop", Usage(1, 2, 3), Timing(4, 5, 6))
FAILED = RunEnd("error", Usage(), Timing(), ErrorInfo("rate_limited", "Too many requests.", True, "trace"))


def start(**more: Any) -> RunStart:
    return RunStart("run", "trace", "mock", "words", **{"reasoning": "disabled", "created": 1.5, **more})


def data(dialect: Dialect, *events: StreamEvent) -> list[Any]:
    return [json.loads(frame.data) for frame in frames(dialect, *events)]


def test_statistics_count_what_no_reset_made_void() -> None:
    dialect = ReasoningDialect()
    events = [start(), CALL, ToolResult("c1", 1), AttemptReset("again"), CALL, CALL, ToolResult("c1", error="no"), END]
    named = frames(dialect, *events)
    assert named[3] == Frame('{"reason":"again"}', "reset")
    assert json.loads(named[-1].data)["stats"] == {
        "tool_calls": 2,
        "tool_results": 1,
        "tokens": {"prompt": 1, "completion": 2, "total": 3},
        "timing_ms": {"first_byte": 4, "total": 6},
    }


def test_what_was_estimated_says_so() -> None:
    end = RunEnd("cancelled", Usage(1, 2, 3, estimated=True), Timing())
    last = data(ReasoningDialect(), start(), end)[-1]
    assert last["finish_reason"] == "cancelled" and last["stats"]["tokens"]["estimated"] is True


@pytest.mark.parametrize("reasoning", ["enabled", "disabled"])
def test_thinking_is_shown_where_it_was_asked_for(reasoning: str) -> None:
    said = frames(ReasoningDialect(), start(reasoning=reasoning), ReasoningDelta("hm"), TextDelta("hi"))
    assert [frame.event for frame in said] == ["start", *["reasoning"] * (reasoning == "enabled"), "message"]


def test_too_many_tool_calls_are_too_long_an_answer_and_the_end() -> None:
    last = frames(ReasoningDialect(), start(), RunEnd("tool_limit", Usage(), Timing()))[-1]
    assert last.event == "error" and json.loads(last.data)["finish_reason"] == "length"
    assert json.loads(last.data)["message"]


def test_a_failure_says_why() -> None:
    assert data(ReasoningDialect(), start(), FAILED)[-1] == {"finish_reason": "error", "message": "Too many requests."}
