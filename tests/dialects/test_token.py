"""The `token` dialect: the text itself is the data, with line ends as SSE has them."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chatapp.dialects.token import TokenDialect
from chatapp.events import AttemptReset, ErrorInfo, RunEnd, RunStart, StreamEvent, TextDelta, Timing, Usage
from chatapp.wire.frames import Frame, SSEDecoder, encode

START = RunStart("msg_1", "trace", "mock", "words", "disabled", 7.9)
END = RunEnd("stop", Usage(1, 2, 3), Timing(4, 5, 6))


def frames(*events: StreamEvent) -> list[Frame]:
    dialect = TokenDialect()
    return [frame for event in events for frame in dialect.encode(event)]


@given(st.text("\r\na"), st.lists(st.integers(0, 12)))
def test_line_ends_are_the_same_wherever_the_text_is_cut(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(text)]
    pieces = [TextDelta(text[start:end]) for start, end in pairwise(places)]
    received = SSEDecoder().feed(b"".join(map(encode, frames(START, *pieces, END))))
    joined = "".join(event.data for event in received if event.type == "token")
    assert joined == text.replace("\r\n", "\n").replace("\r", "\n")


def test_what_a_reset_makes_void_is_not_sent_after_it() -> None:
    assert [frame.event for frame in frames(START, TextDelta("a\r"), AttemptReset("cut"), END)] == [
        "meta",
        "token",
        "reset",
        "done",
    ]


def test_the_end_says_all_that_is_known_of_the_run() -> None:
    assert json.loads(frames(START, END)[-1].data) == {
        "finish_reason": "stop",
        "provider": "mock",
        "model": "words",
        "usage": {
            "prompt": 1,
            "completion": 2,
            "total": 3,
            "reasoning": 0,
            "cached": 0,
            "estimated": False,
            "cache_written": 0,
            "cost": None,
            "currency": None,
        },
        "latency_ms": 6,
        "first_token_ms": 5,
        "trace_id": "trace",
    }


def test_the_end_names_the_fallback_that_answered() -> None:
    end = RunEnd("stop", Usage(1, 2, 3), Timing(4, 5, 6), provider="local", model="small")
    told = json.loads(frames(START, end)[-1].data)
    assert (told["provider"], told["model"]) == ("local", "small")


def test_a_failure_says_why() -> None:
    error = ErrorInfo("rate_limited", "Too many requests.", True, "trace")
    last = frames(START, RunEnd("error", Usage(), Timing(), error))[-1]
    assert last.event == "error" and json.loads(last.data) == {
        "code": "rate_limited",
        "message": "Too many requests.",
        "retryable": True,
        "trace_id": "trace",
    }
