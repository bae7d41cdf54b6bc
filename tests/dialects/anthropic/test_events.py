"""Anthropic's Messages: the official SDK reads any run, and ends with the message of that run."""

import json
from itertools import chain
from typing import Any

import anthropic
import httpx2
import pytest
from dialects.shapes import DOCUMENT, ELSEWHERE, LEFT_OUT, PICTURE, START, WEB
from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp.dialects.anthropic.events import SIGNATURE, AnthropicDialect, message
from chatapp.events import (
    AttemptReset,
    Entry,
    ErrorInfo,
    NativePiece,
    PlanStep,
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
from chatapp.wire.frames import HEARTBEAT, Frame, encode

USAGE = Usage(10, 5, 15, 2, 4)
STOP = RunEnd("stop", USAGE, Timing())
CALL, OTHER = ToolCall("c1", "function", "add", {"a": 1}), ToolCall("c2", "function", "add", {"b": 2})
OWN = ToolCall("c9", "mcp", "clock", {})
PIECES = [ToolInputDelta("c1", "add", '{"a"'), ToolInputDelta("c1", "add", ":1}")]
SIDE_BY_SIDE = [PIECES[0], ToolInputDelta("c2", "add", '{"b"'), PIECES[1], ToolInputDelta("c2", "add", ":2}"), CALL]

THINKING = {"type": "thinking", "thinking": "so", "signature": "sig"}
UNSEEN = {"type": "thinking", "thinking": "", "signature": "unseen"}
BLACK = {"type": "redacted_thinking", "data": "black"}
SIGNED = [ReasoningDelta("s"), ReasoningDelta("o"), NativePiece("anthropic", "a", [THINKING])]
HIDDEN: list[StreamEvent] = [NativePiece("anthropic", "a", [UNSEEN])]
REDACTED: list[StreamEvent] = [NativePiece("anthropic", "a", [BLACK, {"type": "text", "text": "x"}])]
FOREIGN = [ReasoningDelta("o"), NativePiece("openai-responses", "r", [THINKING], whole=True)]

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
pieces = st.one_of(
    st.builds(lambda text: [TextDelta(text)], texts),
    st.builds(lambda text: [ReasoningDelta(text)], texts),
    st.sampled_from([[WEB], [DOCUMENT], [PICTURE], [ELSEWHERE], [LEFT_OUT]]),
    st.just([OWN, ToolResult("c9", "noon")]),
    st.just([PlanStep(1, "look")]),
    st.sampled_from([SIGNED, HIDDEN, REDACTED, FOREIGN]),
)
calls = st.sampled_from(
    [[], [CALL], [*PIECES, CALL], [*SIDE_BY_SIDE, OTHER]],
)


def end(reason: str) -> RunEnd:
    error = ErrorInfo("rate_limited", "too much", True, "t") if reason in ("error", "interrupted") else None
    return RunEnd(reason, USAGE, Timing(), error)  # type: ignore[arg-type]


ends = st.sampled_from(["stop", "length", "content_filter", "tool_limit", "cancelled"]).map(end)
runs = st.builds(
    lambda middle, calls, end: [START, *chain.from_iterable(middle), *calls, end],
    st.lists(pieces, max_size=8),
    calls,
    ends,
)


def frames(*events: StreamEvent, **options: Any) -> list[Frame]:
    dialect = AnthropicDialect(**options)
    found = [frame for event in events for frame in dialect.encode(event)]
    assert all(frame.event == json.loads(frame.data)["type"] for frame in found)
    assert all(frame.id is None and frame.retry is None for frame in found)
    return found


def read_by_sdk(body: bytes) -> anthropic.types.Message:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=body, headers={"Content-Type": "text/event-stream"})

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http,
        anthropic.Anthropic(api_key="k", http_client=http, max_retries=0) as client,
        client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]) as stream,
    ):
        return stream.get_final_message()


@settings(deadline=None)  # the SDK takes its time on a busy machine
@given(runs)
def test_the_sdk_ends_with_the_message_that_is_answered_whole(events: list[StreamEvent]) -> None:
    ping = HEARTBEAT + b"".join(map(encode, AnthropicDialect().heartbeat()))
    read = read_by_sdk(ping.join(map(encode, frames(*events, tools=["add"]))))
    whole = message(transcript_of([Entry(seq, event) for seq, event in enumerate(events, 1)]), ["add"])
    content = [block.to_dict(exclude_unset=True) for block in read.content]
    assert [{name: block[name] for name in block if name != "parsed_output"} for block in content] == whole["content"]
    assert (read.id, read.model, read.stop_reason, read.usage.to_dict()) == tuple(
        whole[name] for name in ("id", "model", "stop_reason", "usage")
    )


