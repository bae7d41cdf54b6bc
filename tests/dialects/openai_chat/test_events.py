"""Chat completions: what OpenAI's clients count on, whatever the run does."""

import json
from itertools import chain
from typing import Any

import pytest
from dialects.shapes import DOCUMENT, ELSEWHERE, LEFT_OUT, PICTURE, START, WEB
from hypothesis import given
from hypothesis import strategies as st

from chatapp.dialects.openai_chat.events import OpenAIDialect, completion
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

USAGE = Usage(1, 2, 3, 1, 1)
STOP = RunEnd("stop", USAGE, Timing())
CALL = ToolCall("c1", "function", "add", {"a": 1})
PIECES = [ToolInputDelta("c1", "add", '{"a"'), ToolInputDelta("c1", "add", ": 1}")]

EXTRA = {"google": {"thought_signature": "sig"}}
DETAILS = [{"type": "reasoning.encrypted", "data": "sealed"}]
OF_CALL = NativePiece("openai", "up", [{"tool_call": "c1", "extra_content": EXTRA}])
OF_TURN = NativePiece("openai", "up", [{"reasoning_details": DETAILS}], whole=True)
FOREIGN = NativePiece("anthropic", "a", [{"type": "redacted_thinking", "data": "x"}], whole=True)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
pieces = st.one_of(
    st.builds(lambda text: [TextDelta(text)], texts),
    st.builds(lambda text: [ReasoningDelta(text)], texts),
    st.sampled_from([[WEB], [DOCUMENT], [PICTURE], [ELSEWHERE], [LEFT_OUT]]),
    st.sampled_from([[OF_CALL], [OF_TURN], [FOREIGN]]),
    st.sampled_from([[CALL], [*PIECES, CALL], [CALL, ToolResult("c1", 2)], [*PIECES, CALL, ToolResult("c1", 2)]]),
)


def end(reason: str) -> RunEnd:
    error = ErrorInfo("rate_limited", "too much", True, "t") if reason in ("error", "interrupted") else None
    return RunEnd(reason, USAGE, Timing(), error)  # type: ignore[arg-type]


ends = st.sampled_from(["stop", "length", "content_filter", "tool_limit", "cancelled", "interrupted", "error"]).map(end)
runs = st.builds(lambda middle, end: [START, *chain.from_iterable(middle), end], st.lists(pieces, max_size=8), ends)


def data(dialect: OpenAIDialect, events: list[StreamEvent]) -> list[str]:
    frames = [frame for event in events for frame in dialect.encode(event)]
    assert all(frame.event is None and frame.id is None and frame.retry is None for frame in frames)
    return [frame.data for frame in frames]


def chunks(*events: StreamEvent, **options: Any) -> list[dict[str, Any]]:
    *chunks, last = data(OpenAIDialect(**options), [START, *events])
    assert last == "[DONE]"
    return [json.loads(chunk) for chunk in chunks]


def deltas(found: list[dict[str, Any]], name: str) -> list[Any]:
    return [chunk["choices"][0]["delta"][name] for chunk in found if name in chunk["choices"][0]["delta"]]


@given(runs, st.booleans())
def test_every_stream_has_the_shape_that_clients_count_on(events: list[StreamEvent], include_usage: bool) -> None:
    *found, last = data(OpenAIDialect(include_usage), events)
    parsed = [json.loads(chunk) for chunk in found]
    assert {(chunk["id"], chunk["created"], chunk["object"]) for chunk in parsed} == {
        ("msg_1", 7, "chat.completion.chunk")
    }
    assert parsed[0]["choices"][0]["delta"]["role"] == "assistant"
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in parsed if chunk["choices"]]
    if last == "[DONE]":
        assert [reason is None for reason in reasons] == [True] * (len(reasons) - 1) + [False]
        assert [chunk["choices"] == [] for chunk in parsed] == [False] * len(reasons) + [True] * include_usage
    else:
        assert set(json.loads(last)["error"]) == {"message", "type", "param", "code"}
        assert set(reasons) == {None}
    assert all(("usage" in chunk) == include_usage for chunk in parsed)


@given(runs)
def test_the_pieces_joined_are_the_whole(events: list[StreamEvent]) -> None:
    *found, _ = data(OpenAIDialect(), events)
    parsed = [json.loads(chunk) for chunk in found]
    whole = completion(transcript_of([Entry(seq, event) for seq, event in enumerate(events, 1)]))
    message: Any = whole["choices"][0]["message"]  # type: ignore[index]
    assert "".join(deltas(parsed, "content")) == (message["content"] or "")
    annotations = [*chain(*deltas(parsed, "annotations"))]
    assert [annotation.pop("index") for annotation in annotations] == [*range(len(annotations))]
    assert annotations == message.get("annotations", [])
    assert [*chain(*deltas(parsed, "images"))] == message.get("images", [])
    assert "".join(deltas(parsed, "reasoning_content")) == "".join(
        e.text for e in events if isinstance(e, ReasoningDelta)
    )


