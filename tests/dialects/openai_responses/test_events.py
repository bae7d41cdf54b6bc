"""Responses: contiguous numbers, whole items, one end, and the same bytes from every number on."""

import json
from itertools import chain
from typing import Any

import pytest
from dialects.shapes import DOCUMENT, ELSEWHERE, LEFT_OUT, PICTURE, START, WEB
from hypothesis import given, settings
from hypothesis import strategies as st
from openresponses import check_response, needs_specification

from chatapp.dialects.openai_responses.events import ResponsesDialect
from chatapp.dialects.openai_responses.resource import response_id, run_id_of
from chatapp.events import (
    AttemptReset,
    Entry,
    ErrorInfo,
    NativePiece,
    ReasoningDelta,
    RunEnd,
    StreamEvent,
    TextDelta,
    Timing,
    ToolCall,
    ToolInputDelta,
    ToolResult,
    Usage,
)
from chatapp.transcript import transcript_of

STOP = RunEnd("stop", Usage(1, 2, 3, 1, 1), Timing())
CALL = ToolCall("c1", "function", "add", {"a": 1})
PIECES = [ToolInputDelta("c1", "add", '{"a"'), ToolInputDelta("c1", "add", ": 1}")]
OTHER = ToolCall("c2", "function", "add", {})

SEALED = NativePiece("openai-responses", "r", [{"type": "reasoning", "id": "rs_9", "encrypted_content": "sealed"}])
FOREIGN = NativePiece("openai", "o", [{"reasoning_details": [{"signature": "x"}]}], whole=True)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
pieces = st.one_of(
    st.builds(lambda text: [TextDelta(text)], texts),
    st.builds(lambda text: [ReasoningDelta(text)], texts),
    st.sampled_from([[WEB], [DOCUMENT], [PICTURE], [ELSEWHERE], [LEFT_OUT]]),
    st.just([AttemptReset("cut")]),
    st.sampled_from([[SEALED], [ReasoningDelta("hm"), SEALED], [FOREIGN]]),
    st.sampled_from(
        [
            [CALL],
            [*PIECES, CALL],
            [PIECES[0], ToolInputDelta("c2", "add", "{}"), PIECES[1], CALL, OTHER],
            [CALL, ToolResult("c1", 2)],
            [PIECES[0]],
        ]
    ),
)
ends = st.sampled_from(["stop", "length", "content_filter", "tool_limit", "cancelled", "interrupted", "error"]).map(
    lambda reason: RunEnd(
        reason, Usage(), Timing(), ErrorInfo("x", "failed", True, "t") if reason in ("error", "interrupted") else None
    )
)
runs = st.builds(lambda middle, end: [START, *chain.from_iterable(middle), end], st.lists(pieces, max_size=8), ends)


def frames(events: list[StreamEvent], **options: Any) -> list[tuple[str | None, str]]:
    dialect = ResponsesDialect(**options)
    return [(frame.event, frame.data) for event in events for frame in dialect.encode(event)]


def decoded(events: list[StreamEvent], **options: Any) -> list[dict[str, Any]]:
    *told, done = frames(events, **options)
    assert done == (None, "[DONE]")
    found = [(name, json.loads(data)) for name, data in told]
    assert all(name == data["type"] for name, data in found)
    return [data for _, data in found]


@given(runs)
def test_numbers_are_contiguous_and_the_end_comes_once_and_last(events: list[StreamEvent]) -> None:
    found = decoded(events)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert found[0]["type"] == "response.created"
    ends = ("response.completed", "response.incomplete", "response.failed")
    assert [event["type"] in ends for event in found] == [False] * (len(found) - 1) + [True]
    assert {event["response"]["id"] for event in found if "response" in event} == {"resp_1"}


@given(runs)
def test_every_item_is_opened_grows_and_is_closed_as_it_stands_in_the_response(events: list[StreamEvent]) -> None:
    found = decoded(events)
    output = found[-1]["response"]["output"]
    added = {e["output_index"]: e["item"]["id"] for e in found if e["type"] == "response.output_item.added"}
    assert list(added) == list(range(len(output))) and list(added.values()) == [item["id"] for item in output]
    if not (found[-1]["response"]["error"] and "anew" in found[-1]["response"]["error"]["message"]):
        done = {e["output_index"]: e["item"] for e in found if e["type"] == "response.output_item.done"}
        assert [done[index] for index in range(len(output))] == output
    for index, item in enumerate(output):
        grown = [e for e in found if e.get("output_index") == index and e["type"].endswith(".delta")]
        assert {e["item_id"] for e in grown} <= {item["id"]}
        assert "".join(e["delta"] for e in grown) == _text(item)