def test_anthropic_s_own_thinking_is_given_with_its_signatures() -> None:
    events = [START, *SIGNED, *SIGNED, *HIDDEN, *REDACTED, *FOREIGN, TextDelta("So."), STOP]
    whole = message(transcript_of([Entry(seq, event) for seq, event in enumerate(events, 1)]), [])
    unsigned = {"type": "thinking", "thinking": "o", "signature": SIGNATURE}
    assert whole["content"] == [THINKING, THINKING, UNSEEN, BLACK, unsigned, {"type": "text", "text": "So."}]


@given(runs)
def test_blocks_come_one_after_the_other_with_contiguous_indexes(events: list[StreamEvent]) -> None:
    found = [json.loads(frame.data) for frame in frames(*events)]
    assert [found[0]["type"], found[-2]["type"], found[-1]["type"]] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]
    index, begun = 0, False
    for event in found[1:-2]:
        assert event["index"] == index
        match event["type"]:
            case "content_block_start":
                assert not begun
                begun = True
            case "content_block_delta":
                assert begun
            case "content_block_stop":
                assert begun
                begun, index = False, index + 1
    assert not begun


def test_the_pieces_of_calls_side_by_side_wait_for_their_turn() -> None:
    found = [json.loads(frame.data) for frame in frames(START, *SIDE_BY_SIDE, OTHER, STOP)]
    inputs = [
        (event["index"], event["delta"]["partial_json"]) for event in found if "delta" in event and "index" in event
    ]
    assert inputs == [(0, '{"a"'), (0, ":1}"), (1, '{"b"'), (1, ":2}")]
    assert found[-2]["delta"]["stop_reason"] == "tool_use"


def test_a_word_in_the_middle_of_a_call_comes_after_it() -> None:
    read = read_by_sdk(b"".join(map(encode, frames(START, PIECES[0], TextDelta("x"), PIECES[1], CALL, STOP))))
    assert [block.type for block in read.content] == ["tool_use", "text"]


def test_thinking_is_signed_when_it_ends() -> None:
    found = [json.loads(frame.data) for frame in frames(START, ReasoningDelta("hm"), TextDelta("x"), STOP)]
    assert [event["delta"] for event in found if event["type"] == "content_block_delta"] == [
        {"type": "thinking_delta", "thinking": "hm"},
        {"type": "signature_delta", "signature": SIGNATURE},
        {"type": "text_delta", "text": "x"},
    ]


def test_usage_begins_with_an_estimate_and_ends_with_what_was_used() -> None:
    found = [json.loads(frame.data) for frame in frames(START, STOP, prompt_tokens=8)]
    assert found[0]["message"]["usage"]["input_tokens"] == 8
    assert found[1]["usage"] == {
        "input_tokens": 6,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 4,
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 2},
    }


def test_the_server_s_own_calls_are_not_the_client_s_business() -> None:
    found = [
        json.loads(f.data) for f in frames(START, OWN, ToolResult("c9", "noon"), TextDelta("noon"), STOP, tools=["add"])
    ]
    assert [event["content_block"]["type"] for event in found if "content_block" in event] == ["text"]
    assert found[-2]["delta"]["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    ("reason", "said"),
    [("length", "max_tokens"), ("tool_limit", "max_tokens"), ("content_filter", "refusal"), ("cancelled", "end_turn")],
)
def test_every_way_to_end_well_has_a_word_in_the_protocol(reason: str, said: str) -> None:
    assert json.loads(frames(START, end(reason))[-2].data)["delta"]["stop_reason"] == said


@pytest.mark.parametrize(("calls", "said"), [([], ("stop_sequence", "END")), ([CALL], ("tool_use", None))])
def test_a_reply_that_a_sequence_stopped_says_so(calls: list[StreamEvent], said: tuple[str, str | None]) -> None:
    run = [START, *calls, RunEnd("stop", USAGE, Timing(), stop_sequence="END")]
    whole = message(transcript_of([Entry(seq, event) for seq, event in enumerate(run, 1)]), ["add"])
    for told in (json.loads(frames(*run, tools=["add"])[-2].data)["delta"], whole):
        assert (told["stop_reason"], told["stop_sequence"]) == said


def test_a_failed_run_ends_with_its_error_alone() -> None:
    last = frames(START, TextDelta("x"), end("error"))[-1]
    assert last == Frame('{"type":"error","error":{"type":"rate_limit_error","message":"too much"}}', "error")


def test_an_attempt_that_nobody_saw_may_be_begun_anew() -> None:
    found = frames(START, AttemptReset("busy"), TextDelta("x"), STOP)
    assert read_by_sdk(b"".join(map(encode, found))).content[0].to_dict()["text"] == "x"


def test_an_attempt_that_was_seen_ends_the_stream_when_it_is_begun_anew() -> None:
    found = frames(START, TextDelta("x"), AttemptReset("cut"), TextDelta("y"), STOP)
    with pytest.raises(anthropic.APIStatusError, match="begun anew"):
        read_by_sdk(b"".join(map(encode, found)))
