"""The AI SDK's stream: the order that its clients count on, whatever the run does.

tests/system/test_parsers.py holds the same bytes to the package itself.
"""

import json

import pytest
from dialects.shapes import CALL, DONE, OTHER, PIECES, START, STOP, agent_runs, unnamed
from hypothesis import given

from chatapp.dialects.ai_sdk.events import UIMessageDialect
from chatapp.events import (
    AttemptReset,
    CitedSource,
    File,
    PlanStep,
    RunEnd,
    StreamEvent,
    TextDelta,
    Timing,
    ToolCall,
    ToolResult,
    Usage,
)

WEB = CitedSource("src_1", "https://source.test/1", "One")
PICTURE = File("file_1", "image/png", bytes=b"PNG")
runs = agent_runs(WEB, PICTURE)


@given(runs)
def test_parts_of_a_page_s_message_are_opened_closed_and_told_one_from_another(events: list[StreamEvent]) -> None:
    *found, last = unnamed(UIMessageDialect(), *events)
    assert last == "[DONE]" and found[0] == {
        "type": "start", "messageId": "msg_1", "messageMetadata": {"provider": "mock", "model": "words"},
    }  # fmt: skip
    assert [chunk["type"] for chunk in found if chunk["type"] in ("finish", "error")] == [found[-1]["type"]]
    open_part, seen = None, set()
    for chunk in found:
        kind, _, state = chunk["type"].rpartition("-")
        if kind in ("text", "reasoning"):
            if state == "start":
                assert open_part is None and chunk["id"] not in seen
                open_part = (kind, chunk["id"])
                seen.add(chunk["id"])
            assert open_part == (kind, chunk["id"])
            open_part = None if state == "end" else open_part
    assert open_part is None
    steps = [chunk["type"] for chunk in found if chunk["type"] in ("start-step", "finish-step")]
    assert steps == ["start-step", "finish-step"] * (len(steps) // 2) + ["start-step"] * (len(steps) % 2)


def test_what_comes_after_the_results_of_tools_is_a_step_of_its_own() -> None:
    found = unnamed(UIMessageDialect(), START, *PIECES, CALL, OTHER, *DONE, TextDelta("x"), STOP)
    assert [chunk["type"] for chunk in found[:-1]] == [
        "start", "start-step",
        "tool-input-start", "tool-input-delta", "tool-input-start", "tool-input-delta", "tool-input-delta",
        "tool-input-available", "tool-input-available", "tool-output-available", "tool-output-error",
        "finish-step", "start-step", "text-start", "text-delta", "text-end", "finish-step", "finish",
    ]  # fmt: skip
    assert found[9] == {"type": "tool-output-available", "output": {"sum": 2}, "toolCallId": "c2", "dynamic": True}
    assert found[10]["errorText"] == "no"
    assert found[-2]["messageMetadata"]["usage"]["completion"] == 5


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([STOP], "stop"),
        ([CALL, STOP], "tool-calls"),
        ([RunEnd("tool_limit", Usage(), Timing())], "length"),
        ([RunEnd("content_filter", Usage(), Timing())], "content-filter"),
        ([RunEnd("cancelled", Usage(), Timing())], "other"),
    ],
)
def test_a_page_is_told_how_it_ended(events: list[StreamEvent], reason: str) -> None:
    assert unnamed(UIMessageDialect(), START, *events)[-2]["finishReason"] == reason


def test_an_attempt_that_was_seen_ends_the_stream_when_it_is_begun_anew() -> None:
    assert "begun anew" in json.dumps(
        unnamed(UIMessageDialect(), START, TextDelta("x"), AttemptReset("cut"), TextDelta("y"), STOP)
    )
    unseen = json.dumps(unnamed(UIMessageDialect(), START, AttemptReset("busy"), TextDelta("x"), STOP))
    assert "begun anew" not in unseen and '"x"' in unseen


def test_a_step_that_is_begun_is_not_announced_again() -> None:
    announced = unnamed(UIMessageDialect(), START, PlanStep(1, "Look"))
    assert len(announced) > len(unnamed(UIMessageDialect(), START))
    assert unnamed(UIMessageDialect(), START, PlanStep(1, "Look"), PlanStep(1, "Look", begun=True)) == announced


def test_a_call_that_the_provider_ran_says_so() -> None:
    served = ToolCall("s", "function", "search", {}, by_provider=True)
    found = unnamed(UIMessageDialect(), START, served, ToolResult("s", 1), CALL, ToolResult("c1", 2), STOP)
    executed = {part["toolCallId"] for part in found[:-1] if part.get("providerExecuted")}
    assert executed == {"s"}
    assert [part.get("providerExecuted") for part in found[:-1] if part["type"] == "tool-output-available"][:1] == [
        True
    ]
