"""When to show what of a reply that came in one piece: cut into whole graphemes, spread over a little time. Pure.

A server that ignores `stream`, and a gateway that collects a stream before it hands it over, leave a reader with a
long silence and then a wall of text. It is shown as text that is being written, within a bound: what is known is
not held back for long. Graphemes, because half of a flag or of a family is another picture.
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
    """The items, long texts cut, each with the seconds from now at which it is due: `limit_s` at the latest."""
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
