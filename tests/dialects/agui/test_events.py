"""AG-UI's events: the order that their clients count on, whatever the run does.

tests/system/test_parsers.py holds the same bytes to the package itself.
"""

import json

from dialects.shapes import CALL, DONE, OTHER, PIECES, START, STOP, agent_runs, unnamed
from hypothesis import given

from chatapp.dialects.agui.events import AGUIDialect
from chatapp.events import (
    AttemptReset,
    PlanStep,
    RunEnd,
    StreamEvent,
    TextDelta,
    Timing,
    Usage,
)

runs = agent_runs()


@given(runs)
def test_messages_of_an_agent_are_opened_and_closed_before_its_run_is(events: list[StreamEvent]) -> None:
    found = unnamed(AGUIDialect("thread", "run"), *events)
    assert found[0] == {"type": "RUN_STARTED", "threadId": "thread", "runId": "run"}
    assert [e["type"] for e in found if e["type"] in ("RUN_FINISHED", "RUN_ERROR")] == [found[-1]["type"]]
    began = [e for e in found if e["type"].endswith("MESSAGE_START")]
    assert len({e["messageId"] for e in began}) == len(began)
    if found[-1]["type"] == "RUN_FINISHED":
        for kind in ("TEXT_MESSAGE", "REASONING", "REASONING_MESSAGE", "TOOL_CALL"):
            states = [e["type"].rpartition("_")[2] for e in found if e["type"].rpartition("_")[0] == kind]
            assert states.count("START") == states.count("END")


def test_calls_side_by_side_hang_on_the_text_before_them() -> None:
    found = unnamed(AGUIDialect(), START, TextDelta("x"), *PIECES, CALL, OTHER, *DONE, TextDelta("y"), STOP)
    text, *_ = [e["messageId"] for e in found if e["type"] == "TEXT_MESSAGE_START"]
    assert {e["parentMessageId"] for e in found if e["type"] == "TOOL_CALL_START"} == {text}
    results = [(e["toolCallId"], e["content"]) for e in found if e["type"] == "TOOL_CALL_RESULT"]
    assert results == [("c2", '{"sum":2}'), ("c1", "Error: no")]
    assert found[0] == {"type": "RUN_STARTED", "threadId": "msg_1", "runId": "msg_1"}
    assert found[-1]["usage"][0]["inputTokens"] == 10


def test_an_agent_that_was_stopped_says_so() -> None:
    assert unnamed(AGUIDialect(), START, RunEnd("cancelled", Usage(), Timing()))[-1]["outcome"] == {"type": "cancelled"}


def test_an_attempt_that_was_seen_ends_the_stream_when_it_is_begun_anew() -> None:
    assert "begun anew" in json.dumps(
        unnamed(AGUIDialect(), START, TextDelta("x"), AttemptReset("cut"), TextDelta("y"), STOP)
    )
    unseen = json.dumps(unnamed(AGUIDialect(), START, AttemptReset("busy"), TextDelta("x"), STOP))
    assert "begun anew" not in unseen and '"x"' in unseen


def test_a_step_that_is_begun_is_not_announced_again() -> None:
    announced = unnamed(AGUIDialect(), START, PlanStep(1, "Look"))
    assert len(announced) > len(unnamed(AGUIDialect(), START))
    assert unnamed(AGUIDialect(), START, PlanStep(1, "Look"), PlanStep(1, "Look", begun=True)) == announced


def test_the_usage_is_that_of_the_fallback_that_answered() -> None:
    end = RunEnd("stop", Usage(), Timing(), provider="local", model="small")
    (usage,) = unnamed(AGUIDialect(), START, end)[-1]["usage"]
    assert (usage["provider"], usage["model"]) == ("local", "small")
