"""One tool call, as far as its fragments have come. Pure."""

import re
from collections.abc import Iterator

from chatapp.errors import BadReply
from chatapp.events import ToolInputDelta
from chatapp.wire.json_text import parse_arguments, parse_value

UNREAD_CHARS = 200  # enough to see what is wrong with it
MAX_SPLITS = 100  # of calls whose arguments follow each other in one text; each costs a copy of the rest

_brackets = re.compile(r'[{}\[\]"\\]')


class Scan:
    """Follows a JSON object through its pieces, each character once. `complete`: it has ended."""

    def __init__(self) -> None:
        self.depth = 0
        self.complete = False
        self._quoted = False
        self._escaped = 0  # the next character is escaped

    def feed(self, text: str) -> int:
        """Where in the text the object ends; the text's length if it goes on."""
        at = 0
        if self._escaped and text:
            at, self._escaped = 1, 0
        while found := _brackets.search(text, at):
            at = found.end()
            match found[0]:
                case "\\" if self._quoted:
                    at += 1
                    self._escaped = int(at > len(text))
                case '"':
                    self._quoted = not self._quoted
                case "{" | "[" if not self._quoted:
                    self.depth += 1
                case "}" | "]" if not self._quoted:
                    self.depth -= 1
                    if self.depth <= 0:
                        self.complete = True
                        return at
        return len(text)


class PartialCall:
    """An unfinished call. `given` is the id that the provider gave it.

    Nothing of it is shown before its name: a client knows by the name whether the call is its own.
    Nor is it while it may be `twin` told again, nor while its arguments are an empty object, which
    some servers send first and then replace.
    """

    def __init__(self, id: str, given: str | None, name: str, twin: "PartialCall | None" = None) -> None:
        self.id, self.given, self.name, self.twin = id, given, name, twin
        self.pieces: list[str] = []
        self.is_repeated = False
        self._scan = Scan()
        self._told = 0

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def is_complete(self) -> bool:
        return self._scan.complete

    @property
    def is_placeholder(self) -> bool:
        return self._told == 0 and len(self.pieces) <= 3 and self.text.strip() == "{}"

    def is_continued_by(self, text: str, *, whole: bool = False) -> bool:
        """Whether the text can only belong to this call: as its rest, or as its `whole`."""
        if whole:
            return bool(self.pieces) and not self.is_complete and text.startswith(self.text)
        return self._scan.depth > 0 and bool(text.strip()) and not text.lstrip().startswith("{")

    def add(self, text: str, *, splits: bool) -> tuple[list[str], str]:
        """The pieces that can be shown now, and the object behind the end of this one's."""
        end = self._scan.feed(text)
        rest = text[end:] if splits and text[end:].lstrip().startswith("{") else ""
        self.pieces.append(text[: len(text) - len(rest)])
        if self._scan.complete and self.twin is not None:
            self.is_repeated = self.repeats(self.twin)
            self.twin = None
        return self.untold(), rest

    def untold(self, *, at_end: bool = False) -> list[str]:
        held = not self.name or self.is_repeated or (self.twin is not None or self.is_placeholder) and not at_end
        if held:
            return []
        pieces, self._told = self.pieces[self._told :], len(self.pieces)
        return pieces

    def deltas(self, pieces: list[str]) -> Iterator[ToolInputDelta]:
        return (ToolInputDelta(self.id, self.name, piece) for piece in pieces)

    def repeats(self, other: "PartialCall") -> bool:
        return self.name in ("", other.name) and same_json(self.text, other.text)

    def start_again(self) -> None:
        self.pieces.clear()
        self._scan = Scan()


def read_arguments(text: str, who: str) -> tuple[dict[str, object], str]:
    """The arguments, or, if they are no JSON object, an empty one and the text's beginning.

    Some servers write the object's JSON into a string.
    """
    try:
        if text.lstrip().startswith('"') and isinstance(inner := parse_value(text, who), str):
            text = inner
        return parse_arguments(text, who), ""
    except BadReply:
        return {}, text[:UNREAD_CHARS]


def same_json(one: str, other: str) -> bool:
    read = read_arguments(one, "")
    return one == other or not read[1] and read == read_arguments(other, "")