@needs_specification
@settings(deadline=None)  # the first one reads the specification
@given(runs)
def test_the_response_follows_its_schema_after_every_event(events: list[StreamEvent]) -> None:
    dialect = ResponsesDialect()
    for event in events:
        for _ in dialect.encode(event):
            pass
        check_response(json.loads(json.dumps(dialect.whole())))


def _text(item: dict[str, Any]) -> str:
    if item["type"] == "function_call":
        return str(item["arguments"])
    return "".join(part["text"] for part in item.get("content", item.get("summary", [])))


def test_sealed_thinking_is_an_item_with_or_without_a_summary() -> None:
    events = [START, ReasoningDelta("hm"), SEALED, SEALED, FOREIGN, TextDelta("So."), STOP]
    thinking, sealed, _ = decoded(events)[-1]["response"]["output"]
    assert thinking["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert sealed["summary"] == [] and sealed["type"] == thinking["type"] == "reasoning"
    assert thinking["encrypted_content"] == sealed["encrypted_content"] == "sealed"
    assert thinking["id"] != sealed["id"]


@given(runs)
def test_a_client_that_goes_on_after_a_number_gets_the_suffix(events: list[StreamEvent]) -> None:
    whole = frames(events)
    for after in range(-1, len(whole) - 2):  # the last has no number
        assert frames(events, after=after) == whole[after + 1 :]


def test_a_number_that_is_still_to_come_gets_the_end_at_least() -> None:
    (last,) = decoded([START, TextDelta("x"), STOP], after=99)
    assert last["type"] == "response.completed" and last["sequence_number"] == 100


def test_of_a_compacted_log_the_end_alone_tells_all_to_who_goes_on() -> None:
    (last,) = decoded([START, TextDelta("x"), STOP], after=3, last_only=True)
    assert last["response"]["output"][0]["content"][0]["text"] == "x"
    assert last["sequence_number"] > 3


@given(runs)
def test_fetched_from_the_compacted_log_it_is_what_the_stream_ended_with(events: list[StreamEvent]) -> None:
    events = [event for event in events if not isinstance(event, (AttemptReset, ToolInputDelta))]
    dialect = ResponsesDialect()
    for entry in transcript_of([Entry(seq, event) for seq, event in enumerate(events, 1)]).entries:
        list(dialect.encode(entry.event))
    streamed = decoded(events)[-1]["response"]
    fetched = json.loads(json.dumps(dialect.whole()))
    assert fetched == streamed


@pytest.mark.parametrize(
    ("reason", "type_", "status", "details"),
    [
        ("stop", "completed", "completed", None),
        ("cancelled", "completed", "cancelled", None),
        ("length", "incomplete", "incomplete", {"reason": "max_output_tokens"}),
        ("tool_limit", "incomplete", "incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "incomplete", "incomplete", {"reason": "content_filter"}),
    ],
)
def test_every_way_to_end_has_its_event(reason: Any, type_: str, status: str, details: object) -> None:
    last = decoded([START, TextDelta("x"), RunEnd(reason, Usage(), Timing())])[-1]
    assert last["type"] == f"response.{type_}" and last["response"]["status"] == status
    assert last["response"]["incomplete_details"] == details


def test_a_failure_says_why_in_words_that_clients_know() -> None:
    error = ErrorInfo("rate_limited", "too much", True, "t")
    last = decoded([START, RunEnd("error", Usage(), Timing(), error)])[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["error"] == {"code": "rate_limit_exceeded", "message": "too much"}


def test_an_attempt_that_was_seen_fails_when_it_is_begun_anew_and_one_that_was_not_does_not() -> None:
    seen = decoded([START, TextDelta("x"), AttemptReset("cut"), TextDelta("y"), STOP])
    assert seen[-1]["type"] == "response.failed" and not any(event.get("delta") == "y" for event in seen)
    assert decoded([START, AttemptReset("cut"), TextDelta("y"), STOP])[-1]["type"] == "response.completed"


def test_the_response_repeats_what_was_asked() -> None:
    found = decoded([START, STOP], asked={"metadata": {"a": "b"}, "previous_response_id": "resp_0"})
    for event in found:
        assert event["response"]["metadata"] == {"a": "b"} and event["response"]["previous_response_id"] == "resp_0"


def test_the_server_s_own_calls_are_not_shown_to_who_offered_others() -> None:
    own = ToolCall("c2", "mcp", "clock", {})
    found = decoded([START, own, ToolResult("c2", "noon"), CALL, STOP], tools=["add"])
    assert [item["call_id"] for item in found[-1]["response"]["output"]] == ["c1"]


def test_a_response_and_its_run_have_one_id() -> None:
    assert response_id("msg_7") == "resp_7" and run_id_of("resp_7") == "msg_7"
