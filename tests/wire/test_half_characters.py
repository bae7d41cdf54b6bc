"""Characters whose escapes a server cut apart."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chatapp.wire.half_characters import HalfCharacters, halves


def units(text: str) -> list[str]:
    """The text as UTF-16 units, each as its escape."""
    data = text.encode("utf-16-be")
    return [f"\\u{data[at]:02x}{data[at + 1]:02x}" for at in range(0, len(data), 2)]


def read(texts: list[str], as_bytes: bool = False) -> str:
    characters = HalfCharacters()
    joined = [characters.joined(text.encode() if as_bytes else text) for text in texts]
    return "".join(json.loads(text)["text"] for text in joined)


@given(st.text(max_size=20), st.sets(st.integers(1, 40)), st.booleans())
def test_a_text_that_is_cut_anywhere_is_read_whole(text: str, cuts: set[int], as_bytes: bool) -> None:
    escapes = units(text)
    stops = sorted({0, len(escapes), *(cut for cut in cuts if cut < len(escapes))})
    pieces = ["".join(escapes[start:stop]) for start, stop in pairwise(stops)]
    assert read([f'{{"id":"x","text":"{piece}"}}' for piece in pieces], as_bytes) == text


def test_a_frame_between_the_halves_does_not_part_them() -> None:
    assert read(['{"text":"a\\ud83d"}', '{"n":"\\u00e9","text":""}', '{"text":"\\ude00b"}']) == "a😀b"


def test_text_that_only_looks_like_a_half_stays() -> None:
    texts = ['{"text":"C:\\\\ud83d"}', '{"text":"\\\\ude00"}', '{"text":"plain"}']
    assert read(texts) == "C:\\ud83d\\ude00plain"


def test_a_half_whose_other_never_comes_waits_and_is_lost_at_the_end() -> None:
    characters = HalfCharacters()
    assert [characters.joined('{"text":"a\\ud83d"}'), characters.joined('{"text":"b"}')] == [
        '{"text":"a"}',
        '{"text":"b"}',
    ]
    assert characters.waits and characters.lost()


@given(st.lists(st.sampled_from(["\\\\", "\\ud83d", "\\ude00", "\\u0041", "a", "ud83d", "\\n"])), st.integers(0, 300))
def test_a_half_is_one_by_the_count_of_backslashes_before_it(escapes: list[str], backslashes: int) -> None:
    text = "\\\\" * backslashes + "".join(escapes)
    lone = [half[0].lower() for half in halves(text)]
    units = json.loads(f'"{text}"')
    assert lone == [f"\\u{ord(unit):04x}" for unit in units if "\ud800" <= unit <= "\udfff"]
