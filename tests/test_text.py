"""A text that grows is what its pieces say, joined."""

from hypothesis import given
from hypothesis import strategies as st

from chatapp.text import GrowingText


@given(st.lists(st.text(st.characters(), max_size=5) | st.sampled_from(["\ud83d", "\ude00", "\r", "\n", ""])))
def test_it_is_its_pieces_joined(pieces: list[str]) -> None:
    text = GrowingText()
    for piece in pieces:
        text.add(piece)
    assert str(text) == "".join(pieces)
    assert text.chars == len(str(text))
