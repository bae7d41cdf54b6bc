"""AG-UI's events: the order that their clients count on, whatever the run does.

tests/system/test_parsers.py holds the same bytes to the package itself.
"""

import json
from itertools import chain
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chatapp.dialects import Dialect
from chatapp.dialects.agui.events import AGUIDialect
from chatapp.events import (
    AttemptReset,
    ErrorInfo,
    PlanStep,
    ReasoningDelta,
    RunEnd,
    RunStart,
    StreamEvent,
    TextDelta,
    Timing,
    ToolCall,
    ToolInputDelta,
    ToolResult,
    Usage,
)

START = RunStart("msg_1", "trace", "mock", "words", "disabled", 7.9)
STOP = RunEnd("stop", Usage(10, 5, 15, 2, 4), Timing(1, 2, 3))
FAILED = RunEnd("error", Usage(), Timing(), ErrorInfo("rate_limited", "too much", True, "t"))
CALL, OTHER = ToolCall("c1", "function", "add", {"a": 1}), ToolCall("c2", "mcp", "add", {"b": 2})
PIECES = [ToolInputDelta("c1", "add", '{"a"'), ToolInputDelta("c2", "add", '{"b"'), ToolInputDelta("c1", "add", ":1}")]
DONE = [ToolResult("c2", {"sum": 2}), ToolResult("c1", error="no")]

said = st.lists(
    st.sampled_from([TextDelta("x"), TextDelta("y\n"), ReasoningDelta("hm"), PlanStep(1, "look")]), max_size=5
)
calls = st.sampled_from(
    [[], [CALL], [*PIECES, CALL, OTHER], [*PIECES, OTHER, CALL, *DONE], [CALL, ToolResult("c1", 1)]]
)
ends = st.sampled_from([STOP, FAILED, RunEnd("cancelled", Usage(), Timing())])
runs = st.builds(
    lambda *parts: [START, *chain.from_iterable(parts[:3]), parts[3]], said, calls, said, ends
)  # fmt: skip


def data(dialect: Dialect, *events: StreamEvent) -> list[Any]:
    frames = [frame for event in events for frame in dialect.encode(event)]
    assert all(frame.event is frame.id is frame.retry is None for frame in frames)
    return [json.loads(frame.data) for frame in frames]


@given(runs)
def test_messages_of_an_agent_are_opened_and_closed_before_its_run_is(events: list[StreamEvent]) -> None:
    found = data(AGUIDialect("thread", "run"), *events)
    assert found[0] == {"type": "RUN_STARTED", "threadId": "thread", "runId": "run"}
    assert [e["type"] for e in found if e["type"] in ("RUN_FINISHED", "RUN_ERROR")] == [found[-1]["type"]]
    began = [e for e in found if e["type"].endswith("MESSAGE_START")]
    assert len({e["messageId"] for e in began}) == len(began)
    if found[-1]["type"] == "RUN_FINISHED":
        for kind in ("TEXT_MESSAGE", "REASONING", "REASONING_MESSAGE", "TOOL_CALL"):
            states = [e["type"].rpartition("_")[2] for e in found if e["type"].rpartition("_")[0] == kind]
            assert states.count("START") == states.count("END")


def test_calls_side_by_side_hang_on_the_text_before_them() -> None:
    found = data(AGUIDialect(), START, TextDelta("x"), *PIECES, CALL, OTHER, *DONE, TextDelta("y"), STOP)
    text, *_ = [e["messageId"] for e in found if e["type"] == "TEXT_MESSAGE_START"]
    assert {e["parentMessageId"] for e in found if e["type"] == "TOOL_CALL_START"} == {text}
    results = [(e["toolCallId"], e["content"]) for e in found if e["type"] == "TOOL_CALL_RESULT"]
    assert results == [("c2", '{"sum":2}'), ("c1", "Error: no")]
    assert found[0] == {"type": "RUN_STARTED", "threadId": "msg_1", "runId": "msg_1"}
    assert found[-1]["usage"][0]["inputTokens"] == 10


def test_an_agent_that_was_stopped_says_so() -> None:
    assert data(AGUIDialect(), START, RunEnd("cancelled", Usage(), Timing()))[-1]["outcome"] == {"type": "cancelled"}


def test_an_attempt_that_was_seen_ends_the_stream_when_it_is_begun_anew() -> None:
    assert "begun anew" in json.dumps(
        data(AGUIDialect(), START, TextDelta("x"), AttemptReset("cut"), TextDelta("y"), STOP)
    )
    unseen = json.dumps(data(AGUIDialect(), START, AttemptReset("busy"), TextDelta("x"), STOP))
    assert "begun anew" not in unseen and '"x"' in unseen


def test_a_step_that_is_begun_is_not_announced_again() -> None:
    announced = data(AGUIDialect(), START, PlanStep(1, "Look"))
    assert len(announced) > len(data(AGUIDialect(), START))
    assert data(AGUIDialect(), START, PlanStep(1, "Look"), PlanStep(1, "Look", begun=True)) == announced
