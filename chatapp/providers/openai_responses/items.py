"""What a Responses item says once, however often it is told. Pure.

Its texts come in deltas, are repeated by the end of each part, by the end of the item, and by the
last event; some servers leave any of these out, or name the item differently each time.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal, TypeAlias

from chatapp.events import ReasoningDelta, TextDelta
from chatapp.providers.reply import Told

Kind: TypeAlias = Literal["text", "summary", "thinking"]
Key: TypeAlias = int | str | None

LOOKED_AT = 3  # of the items under way, when an end names none of them

X_TOOLS = ("x_keyword_search", "x_semantic_search", "x_user_search", "x_thread_fetch")


def is_served(name: str | None, call_id: str | None) -> bool:
    """Whether a custom tool's call is one that xAI has made itself, in its search of X."""
    return name in X_TOOLS or (call_id or "").startswith("xs_")


class ItemTexts:
    """The texts of a reply's items, by their kind, the item's key and the number of the part."""

    def __init__(self) -> None:
        self._open: dict[tuple[Kind, Key], dict[int, Told]] = {}
        self._ended: set[tuple[Kind, str]] = set()

    def add(self, kind: Kind, key: Key, part: int, text: str) -> Sequence[TextDelta | ReasoningDelta]:
        parts = self._open.setdefault((kind, key), {})
        if part not in parts:
            parts[part] = Told()
        parts[part].add(text)
        if not text:
            return ()
        return (TextDelta(text) if kind == "text" else ReasoningDelta(text),)

    def end_part(self, kind: Kind, key: Key, part: int, whole: str) -> Sequence[TextDelta | ReasoningDelta]:
        """What the whole text of a part has beyond its deltas."""
        told = self._open.get((kind, key), {}).get(part) or Told()
        return self.add(kind, key, part, told.missing(whole))

    def end(self, kind: Kind, key: Key, parts: Sequence[str]) -> Iterator[TextDelta | ReasoningDelta]:
        """What the whole texts of an item have beyond what came of it."""
        whole = "".join(parts)
        if not whole and (kind, key) not in self._open:
            return
        came = self._take(kind, key, whole)
        late = whole[len(came) :] if whole.startswith(came) else ""
        self._ended |= {(kind, whole), (kind, came + late)}
        if late:
            yield TextDelta(late) if kind == "text" else ReasoningDelta(late)

    def has_told(self, kind: Kind, parts: Sequence[str]) -> bool:
        """Whether an item with these texts has ended."""
        return (kind, "".join(parts)) in self._ended

    def _take(self, kind: Kind, key: Key, whole: str) -> str:
        """What came of the item, which its deltas may have called by another name."""
        if (kind, key) in self._open:
            return self._text(kind, key)
        others = islice([other for other in self._open if other[0] == kind], LOOKED_AT)
        for _, other in others:
            text = "".join(told.text for told in self._open[kind, other].values())
            if text and whole.startswith(text):
                return self._text(kind, other)
        return ""

    def _text(self, kind: Kind, key: Key) -> str:
        return "".join(told.text for _, told in sorted(self._open.pop((kind, key)).items()))