@pytest.mark.parametrize("events", [[CALL], [*PIECES, CALL]])
def test_a_call_has_its_id_type_and_name_once_and_its_arguments_joined(events: list[StreamEvent]) -> None:
    found = chunks(*events, STOP)
    calls = [call for (call,) in deltas(found, "tool_calls")]
    assert calls[0]["id"] == "c1" and calls[0]["type"] == "function" and calls[0]["function"]["name"] == "add"
    assert not any("id" in call or "type" in call or "name" in call["function"] for call in calls[1:])
    assert json.loads("".join(call["function"]["arguments"] for call in calls)) == {"a": 1}
    assert {call["index"] for call in calls} == {0}
    assert found[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("events", [[OF_CALL, *PIECES, CALL], [*PIECES, OF_CALL, CALL], [OF_CALL, CALL]])
def test_what_a_provider_put_into_its_call_and_turn_is_given_as_it_came(events: list[StreamEvent]) -> None:
    events = [*events, FOREIGN, OF_TURN, STOP]
    found = chunks(*events)
    calls = [call for (call,) in deltas(found, "tool_calls")]
    assert [call["extra_content"] for call in calls if "extra_content" in call] == [EXTRA]
    assert "".join(call["function"]["arguments"] for call in calls).replace(" ", "") == '{"a":1}'
    assert deltas(found, "reasoning_details") == [DETAILS] and deltas(found, "provider") == ["up"]

    said = completion(transcript_of([Entry(seq, event) for seq, event in enumerate([START, *events], 1)]))
    message = said["choices"][0]["message"]  # type: ignore[index]
    assert message["tool_calls"][0]["extra_content"] == EXTRA
    assert (message["reasoning_details"], message["provider"]) == (DETAILS, "up")


def test_of_a_round_whose_calls_ran_here_nothing_is_given() -> None:
    events = [OF_CALL, CALL, OF_TURN, ToolResult("c1", 1), TextDelta("one"), STOP]
    found = chunks(*events, tools=["other"])
    assert not deltas(found, "reasoning_details") and not deltas(found, "provider")


def test_calls_side_by_side_have_indexes_of_their_own() -> None:
    other = ToolCall("c2", "function", "add", {})
    found = chunks(
        PIECES[0], ToolInputDelta("c2", "add", "{"), PIECES[1], ToolInputDelta("c2", "add", "}"), CALL, other, STOP
    )
    joined = {0: "", 1: ""}
    for (call,) in deltas(found, "tool_calls"):
        joined[call["index"]] += call["function"]["arguments"]
    assert [json.loads(joined[index]) for index in (0, 1)] == [{"a": 1}, {}]


def test_a_call_whose_id_comes_again_after_its_result_is_another_call() -> None:
    found = chunks(CALL, ToolResult("c1", 2), CALL, STOP)
    assert [call["index"] for (call,) in deltas(found, "tool_calls")] == [0, 1]


def test_what_a_model_wrote_instead_of_arguments_is_passed_on() -> None:
    (((call,),)) = deltas(chunks(ToolCall("c1", "function", "add", {}, "a=1"), STOP), "tool_calls")
    assert call["function"]["arguments"] == "a=1"


def test_the_server_s_own_calls_are_not_the_client_s_business() -> None:
    own = ToolCall("c2", "mcp", "clock", {})
    found = chunks(own, ToolResult("c2", "noon"), TextDelta("noon"), STOP, tools=["add"])
    assert not deltas(found, "tool_calls") and found[-1]["choices"][0]["finish_reason"] == "stop"
    found = chunks(own, RunEnd("tool_limit", USAGE, Timing()), tools=["add"])
    assert not deltas(found, "tool_calls") and found[-1]["choices"][0]["finish_reason"] == "length"
    limited = [Entry(n, e) for n, e in enumerate([START, own, RunEnd("tool_limit", USAGE, Timing())], 1)]
    whole: Any = completion(transcript_of(limited), ["add"])
    assert "tool_calls" not in whole["choices"][0]["message"]
    found = chunks(own, ToolResult("c2", "noon"), CALL, STOP, tools=["add"])
    assert len(deltas(found, "tool_calls")) == 1 and found[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_limit", "length"),
        ("content_filter", "content_filter"),
        ("cancelled", "stop"),
    ],
)
def test_every_way_to_end_well_has_a_word_in_the_protocol(reason: str, said: str) -> None:
    assert chunks(TextDelta("x"), end(reason))[-1]["choices"][0]["finish_reason"] == said
    whole = completion(transcript_of([Entry(n, e) for n, e in enumerate([START, TextDelta("x"), end(reason)], 1)]))
    assert whole["choices"][0]["finish_reason"] == said  # type: ignore[index]


def test_a_failed_run_ends_with_its_error_alone() -> None:
    *_, last = data(OpenAIDialect(), [START, TextDelta("x"), end("error")])
    assert json.loads(last)["error"] == {
        "message": "too much",
        "type": "rate_limit_error",
        "param": None,
        "code": "rate_limited",
    }


def test_an_attempt_that_nobody_saw_may_be_begun_anew() -> None:
    assert "".join(deltas(chunks(AttemptReset("busy"), TextDelta("x"), STOP), "content")) == "x"


def test_an_attempt_that_was_seen_ends_the_stream_when_it_is_begun_anew() -> None:
    *_, last = data(OpenAIDialect(), [START, TextDelta("x"), AttemptReset("cut"), TextDelta("y"), STOP])
    assert json.loads(last)["error"]["code"] == "attempt_reset"


def test_a_whole_completion_holds_text_thinking_calls_and_usage() -> None:
    events = [START, ReasoningDelta("hm"), TextDelta("x"), *PIECES, CALL, STOP]
    whole: Any = completion(transcript_of([Entry(seq, event) for seq, event in enumerate(events, 1)]))
    message = whole["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("x", "hm")
    assert message["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
    ]
    assert whole["choices"][0]["finish_reason"] == "tool_calls" and whole["object"] == "chat.completion"
    assert whole["usage"]["prompt_tokens_details"] == {"cached_tokens": 1}
    assert whole["usage"]["total_tokens"] == 3


def test_a_call_that_the_provider_ran_is_not_the_clients_under_any_name() -> None:
    served = ToolCall("s", "function", "add", {}, by_provider=True)
    told = chunks(served, ToolResult("s", 1), CALL, STOP, tools=["add"])
    ids = [
        call["id"] for chunk in told for choice in chunk["choices"] for call in choice["delta"].get("tool_calls", ())
    ]
    assert ids == ["c1"]
