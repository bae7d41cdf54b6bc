"""The `delta` dialect: each field, each ending."""

import json
from typing import Any

from chatapp.dialects import Dialect
from chatapp.dialects.delta import DeltaDialect
from chatapp.events import (
    AttemptReset,
    ErrorInfo,
    RunEnd,
    RunStart,
    StreamEvent,
    TextDelta,
    Timing,
    Usage,
)
from chatapp.wire.frames import Frame

START = RunStart("run", "trace", "mock", "words", "disabled", 1.5)
END = RunEnd("stop", Usage(1, 2, 3), Timing(4, 5, 6))
FAILED = RunEnd("error", Usage(), Timing(), ErrorInfo("rate_limited", "Too many requests.", True, "trace"))


def frames(dialect: Dialect, *events: StreamEvent) -> list[Frame]:
    return [frame for event in events for frame in dialect.encode(event)]


def data(dialect: Dialect, *events: StreamEvent) -> list[Any]:
    return [json.loads(frame.data) for frame in frames(dialect, *events)]


def test_the_answer_of_deltas_is_what_no_reset_made_void() -> None:
    said = frames(DeltaDialect(), START, TextDelta("no"), AttemptReset("again"), TextDelta("y"), TextDelta("es"), END)
    assert [frame.event for frame in said] == [None, None, "reset", None, None, None]
    assert json.loads(said[-1].data) == {"type": "end", "answer": "yes"}


def test_the_end_says_why_unless_it_is_the_usual_one() -> None:
    assert data(DeltaDialect(), START, RunEnd("tool_limit", Usage(), Timing()))[-1]["finish_reason"] == "tool_limit"
    assert "finish_reason" not in data(DeltaDialect(), START, END)[-1]


def test_a_failure_says_why() -> None:
    assert data(DeltaDialect(), START, FAILED)[-1] == {"type": "error", "error": "Too many requests."}
