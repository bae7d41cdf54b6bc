"""Cuts a text that came as a lump into pieces of whole graphemes. Pure.

A lump is the text of one JSON body, or a delta so large that something on the way must have joined
many. It is cut because readers, and the clients that resume, know no smaller part than an event;
between graphemes, because half of a flag or of a family is another picture. Everything else stays
as the provider cut it.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import regex

from chatapp.events import ReasoningDelta, TextDelta

Item = TypeVar("Item")

PIECE_CHARS = 4  # about a token
SHORT_CHARS = 8  # a text that stays whole
MAX_PIECES = 1000  # of one lump: a book costs the log no more than a page
LARGE_CHARS = 500  # longer than any model's token, even one of Gemini's chunks


def cut_lumps(items: Iterable[Item], over: int = LARGE_CHARS) -> Iterator[Item | TextDelta | ReasoningDelta]:
    """The items, with texts of more than `over` characters cut."""
    for item in items:
        if isinstance(item, (TextDelta, ReasoningDelta)) and len(item.text) > over:
            yield from cut(item)
        else:
            yield item


def cut(lump: TextDelta | ReasoningDelta) -> Iterator[TextDelta | ReasoningDelta]:
    """Pieces of about a token, or larger ones if they would be too many."""
    size = max(PIECE_CHARS, -(-len(lump.text) // MAX_PIECES))
    for piece in regex.finditer(rf"\X{{1,{size}}}", lump.text):
        yield type(lump)(piece[0])
