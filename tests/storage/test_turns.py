"""An answer as the turns that a provider is told of later: signed ones as they were, others as one text."""

import msgspec
from drivers import a_run

from chatapp.chat import Message, Native
from chatapp.events import NativePiece, ReasoningDelta, ToolCall, ToolResult
from chatapp.storage.history import provider_messages
from chatapp.storage.tables import MessageRow
from chatapp.storage.turns import turns_of

CALL, CLIENTS = ToolCall("a", "function", "f", {}), ToolCall("b", "function", "g", {})
PIECE, LAST = NativePiece("p", "up", [1]), NativePiece("p", "up", [2], whole=True)
SIGNED = Native("p", [1, 2], "up")
END = Native("p", [3], "up")


def test_an_answer_that_nobody_signed_is_its_text_and_the_calls_of_the_client():
    run = a_run("I look.", CALL, ToolResult("a", 1), ReasoningDelta("hm"), "It is one.", CLIENTS)
    assert turns_of(run) == [Message("assistant", "I look.It is one.", tool_calls=[CLIENTS], reasoning="hm")]
    assert turns_of(a_run(ReasoningDelta("hm"), "So.", CALL, ToolResult("a", 1))) == [Message("assistant", "So.")]
    assert turns_of(a_run()) == [Message("assistant", "")]


def test_signed_turns_are_kept_apart_with_the_results_of_their_calls():
    run = a_run(
        ReasoningDelta("hm"),
        PIECE,
        "I look.",
        CALL,
        LAST,
        ToolResult("a", {"one": 1}),
        "It is one.",
        NativePiece("p", "up", [3], whole=True),
    )
    assert turns_of(run) == [
        Message("assistant", "I look.", tool_calls=[CALL], reasoning="hm", native=SIGNED),
        Message("tool", '{"one":1}', tool_call_id="a"),
        Message("assistant", "It is one.", native=END),
    ]


def test_a_tool_that_the_provider_ran_is_part_of_its_turn():
    run = a_run(PIECE, CALL, ToolResult("a", 1), "It is one.", LAST)
    assert turns_of(run) == [Message("assistant", "It is one.", native=SIGNED)]


def test_a_signed_turn_that_broke_off_is_told_by_its_text():
    assert turns_of(a_run(PIECE, "It is", reason="cancelled")) == [Message("assistant", "It is")]
    stopped = a_run(CALL, PIECE, LAST, ToolResult("a", error="no"), "So", reason="cancelled")
    assert turns_of(stopped)[1:] == [
        Message("tool", "no", tool_call_id="a", failed=True),
        Message("assistant", "So"),
    ]


def test_a_signed_turn_that_lost_a_call_is_not_the_one_that_was_signed():
    row = an_answer(a_run(CALL, CLIENTS, PIECE, LAST))
    result = Message("tool", "1", tool_call_id="a")
    assert provider_messages([row], [result]) == [Message("assistant", "", tool_calls=[CALL]), result]
    both = [result, Message("tool", "2", tool_call_id="b")]
    assert provider_messages([row], both)[0] == Message("assistant", "", tool_calls=[CALL, CLIENTS], native=SIGNED)


def an_answer(entries):
    compacted = msgspec.json.encode(entries).decode()
    return MessageRow(id="a", role="assistant", provider="p", content="", status="done", entries=compacted).value()
