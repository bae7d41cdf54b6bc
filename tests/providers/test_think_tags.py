"""Thinking between tags in the text, however the text is cut."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.errors import Truncated, UpstreamError
from chatapp.events import AttemptReset, ReasoningDelta, TextDelta, ToolCall, ToolInputDelta
from chatapp.providers import Finished, ReplyItem
from chatapp.providers.think_tags import BLANK_CHARS, PAIRS, TaggedThinking
from chatapp.settings.tables import ThinkTags

STOP = Finished("stop")
CALL = ToolCall("1", "function", "f", {})


def read(pieces: Iterable[str], tags: ThinkTags = "leading", end: Finished = STOP) -> tuple[str, str]:
    """The thinking and the answer."""
    items = list(separated([*map(TextDelta, pieces), end], tags))
    assert items[-1] == end and TextDelta("") not in items and ReasoningDelta("") not in items
    return said(items, ReasoningDelta), said(items, TextDelta)


def separated(items: Iterable[ReplyItem], tags: ThinkTags) -> Iterator[ReplyItem]:
    """One at a time, as a stream brings them."""
    thinking = TaggedThinking(tags)
    try:
        for item in items:
            yield from thinking.separated([item])
    except UpstreamError:
        yield from thinking.rest()
        raise


def said(items: Sequence[ReplyItem], kind: type[TextDelta] | type[ReasoningDelta]) -> str:
    return "".join(item.text for item in items if isinstance(item, kind))


def cuts(text: str) -> Iterable[list[str]]:
    """Into one, two and three pieces at every place, and into characters."""
    for places in [(), *combinations(range(len(text)), 1), *combinations(range(len(text)), 2)]:
        edges = [0, *places, len(text)]
        yield [text[start:end] for start, end in pairwise(edges)]
    yield list(text)


LEADING = {
    "<think>hm</think>Hello": ("hm", "Hello"),
    "\n<think>\nhm\n</think>\n\nHello\n": ("hm", "Hello\n"),
    "<think>\n\n</think>\n\nHello": ("", "Hello"),
    "</think>\n\nHello": ("", "Hello"),
    "<think>hm": ("hm", ""),
    "<think>hm</thi": ("hm</thi", ""),
    "<think>a < b </b>\n\n c</think>x": ("a < b </b>\n\n c", "x"),
    "<think>a</think>\n<think>b</think>c": ("ab", "c"),
    "<think>a</think>\n    code": ("a", "    code"),
    "<thought>hm</think></thought>x": ("hm</think>", "x"),
    "[THINK]hm[/THINK]x": ("hm", "x"),
    "Say <think>hm</think> so": ("", "Say <think>hm</think> so"),
    "<think>a</think>b</think><think>": ("a", "b</think><think>"),
    "  <b>x": ("", "  <b>x"),
    "<thin": ("", "<thin"),
    "<": ("", "<"),
    " \n ": ("", " \n "),
}

IMPLIED = {
    "hm</think>Hello": ("hm", "Hello"),
    "\nhm\n</think>\n\nHello": ("hm", "Hello"),
    "<think>hm</think>Hello": ("hm", "Hello"),
    "</think>Hello": ("", "Hello"),
    "hm<think>x</think>y": ("hm<think>x", "y"),
    "a</think>b</think>c": ("a", "b</think>c"),
    "Hello": ("Hello", "Hello"),
    "Hello </thi": ("Hello </thi", "Hello </thi"),
    "<think>hm": ("hm", ""),
}


@pytest.mark.parametrize("text", LEADING)
def test_thinking_at_the_beginning_is_no_answer_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text):
        assert read(pieces) == LEADING[text], pieces


@pytest.mark.parametrize("text", IMPLIED)
def test_thinking_may_have_begun_before_the_text_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text):
        assert read(pieces, "implied") == IMPLIED[text], pieces


@pytest.mark.parametrize("text", [*LEADING, *IMPLIED])
def test_nothing_is_looked_for_if_that_is_not_wanted(text: str) -> None:
    for pieces in cuts(text):
        items: list[ReplyItem] = [*map(TextDelta, pieces), STOP]
        assert list(separated(items, "none")) == items


WORDS = st.lists(st.sampled_from([*"ab<>/[] \n", "think", "<thin", "</think", "[/", "``"]), max_size=9).map("".join)


@given(WORDS, WORDS, st.sampled_from([*PAIRS.items()]), st.data())
def test_every_cut_gives_the_same(thought: str, answer: str, pair: tuple[str, str], data: st.DataObject) -> None:
    text = pair[0] + thought + pair[1] + answer
    places = sorted(data.draw(st.sets(st.integers(1, len(text) - 1))))
    pieces = [text[start:end] for start, end in pairwise([0, *places, len(text)])]
    assert read(pieces) == read([text])
    if pair[1] not in thought and not any(tag in thought + answer for pair in PAIRS.items() for tag in pair):
        told, rest = read([text])
        assert told == thought.strip() and rest.strip() == answer.strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hm</think>Hello", ("hm", "Hello")),
        ("hm\n</think>\n\nHello", ("hm", "Hello")),
        ("The tag `</think>` ends it", ("", "The tag `</think>` ends it")),
        ("It ends with </think> there", ("", "It ends with </think> there")),
        ("```\na\n</think>\n```", ("", "```\na\n</think>\n```")),
        ("Write x<think>y</think>", ("", "Write x<think>y</think>")),
    ],
)
def test_an_answer_in_one_piece_shows_where_its_thinking_ends(text: str, expected: tuple[str, str]) -> None:
    assert read([text]) == expected


def test_each_piece_is_shown_as_soon_as_it_cannot_be_a_tag() -> None:
    came: list[ReplyItem] = []
    seen: list[list[ReplyItem]] = []

    def pieces() -> Iterable[ReplyItem]:
        for piece in ("<think>", "one ", "two</", "think>", "\n", "Hello ", "<", "b>"):
            yield TextDelta(piece)
            seen.append(came[:])
            came.clear()

    for item in separated(pieces(), "leading"):
        came += [item]
    assert seen == [
        [],
        [ReasoningDelta("one")],
        [ReasoningDelta(" two")],
        [],
        [],
        [TextDelta("Hello ")],
        [TextDelta("<")],
        [TextDelta("b>")],
    ]


def test_what_is_held_back_comes_before_calls_and_errors() -> None:
    held: list[ReplyItem] = [TextDelta("<thi"), ToolInputDelta("1", "f", "{}"), CALL, STOP]
    assert list(separated(held, "leading")) == held

    def breaks_off() -> Iterable[ReplyItem]:
        yield TextDelta("<think>hm </th")
        raise Truncated("cut")

    items: list[ReplyItem] = []
    with pytest.raises(Truncated):
        items.extend(iter(separated(breaks_off(), "leading")))
    assert said(items, ReasoningDelta) == "hm </th"


def test_a_reset_begins_again() -> None:
    items: list[ReplyItem] = [TextDelta("half"), AttemptReset("cut"), TextDelta("<think>hm</think>Hello"), STOP]
    assert list(separated(items, "leading")) == [
        TextDelta("half"),
        AttemptReset("cut"),
        ReasoningDelta("hm"),
        TextDelta("Hello"),
        STOP,
    ]


def test_implied_thinking_that_is_all_there_is_stays_thinking_beside_a_call_or_a_cut() -> None:
    assert list(separated([TextDelta("hm"), CALL, STOP], "implied")) == [ReasoningDelta("hm"), CALL, STOP]
    assert read(["hm"], "implied", Finished("length")) == ("hm", "")


@pytest.mark.parametrize("blank", [BLANK_CHARS, 10_000])
def test_blanks_are_not_held_back_without_end(blank: int) -> None:
    first = next(iter(separated([TextDelta(" " * blank), TextDelta("x")], "leading")))
    assert isinstance(first, TextDelta) and len(first.text) >= blank


@pytest.mark.parametrize("piece", ["<", " ", "a", "</think", "<think>", "\n"])
@pytest.mark.parametrize("start", ["", "<think>"])
def test_the_work_is_linear_in_the_text(piece: str, start: str) -> None:
    pieces = [TextDelta(piece)] * 30_000
    begin = process_time()
    for _ in separated([TextDelta(start or "a"), *pieces, STOP], "implied"):
        pass
    assert process_time() - begin < 5  # quadratic: minutes


def test_a_server_that_tells_thinking_apart_leaves_no_thinking_implied_in_its_text() -> None:
    items = [ReasoningDelta("hm"), TextDelta("Hel"), TextDelta("lo"), STOP]
    assert list(separated(items, "implied")) == items
    late = [TextDelta("hm"), ReasoningDelta("m"), TextDelta("</think>Hello"), STOP]
    found = list(separated(late, "implied"))
    assert (said(found, ReasoningDelta), said(found, TextDelta)) == ("hmm", "Hello")
