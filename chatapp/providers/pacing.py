"""Spreads a buffered reply over a little time, cut into whole graphemes. Pure.

A server that ignores `stream`, or a gateway that collects a stream before it passes it on, leaves a
reader with a long silence and then a wall of text. Such a reply is shown as if it were being
written, within a limit: what has arrived is not held back for long. It is cut between graphemes,
because half of a flag or of a family is another picture.
"""

from collections.abc import Iterator, Sequence

import msgspec
import regex

from chatapp.events import ReasoningDelta, TextDelta
from chatapp.providers import ReplyItem

CHARS_PER_S = 400  # faster than anybody reads, slow enough to be seen
STEP_S = 0.01
LEAST_CHARS = round(CHARS_PER_S * STEP_S)  # of a piece: about a token


def spread(items: Sequence[ReplyItem], limit_s: float) -> Iterator[tuple[float, ReplyItem]]:
    """The items, with long texts cut, each with the seconds until it is due: at most `limit_s`."""
    total = length(items)
    seconds = min(limit_s, total / CHARS_PER_S)
    size = max(LEAST_CHARS, round(total * STEP_S / seconds)) if seconds else total
    shown = 0
    for item in items:
        for piece in _cut(item, size):
            yield seconds * (shown / max(total, 1)), piece
            shown += length([piece])


def length(items: Sequence[ReplyItem]) -> int:
    """Characters of text in the items."""
    return sum(len(item.text) for item in items if isinstance(item, (TextDelta, ReasoningDelta)))


def _cut(item: ReplyItem, size: int) -> Iterator[ReplyItem]:
    if not isinstance(item, (TextDelta, ReasoningDelta)) or len(item.text) <= 2 * size:
        yield item
        return
    for piece in regex.finditer(rf"\X{{1,{size}}}", item.text):
        yield msgspec.structs.replace(item, text=piece[0])
