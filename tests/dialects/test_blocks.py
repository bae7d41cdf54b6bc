"""Blocks open, grow and close in the order that protocols count on, whatever a run does."""

from collections.abc import Iterable, Sequence
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.dialects.blocks import Block, BlockEvent, Blocks, Change, Cited, Closed, Grew, Opened
from chatapp.events import CitedSource, ReasoningDelta, TextDelta, ToolCall, ToolInputDelta, ToolResult

TOOLS = ["mine"]
ADD = ToolCall("c1", "function", "mine", {"a": 1})
CLOCK = ToolCall("c2", "mcp", "theirs", {})

ids = st.sampled_from(["c1", "c2", "c3"])
names = st.sampled_from(["mine", "theirs"])
texts = st.text("ab{}", max_size=2)
events: st.SearchStrategy[list[BlockEvent]] = st.lists(
    st.builds(TextDelta, texts)
    | st.builds(ReasoningDelta, texts)
    | st.builds(CitedSource, ids, st.just("https://source.test"))
    | st.builds(ToolInputDelta, ids, names, texts)
    | st.builds(ToolCall, ids, st.just("function"), names, st.just({"a": 1}))
    | st.builds(ToolResult, ids),
    max_size=20,
)
tools = st.sampled_from([None, TOOLS])


def changes(blocks: Blocks, events: Iterable[BlockEvent]) -> list[Change]:
    """All changes of a run, to its end."""
    return [*chain.from_iterable(map(blocks.take, events)), *blocks.close_all()]


def text_of(block: Block, found: Sequence[Change]) -> str:
    return "".join(change.text for change in found if isinstance(change, Grew) and change.block == block)


def opened(found: Sequence[Change]) -> list[Block]:
    return [change.block for change in found if isinstance(change, Opened)]


@given(events, tools, st.booleans())
def test_every_block_is_opened_once_then_grows_and_is_closed_once(
    events: list[BlockEvent], tools: list[str] | None, serial: bool
) -> None:
    found = changes(Blocks(tools, serial), events)
    assert [block.index for block in opened(found)] == list(range(len(opened(found))))
    for block in opened(found):
        own = [type(change) for change in found if change.block == block]
        assert own[0] is Opened and own[-1] is Closed and len(own) > 2
        assert set(own[1:-1]) <= ({Grew, Cited} if block.kind == "text" else {Grew})
    assert {change.block for change in found} == set(opened(found))


@given(events, tools, st.booleans())
def test_nothing_that_is_shown_is_lost_or_repeated(
    events: list[BlockEvent], tools: list[str] | None, serial: bool
) -> None:
    found = changes(Blocks(tools, serial), events)
    said = {"text": "", "thinking": "", "call": ""}
    for block in opened(found):
        said[block.kind] += text_of(block, found)
        assert block.kind != "call" or tools is None or block.name in tools
    assert said["text"] == "".join(event.text for event in events if isinstance(event, TextDelta))
    assert said["thinking"] == "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    for id in ("c1", "c2", "c3"):
        written = "".join(text_of(block, found) for block in opened(found) if block.id == id)
        pieces = [e for e in events if isinstance(e, ToolInputDelta) and e.tool_call_id == id]
        shown = "".join(piece.text for piece in pieces if tools is None or piece.name in tools)
        assert written.replace('{"a":1}', "") == shown  # without the calls that came whole


@given(events, tools)
def test_a_complete_call_that_is_shown_is_closed_at_once(events: list[BlockEvent], tools: list[str] | None) -> None:
    blocks = Blocks(tools)
    for event in events:
        found = blocks.take(event)
        if isinstance(event, ToolCall) and (tools is None or event.name in tools):
            assert isinstance(found[-1], Closed) and found[-1].block.id == event.id


@given(events, tools)
def test_serial_blocks_are_the_same_blocks_one_after_the_other(
    events: list[BlockEvent], tools: list[str] | None
) -> None:
    found = changes(Blocks(tools, serial=True), events)
    assert found == sorted(changes(Blocks(tools), events), key=lambda change: change.block.index)


