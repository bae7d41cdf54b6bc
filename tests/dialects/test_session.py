"""The `session` dialect: each field, each ending."""

import json
from typing import Any

import pytest
from dialects.shapes import frames

from chatapp.dialects import Dialect
from chatapp.dialects.session import ACKNOWLEDGEMENT, SessionDialect
from chatapp.events import (
    Entry,
    ErrorInfo,
    PlanStep,
    RunEnd,
    RunStart,
    StreamEvent,
    TextDelta,
    Timing,
    ToolCall,
    Usage,
)
from chatapp.transcript import transcript_of

CALL = ToolCall("c1", "mcp", "add", {"a": 1})
END = RunEnd("stop", Usage(1, 2, 3), Timing(4, 5, 6))


def start(**more: Any) -> RunStart:
    return RunStart("run", "trace", "mock", "words", **{"reasoning": "disabled", "created": 1.5, **more})


def data(dialect: Dialect, *events: StreamEvent) -> list[Any]:
    return [json.loads(frame.data) for frame in frames(dialect, *events)]


def ended(reason: Any, error: ErrorInfo | None = None) -> RunEnd:
    return RunEnd(reason, Usage(1, 2, 3), Timing(4, 5, 6), error)


def test_a_session_says_who_when_and_what() -> None:
    said = data(SessionDialect(), start(session_id="mine"), PlanStep(1, "Look"), CALL, TextDelta("hi"), END)
    assert [frame["type"] for frame in said] == ["assistant", "planning", "tool", "assistant", "done"]
    assert [frame["content"] for frame in said] == [
        ACKNOWLEDGEMENT,
        "1. Look",
        json.dumps({"id": "c1", "type": "mcp", "name": "add", "arguments": {"a": 1}}, separators=(",", ":")),
        "hi",
        "stop",
    ]
    assert {frame["sessionId"] for frame in said} == {"mine"}
    assert [frame["timestamp"] for frame in said] == ["1970-01-01T00:00:01.500Z"] * 4 + ["1970-01-01T00:00:01.506Z"]


def test_a_run_that_no_session_began_is_its_own_session() -> None:
    assert data(SessionDialect(), start())[0]["sessionId"] == "run"


@pytest.mark.parametrize(("code", "status"), [("rate_limited", 429), ("interrupted", 503), ("upstream_timeout", 504)])
def test_a_failed_session_says_its_status(code: str, status: int) -> None:
    reason = "interrupted" if code == "interrupted" else "error"
    last = data(SessionDialect(), start(), ended(reason, ErrorInfo(code, "No.", True, "trace")))[-1]
    assert (last["type"], last["status"], last["content"]) == ("error", status, "No.")


def test_frames_of_a_session_keep_their_ids_when_its_log_is_folded() -> None:
    events = [start(), PlanStep(1, "a"), TextDelta("one "), TextDelta("two"), CALL, TextDelta("three"), END]
    folded = transcript_of([Entry(seq, event) for seq, event in enumerate(events, 1)]).entries
    whole = [frame["id"] for frame in data(SessionDialect(), *events)]
    assert len(set(whole)) == len(whole)
    assert {frame["id"] for frame in data(SessionDialect(), *(entry.event for entry in folded))} < set(whole)


def test_a_session_whose_run_called_too_many_tools_says_so() -> None:
    assert data(SessionDialect(), start(), ended("tool_limit"))[-1]["content"] == "tool_limit"


def test_a_step_that_is_begun_is_not_announced_again() -> None:
    begun = data(SessionDialect(), start(), PlanStep(1, "Look", begun=True))
    assert [frame["type"] for frame in begun] == ["assistant"]
