"""Markdown that loads and runs nothing by itself, wherever it is opened: pictures become links and
HTML becomes text, as on the page. Pure.

Code stays as it is, where every reader of Markdown takes it for code. Where some may not, an
entity too many is better than a picture that tells its server who reads. A backslash would not do:
an address before it takes it for its own.
Source: https://spec.commonmark.org/0.31.2/
"""

import io
import re
from collections.abc import Generator, Iterator

FENCE = re.compile(r"([ \t>*+\-\d.)]*)(?:(`{3,})[^`]*|(~{3,}).*)")
"""What may begin a block of code, with what stands before it: nothing, an indent, or a list item or
quotation, inside of which it may end with that."""

BEFORE_FENCE = " \t>*+-.)0123456789"

TICKS = re.compile(r"`+")
ACTIVE = re.compile(r"!(?=\[)|<(?=[a-zA-Z/!?])(?!(?:https?://|mailto:)[^\s<>`]*>)")
"""What begins a picture or a tag."""
ENTITIES = {"!": "&#33;", "<": "&lt;"}

NO_CODE = re.compile(r"\||\\`|(?:://|www\.|@)[^\s`]*`")
"""The border of a table's cell, an escape, an address that goes on: readers of Markdown differ in
whether the backtick is a mark."""

BRACKETS = re.compile(r"[\[\]]")

LONG_CHARS = 4000
"""Of a longer line nobody looks at every sign, which would hold other requests up: it has no code,
and what it may begin or leave open is taken for begun and open."""
PIECE_CHARS = 2000
SEEN_CHARS = 2000
"""Behind a piece: an address that goes on even longer is taken for a tag."""


def inert(text: str) -> Iterator[str]:
    """The text in pieces, with what begins a picture or a tag outside of code as an entity."""
    blocks = _Blocks()
    doubtful = False  # whether a backtick before, in this paragraph, may begin code
    for line in io.StringIO(text, newline=""):  # the lines with their ends: CRLF, LF or CR
        if blocks.is_code(line.rstrip("\r\n")):
            doubtful = False
            yield line
        else:
            doubtful = (yield from _line(line, doubtful or blocks.unsure)) and bool(line.strip())


class _Blocks:
    """Which lines are code by fences, told line by line. `unsure`: in this line, or from here on,
    nobody can say without reading lists and quotations as well."""

    def __init__(self) -> None:
        self.unsure = False
        self._fence = self._indent = ""
        self._lost = False
        self._labels = 0  # that are open in this paragraph: some readers let one go on over a fence

    def is_code(self, line: str) -> bool:
        if self._fence:
            return self._goes_on(line)
        self.unsure = self._lost or self._labels > 0
        if not (found := self._opening(line)):
            self._labels = _open_labels(line, self._labels) if line.strip() else 0
            return False
        self._indent, self._fence = found[1], found[2] or found[3]
        self._lost = bool(self._indent.strip(" ")) or self._labels > 0
        self.unsure = self._lost or bool(self._indent)
        if self._lost:
            self._fence = ""
        return not self.unsure

    def _opening(self, line: str) -> re.Match[str] | None:
        if len(line) > LONG_CHARS:
            begins = line[:LONG_CHARS].lstrip(BEFORE_FENCE)
            self._lost = self._lost or len(begins) < 3 or begins.startswith(("```", "~~~"))
            self.unsure = self.unsure or self._lost
            return None
        return None if self._lost else FENCE.fullmatch(line)

    def _goes_on(self, line: str) -> bool:
        marks = line.strip(" \t")
        indent = line[: len(line) - len(line.lstrip())]
        closes = len(marks) >= len(self._fence) and marks == self._fence[0] * len(marks)
        if not self._indent:
            self._fence = "" if closes and len(indent) <= 3 and "\t" not in indent else self._fence
            return True
        if closes and indent == self._indent:
            self._fence = ""
        elif closes or (marks and not indent.startswith(self._indent)):
            self._fence, self._lost = "", True
        return False


def _line(line: str, doubtful: bool) -> Generator[str, None, bool]:
    """Returns whether code may go on behind it."""
    end = 0
    if not doubtful:
        spans, doubtful = _code(line)
        for start, after in spans:
            yield from _escaped(line[end:start])
            yield line[start:after]
            end = after
    yield from _escaped(line[end:])
    return doubtful


def _code(line: str) -> tuple[list[tuple[int, int]], bool]:
    """The spans of code: between two runs of as many backticks. At the first run that may be
    anything else it gives up, and says so: it may end in the next line, or not be code at all."""
    if len(line) > LONG_CHARS:
        return [], "`" in line
    runs = [found.span() for found in TICKS.finditer(line)]
    spans: list[tuple[int, int]] = []
    end = index = 0
    while index < len(runs):
        start, after = runs[index]
        later = range(index + 1, len(runs))
        closing = next((at for at in later if runs[at][1] - runs[at][0] == after - start), None)
        if closing is None or _open_labels(line[end:start]) or NO_CODE.search(line[end : runs[closing][1]]):
            return spans, True
        end = runs[closing][1]
        spans.append((start, end))
        index = closing + 1
    return spans, False


def _open_labels(text: str, before: int = 0) -> int:
    """How many brackets are open behind it, or may be."""
    if len(text) > LONG_CHARS:
        return before + text.count("[")
    for bracket in BRACKETS.findall(text):
        before = before + 1 if bracket == "[" else max(0, before - 1)
    return before


def _escaped(text: str) -> Iterator[str]:
    for end in range(0, len(text), PIECE_CHARS):
        after = end + PIECE_CHARS
        piece: list[str] = []
        for found in ACTIVE.finditer(text, end, after + SEEN_CHARS):
            if found.start() >= after:
                break
            piece += text[end : found.start()], ENTITIES[found[0]]
            end = found.end()
        yield "".join([*piece, text[end:after]])
