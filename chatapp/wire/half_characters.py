r"""Joins a character whose two escapes came in two JSON texts, one after the other. Pure.

A server that cuts its text by UTF-16 units may end one string with `\ud83d`, and begin a later one
with `\ude00`. Each half alone is no character, and would be shown as U+FFFD.
"""

import re

# Read escape by escape: a backslash that is itself escaped begins none.
_last_half = re.compile(r"\\(?:u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|(?P<half>u[dD][89abAB]\w\w)(?=\")|.)", re.DOTALL)
_first_half = re.compile(r'(?<!\\)"(?=\\u[dD][c-fC-F])')


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
        for escape in _last_half.finditer(whole):
            if escape["half"]:
                self.newest = escape[0]
                return whole[: escape.start()] + whole[escape.end() :]
        return whole
