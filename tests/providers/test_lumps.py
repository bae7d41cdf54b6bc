import regex
from hypothesis import given
from hypothesis import strategies as st

from chatapp.events import ReasoningDelta, TextDelta, ToolCall
from chatapp.providers import ReplyItem
from chatapp.providers.lumps import LARGE_CHARS, MAX_PIECES, MAX_PIECES_OF_REPLY, Lumps, cut

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


@given(replies, st.sampled_from([0, 8, 400]))
def test_nothing_is_lost_and_what_is_short_stays_whole(items: list[ReplyItem], over: int) -> None:
    pieces = list(Lumps(over).cut([*items, CALL]))
    assert pieces.pop() == CALL
    assert joined(pieces) == joined(items)
    for item in items:
        assert isinstance(item, (TextDelta, ReasoningDelta)) and (len(item.text) > over or item in pieces)


@given(texts)
def test_graphemes_stay_whole(text: str) -> None:
    pieces = [piece.text for piece in cut(TextDelta(text))]
    assert [g for piece in pieces for g in regex.findall(r"\X", piece)] == regex.findall(r"\X", text)


def test_a_sentence_comes_in_many_pieces() -> None:
    assert len(list(cut(TextDelta("All happy families are alike.")))) >= 7


def test_a_book_has_no_more_pieces_than_a_page() -> None:
    assert 500 <= len(list(cut(TextDelta("word " * 200_000)))) <= MAX_PIECES
    assert 500 <= len(list(cut(TextDelta("word " * 800)))) <= MAX_PIECES


def test_an_endless_stream_of_lumps_is_not_made_longer_without_end() -> None:
    lumps = [TextDelta("word " * LARGE_CHARS)] * 100
    pieces = list(Lumps().cut(lumps))
    assert len(pieces) < MAX_PIECES_OF_REPLY + MAX_PIECES + len(lumps)
    assert pieces[-1] == lumps[-1] and len(pieces[0].text) < LARGE_CHARS


def test_flags_are_cut_between_flags_and_in_linear_time() -> None:
    """All of them at once would take seconds: whether two letters make a flag depends on those before."""
    text = "🇩🇪🇫🇷" * 16_000
    pieces = [piece.text for piece in cut(TextDelta(text))]
    assert "".join(pieces) == text and len(pieces) <= MAX_PIECES
    assert all(len(piece) % 2 == 0 for piece in pieces)