@given(events, tools)
def test_a_serial_block_that_may_be_sent_is_not_held_back(events: list[BlockEvent], tools: list[str] | None) -> None:
    side_by_side, serial = Blocks(tools), Blocks(tools, serial=True)
    all_changes: list[Change] = []
    sent: list[Change] = []
    for event in events:
        all_changes += side_by_side.take(event)
        sent += serial.take(event)
        closed = {change.block.index for change in all_changes if isinstance(change, Closed)}
        turn = next(index for index in range(len(all_changes) + 1) if index not in closed)
        assert sent == sorted(
            [change for change in all_changes if change.block.index <= turn], key=lambda change: change.block.index
        )


@given(events, tools)
def test_at_most_one_text_or_thinking_is_open(events: list[BlockEvent], tools: list[str] | None) -> None:
    open_block = None
    for change in changes(Blocks(tools), events):
        if isinstance(change, Opened):
            assert open_block is None
        if change.block.kind != "call":
            assert open_block in (None, change.block)
            open_block = None if isinstance(change, Closed) else change.block


def test_what_is_said_goes_on_beside_a_call_and_ends_where_something_else_begins() -> None:
    call, text, thinking = Block(0, "call", "c1", "mine"), Block(1, "text"), Block(2, "thinking")
    pieces: list[BlockEvent] = [
        ToolInputDelta("c1", "mine", '{"a"'),
        TextDelta("x"),
        ToolInputDelta("c1", "mine", ":1}"),
        TextDelta("y"),
        ReasoningDelta("z"),
        ADD,
    ]
    side_by_side: list[Change] = [
        Opened(call),
        Grew(call, '{"a"'),
        Opened(text),
        Grew(text, "x"),
        Grew(call, ":1}"),
        Grew(text, "y"),
        Closed(text),
        Opened(thinking),
        Grew(thinking, "z"),
        Closed(call),
        Closed(thinking),
    ]
    assert changes(Blocks(), pieces) == side_by_side


def test_a_call_that_comes_whole_grows_by_its_arguments() -> None:
    call, wrong = Block(0, "call", "c1", "mine"), Block(1, "call", "c3", "mine")
    assert Blocks().take(ADD) == [Opened(call), Grew(call, '{"a":1}'), Closed(call)]
    found = changes(Blocks(), [ADD, ToolCall("c3", "function", "mine", {}, "a = 1")])
    assert text_of(wrong, found) == "a = 1"


def test_an_id_that_comes_again_is_another_call() -> None:
    assert opened(changes(Blocks(), [ADD, ToolResult("c1"), ADD])) == [
        Block(0, "call", "c1", "mine"),
        Block(1, "call", "c1", "mine"),
    ]


def test_hidden_calls_interrupt_nothing() -> None:
    blocks = Blocks(TOOLS)
    found = changes(
        blocks, [TextDelta("x"), ToolInputDelta("c2", "theirs", "{"), CLOCK, ToolResult("c2"), TextDelta("y")]
    )
    assert opened(found) == [Block(0, "text")] and text_of(Block(0, "text"), found) == "xy"
    assert not blocks.unanswered


@pytest.mark.parametrize("serial", [False, True])
def test_calls_without_a_result_are_known_even_while_they_are_held_back(serial: bool) -> None:
    blocks = Blocks(serial=serial)
    blocks.take(ToolInputDelta("c1", "mine", "{"))
    blocks.take(CLOCK)
    assert blocks.unanswered == {"c1", "c2"}
    blocks.take(ToolResult("c2"))
    assert blocks.unanswered == {"c1"}
    blocks.close_all()
    assert blocks.unanswered == {"c1"}


def test_a_protocol_may_end_a_text_itself() -> None:
    blocks = Blocks()
    blocks.take(TextDelta("x"))
    assert blocks.close_text() == [Closed(Block(0, "text"))] and blocks.close_text() == []
    assert blocks.take(TextDelta("y"))[0] == Opened(Block(1, "text"))


@given(events, tools)
def test_something_is_shown_once_a_block_was_opened(events: list[BlockEvent], tools: list[str] | None) -> None:
    blocks = Blocks(tools)
    assert not blocks.shown
    found = changes(blocks, events)
    assert blocks.shown == bool(opened(found))


def test_a_call_that_the_provider_ran_is_no_block_of_a_client_that_has_tools() -> None:
    served = ToolCall("s", "function", "mine", {}, by_provider=True)
    assert opened(changes(Blocks(TOOLS), [served, ToolResult("s")])) == []
    assert len(opened(changes(Blocks(None), [served, ToolResult("s")]))) == 1
