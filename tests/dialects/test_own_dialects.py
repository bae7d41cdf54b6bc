"""What `session`, `reasoning` and `delta` make of events: each field, each ending."""

import json
from typing import Any

import pytest

from chatapp.dialects import Dialect
from chatapp.dialects.agui.events import AGUIDialect
from chatapp.dialects.ai_sdk.events import UIMessageDialect
from chatapp.dialects.delta import DeltaDialect
from chatapp.dialects.message import MessageDialect
from chatapp.dialects.reasoning import ReasoningDialect
from chatapp.dialects.session import ACKNOWLEDGEMENT, SessionDialect
from chatapp.events import (
    AttemptReset,
    Entry,
    ErrorInfo,
    PlanStep,
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
from chatapp.transcript import transcript_of
from chatapp.wire.frames import Frame

CALL = ToolCall("c1", "mcp", "add", {"a": 1})
END = RunEnd("stop", Usage(1, 2, 3), Timing(4, 5, 6))


def start(**more: Any) -> RunStart:
    return RunStart("run", "trace", "mock", "words", **{"reasoning": "disabled", "created": 1.5, **more})


def frames(dialect: Dialect, *events: StreamEvent) -> list[Frame]:
    return [frame for event in events for frame in dialect.encode(event)]


def data(dialect: Dialect, *events: StreamEvent) -> list[Any]:
    return [json.loads(frame.data) for frame in frames(dialect, *events)]


def ended(reason: Any, error: ErrorInfo | None = None) -> RunEnd:
    return RunEnd(reason, Usage(1, 2, 3), Timing(4, 5, 6), error)


FAILED = ended("error", ErrorInfo("rate_limited", "Too many requests.", True, "trace"))


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
    last = frames(ReasoningDialect(), start(), ended("tool_limit"))[-1]
    assert last.event == "error" and json.loads(last.data)["finish_reason"] == "length"
    assert json.loads(last.data)["message"]
    assert data(DeltaDialect(), start(), ended("tool_limit"))[-1]["finish_reason"] == "tool_limit"
    assert data(SessionDialect(), start(), ended("tool_limit"))[-1]["content"] == "tool_limit"


def test_a_failure_is_told_in_each_dialects_own_words() -> None:
    assert data(ReasoningDialect(), start(), FAILED)[-1] == {"finish_reason": "error", "message": "Too many requests."}
    assert data(DeltaDialect(), start(), FAILED)[-1] == {"type": "error", "error": "Too many requests."}


def test_the_answer_of_deltas_is_what_no_reset_made_void() -> None:
    said = frames(DeltaDialect(), start(), TextDelta("no"), AttemptReset("again"), TextDelta("y"), TextDelta("es"), END)
    assert [frame.event for frame in said] == [None, None, "reset", None, None, None]
    assert json.loads(said[-1].data) == {"type": "end", "answer": "yes"}


@pytest.mark.parametrize("dialect", [SessionDialect, AGUIDialect, UIMessageDialect, MessageDialect])
def test_only_the_page_is_told_that_a_step_was_begun(dialect: type[Dialect]) -> None:
    announced, begun = PlanStep(1, "Look"), PlanStep(1, "Look", begun=True)
    told = data(dialect(), start(), announced, begun)[len(data(dialect(), start(), announced)) :]
    assert told == ([{"index": 1, "text": "Look", "begun": True}] if dialect is MessageDialect else [])
