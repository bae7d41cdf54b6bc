r"""Joins a character whose two escapes came in two JSON texts, one after the other. Pure.

A server that cuts its text by UTF-16 units may end one string with `\ud83d`, and begin a later one
with `\ude00`. Each half alone is no character, and would be shown as U+FFFD.
"""

import re

# Read escape by escape: a backslash that is itself escaped begins none.
_last_half = re.compile(r"\\(?:u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|(?P<half>u[dD][89abAB]\w\w)(?=\")|.)", re.DOTALL)
_first_half = re.compile(r'(?<!\\)"(?=\\u[dD][c-fC-F])')


class HalfCharacters:
    """The texts of one reply, in their order."""

    def __init__(self) -> None:
        self._held = ""  # a first half, which waits for the text with the second

    def joined(self, text: str | bytes) -> str | bytes:
        """The text with the half that was held, and without one at a string's end."""
        mark = b"\\u" if isinstance(text, bytes) else "\\u"
        return self._join(text) if mark in text else text  # type: ignore[operator]

    def _join(self, text: str | bytes) -> str | bytes:
        whole = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        if self._held:
            whole, found = _first_half.subn(lambda quote: f'"{self._held}', whole, count=1)
            if found:
                self._held = ""
        for escape in _last_half.finditer(whole):
            if escape["half"]:
                self._held = escape[0]
                return whole[: escape.start()] + whole[escape.end() :]
        return whole
