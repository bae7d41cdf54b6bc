import regex
from hypothesis import given
from hypothesis import strategies as st

from chatapp.events import ReasoningDelta, TextDelta, ToolCall
from chatapp.providers import Finished, ReplyItem
from chatapp.providers.pacing import length, spread

FAMILY, FLAG, ACCENT = "👨‍👩‍👧‍👦", "🇩🇪", "e\N{COMBINING ACUTE ACCENT}"
texts = st.lists(st.sampled_from([*"abc \r\n", FAMILY, FLAG, ACCENT, "क्षि"]), max_size=300).map("".join)
replies = st.lists(st.builds(TextDelta, texts) | st.builds(ReasoningDelta, texts), max_size=4)
CALL = ToolCall("1", "function", "f", {})


def joined(items: list[ReplyItem]) -> list[tuple[type, str]]:
    """The texts, with neighbours of one kind joined."""
    found: list[tuple[type, str]] = []
    for item in items:
        assert isinstance(item, (TextDelta, ReasoningDelta))
        if found and found[-1][0] is type(item):
            found[-1] = type(item), found[-1][1] + item.text
        else:
            found.append((type(item), item.text))
    return [(kind, text) for kind, text in found if text]


@given(replies, st.sampled_from([0.1, 2.0]))
def test_nothing_is_lost_or_late(items: list[ReplyItem], limit_s: float) -> None:
    pieces = list(spread(items, limit_s))
    assert joined([item for _, item in pieces]) == joined(items)
    times = [due for due, _ in pieces]
    assert times == sorted(times) and all(0 <= due <= limit_s for due in times)


@given(texts)
def test_graphemes_stay_whole(text: str) -> None:
    pieces = [item.text for _, item in spread([TextDelta(text)], 2.0) if isinstance(item, TextDelta)]
    assert [g for piece in pieces for g in regex.findall(r"\X", piece)] == regex.findall(r"\X", text)


def test_a_sentence_comes_in_many_pieces() -> None:
    pieces = list(spread([TextDelta("All happy families are alike."), Finished("stop")], 2.0))
    assert len(pieces) >= 7 and pieces[-1][1] == Finished("stop")


def test_a_book_takes_no_longer_than_a_page() -> None:
    pieces = list(spread([TextDelta("word " * 200_000), Finished("stop")], 2.0))
    assert 100 <= len(pieces) <= 210 and pieces[-1][0] == 2.0


def test_what_is_small_or_no_text_stays_as_it_is() -> None:
    items: list[ReplyItem] = [ReasoningDelta("hm"), CALL, TextDelta("fine"), Finished("stop")]
    assert [item for _, item in spread(items, 2.0)] == items
    assert length(items) == 6


def test_no_time_is_taken_where_there_is_no_text() -> None:
    assert list(spread([CALL, Finished("stop")], 2.0)) == [(0.0, CALL), (0.0, Finished("stop"))]
