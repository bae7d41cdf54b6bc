r"""Joins a character whose two escapes came in two JSON texts, one after the other. Pure.

A server that cuts its text by UTF-16 units may end one string with `\ud83d`, and begin a later one
with `\ude00`. Each half alone is no character, and would be shown as U+FFFD.
"""

import re
from collections.abc import Iterator

LOOK_BACK = 64  # characters, at first: backslashes may stand in millions

_half = re.compile(r"\\u[dD](?:[89abAB]\w\w\\u[dD][c-fC-F]\w\w|(?P<half>[89a-fA-F]\w\w))")
_first_half = re.compile(r'(?<!\\)"(?=\\u[dD][c-fC-F])')


def halves(text: str) -> Iterator[re.Match[str]]:
    """The escapes in a JSON text that are one half of a character, without the other beside it."""
    at = 0
    while found := _half.search(text, at):
        if _is_escaped(text, found.start()):
            at = found.start() + 2
            continue
        if found["half"]:
            yield found
        at = found.end()


def _is_escaped(text: str, at: int) -> bool:
    """Whether the backslash there is itself escaped, and so begins no escape."""
    size = LOOK_BACK
    while True:
        before = text[max(0, at - size) : at]
        backslashes = len(before) - len(before.rstrip("\\"))
        if backslashes < len(before) or size >= at:
            return backslashes % 2 == 1
        size *= 4


class HalfCharacters:
    """The texts of one reply, in their order.

    `waits`: a first half of an earlier text whose second has not come. Whoever sees that something
    else follows shows it as U+FFFD, and clears it. `newest`: one that the newest text ended with.
    """

    def __init__(self) -> None:
        self.waits = ""
        self.newest = ""

    def joined(self, text: str | bytes) -> str | bytes:
        """The text with the half that waits, if it has the second, and without one at a string's
        end."""
        if self.newest:
            self.waits, self.newest = self.newest, ""
        mark = b"\\u" if isinstance(text, bytes) else "\\u"
        return self._join(text) if mark in text else text  # type: ignore[operator]

    def lost(self) -> bool:
        """At the end: whether a first half has no second."""
        return bool(self.waits or self.newest)

    def _join(self, text: str | bytes) -> str | bytes:
        whole = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        if self.waits:
            whole, found = _first_half.subn(lambda quote: f'"{self.waits}', whole, count=1)
            if found:
                self.waits = ""
        for half in halves(whole):
            if half["half"][0] in "89abAB" and whole.startswith('"', half.end()):
                self.newest = half[0]
                return whole[: half.start()] + whole[half.end() :]
        return whole
