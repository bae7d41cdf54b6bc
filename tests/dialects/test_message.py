"""The `message` dialect in its three result modes."""

import hashlib
import json
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.dialects.message import MessageDialect, RawPassthroughDialect, XMLPlaintextDialect
from chatapp.events import (
    AttemptReset,
    ErrorInfo,
    PlanStep,
    Raw,
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

START = RunStart("msg_1", "trace", "mock", "words", "disabled", 0.0)
END = RunEnd("stop", Usage(), Timing())
FAILED = RunEnd("error", Usage(), Timing(), ErrorInfo("internal_error", "no", True, "t"))
texts = st.text(st.sampled_from("ab<>/\n final"), max_size=8)


def frames(dialect: MessageDialect, events: Sequence[StreamEvent]) -> list[tuple[str | None, Any]]:
    return [(frame.event, json.loads(frame.data)) for event in events for frame in dialect.encode(event)]


def joined(came: list[tuple[str | None, Any]]) -> str:
    return "".join(data["delta"] for name, data in came if name == "content_delta")


def xml(*events: StreamEvent) -> list[tuple[str | None, Any]]:
    return frames(XMLPlaintextDialect(), events)


def raw(*events: StreamEvent) -> list[tuple[str | None, Any]]:
    return frames(RawPassthroughDialect(), events)


def body(came: list[tuple[str | None, Any]]) -> bytes:
    """What a client puts together from `raw` frames."""
    data = b""
    for number, (_, frame) in enumerate([one for one in came if one[0] == "raw"], 1):
        assert frame["seq"] == number
        data += frame["data"].encode() if frame["encoding"] == "utf-8" else b64decode(frame["data"])
    return data


def test_thinking_and_answer_are_wrapped() -> None:
    came = xml(ReasoningDelta("hm"), ReasoningDelta("m"), TextDelta("fi"), TextDelta("ne"), END)
    assert joined(came) == "<thinking>hmm</thinking><final>fine</final>"
    assert came[-1][0] == "completed" and came[-1][1]["content"] == joined(came)
    assert {name for name, _ in came} == {"content_delta", "completed"}


def test_thinking_may_come_again() -> None:
    call = ToolCall("1", "function", "f", {})
    came = xml(ReasoningDelta("a"), TextDelta("b"), call, ToolResult("1", 1), ReasoningDelta("c"), TextDelta("d"), END)
    assert joined(came) == "<thinking>a</thinking><final>b</final><thinking>c</thinking><final>d</final>"
    assert [name for name, _ in came if name != "content_delta"] == ["tool_call", "tool_result", "completed"]


def test_the_models_own_tags_pass_through() -> None:
    came = xml(TextDelta("<final>a</fin"), TextDelta("al><thinking>"), END)
    assert joined(came) == "<final><final>a</final><thinking></final>"


def test_an_answer_without_text_has_no_tags() -> None:
    assert joined(xml(END)) == ""


def test_a_run_that_fails_leaves_its_tag_open() -> None:
    came = xml(TextDelta("half"), FAILED)
    assert joined(came) == "<final>half" and came[-1][0] == "error"


def test_another_attempt_begins_with_its_own_tags() -> None:
    came = xml(ReasoningDelta("a"), TextDelta("b"), AttemptReset("cut"), TextDelta("c"), END)
    again = came[[name for name, _ in came].index("reset") + 1 :]
    assert joined(again) == again[-1][1]["content"] == "<final>c</final>"


@given(st.lists(st.builds(TextDelta, texts) | st.builds(ReasoningDelta, texts), max_size=8))
def test_no_byte_is_lost_or_repeated(events: list[StreamEvent]) -> None:
    expected, tag = "", ""
    for event in events:
        assert isinstance(event, (TextDelta, ReasoningDelta))
        wanted = "final" if isinstance(event, TextDelta) else "thinking"
        if wanted != tag:
            expected += (f"</{tag}>" if tag else "") + f"<{wanted}>"
        expected, tag = expected + event.text, wanted
    assert joined(xml(*events, END)) == expected + (f"</{tag}>" if tag else "")


@given(st.lists(st.binary(min_size=1, max_size=9), max_size=9))
def test_raw_frames_join_to_the_body(pieces: list[bytes]) -> None:
    came = raw(*map(Raw, pieces), END)
    assert hashlib.sha256(body(came)).digest() == hashlib.sha256(b"".join(pieces)).digest()


def test_text_is_sent_as_text_and_anything_else_is_packed() -> None:
    snow = "☃".encode()
    came = raw(Raw("data: ☃\r\n\0\n".encode()), Raw(snow[:1]), Raw(snow[1:]), END)
    assert [frame["encoding"] for name, frame in came if name == "raw"] == ["utf-8", "base64", "base64"]
    assert body(came) == "data: ☃\r\n\0\n☃".encode()


def test_what_the_bytes_say_is_left_to_who_reads_them_but_for_the_end() -> None:
    call = ToolCall("1", "function", "f", {})
    came = raw(Raw(b"a"), ReasoningDelta("hm"), Raw(b"b"), TextDelta("fine"), call, END)
    assert [name for name, _ in came] == ["raw", "raw", "tool_call", "completed"]
    assert came[-1][1]["content"] == "fine"


@pytest.mark.parametrize("dialect", [MessageDialect, XMLPlaintextDialect])
def test_other_modes_do_not_show_raw_bytes(dialect: type[MessageDialect]) -> None:
    assert frames(dialect(), [Raw(b"secret")]) == []


def test_the_page_is_told_that_a_step_was_announced_and_that_it_was_begun() -> None:
    came = frames(MessageDialect(), [PlanStep(1, "Look"), PlanStep(1, "Look", begun=True)])
    assert came == [
        ("plan_step", {"index": 1, "text": "Look"}),
        ("plan_step", {"index": 1, "text": "Look", "begun": True}),
    ]


def test_the_end_tells_what_it_took_and_whom_to_ask_about_it() -> None:
    fallback = msgspec.structs.replace(END, provider="spare", model="spare-1")
    for end, by in ((END, "mock"), (fallback, "spare")):
        told = frames(MessageDialect(), (START, TextDelta("a"), end))[-1][1]
        assert told["answered_by"]["provider"] == by and told["trace_id"] == START.trace_id
    failed = RunEnd("error", Usage(1, 2, 3), Timing(1, 2, 3), ErrorInfo("x", "no", False, "t"))
    name, told = frames(MessageDialect(), (START, failed))[-1]
    assert name == "error" and told["usage"]["total"] == 3 and told["timing"]["total_ms"] == 3
    assert "retry_after" not in told
    assert "usage" not in frames(MessageDialect(), [FAILED])[-1][1]  # the stream failed, not the run


def test_a_fallback_that_fails_is_named_with_its_error() -> None:
    error = ErrorInfo("x", "no", False, START.trace_id)
    failed = RunEnd("error", Usage(1, 2, 3), Timing(1, 2, 3), error, provider="spare", model="spare-1")
    name, told = frames(MessageDialect(), (START, TextDelta("a"), failed))[-1]
    assert name == "error" and told["answered_by"] == {"provider": "spare", "model": "spare-1"}
    assert "answered_by" not in frames(MessageDialect(), (START, FAILED))[-1][1]
