"""Cuts a text that came as a lump into pieces of whole graphemes. Pure.

A lump is the text of one JSON body, or a delta so large that something on the way must have joined
many. It is cut because readers, and the clients that resume, know no smaller part than an event;
between graphemes, because half of a flag or of a family is another picture. Everything else stays
as the provider cut it.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import regex

from chatapp.events import ReasoningDelta, TextDelta

Item = TypeVar("Item")

PIECE_CHARS = 4  # about a token
SHORT_CHARS = 8  # a text that stays whole
MAX_PIECES = 1000  # of one lump: a book costs the log no more than a page
MAX_PIECES_OF_REPLY = 10_000  # after that lumps stay whole: an endless stream costs its own events
WINDOW_CHARS = 64  # a longer grapheme, such as a pile of accents, may be parted
LARGE_CHARS = 500  # longer than any model's token, even one of Gemini's chunks


_in_window = regex.compile(r"\X").findall


class Lumps:
    """Cuts the texts of one reply that have more than `over` characters."""

    def __init__(self, over: int = LARGE_CHARS) -> None:
        self._over = over
        self._pieces = 0

    def cut(self, items: Iterable[Item]) -> Iterator[Item | TextDelta | ReasoningDelta]:
        """Some more items of the reply, each as late as it can be: a lump may be large."""
        for item in items:
            if isinstance(item, (TextDelta, ReasoningDelta)) and self._is_lump(item.text):
                for piece in cut(item):
                    self._pieces += 1
                    yield piece
            else:
                yield item

    def _is_lump(self, text: str) -> bool:
        return len(text) > self._over and self._pieces < MAX_PIECES_OF_REPLY


def cut(lump: TextDelta | ReasoningDelta) -> Iterator[TextDelta | ReasoningDelta]:
    """Pieces of about a token, or larger ones if they would be too many."""
    size = max(PIECE_CHARS, -(-len(lump.text) // MAX_PIECES))
    graphemes = _graphemes(lump.text)
    while piece := "".join(islice(graphemes, size)):
        yield type(lump)(piece)


def _graphemes(text: str) -> Iterator[str]:
    """Whether two letters make a flag depends on all flags before them, and `\\X` over many takes
    the square of their number. So only a window is looked at, from one boundary on.
    """
    at = 0
    while at < len(text):
        found = _in_window(text[at : at + WINDOW_CHARS])
        if len(found) > 1 and at + WINDOW_CHARS < len(text):
            found.pop()  # it may go on behind the window
        at += sum(map(len, found))
        yield from found
