"""Cuts Markdown that still grows into blocks that are finished, so that each is rendered once.
Pure.

A block ends at a blank line, unless what follows is indented and so belongs to it; a fenced block
ends with its fence.
"""

import re

FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


class Blocks:
    """Its work is linear in what it is fed."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []  # of the line that is not complete, in pieces
        self._fence = ""
        self._blank = False  # the block ends here, if the next line does not continue it

    @property
    def tail(self) -> str:
        """What belongs to no finished block yet."""
        return "\n".join([*self._lines, "".join(self._line)])

    def feed(self, text: str) -> list[str]:
        """The blocks that the text completes."""
        first, *more = text.split("\n")
        self._line.append(first)
        blocks: list[str] = []
        for piece in more:
            line, self._line = "".join(self._line), [piece]
            blocks += filter(None, (self._before(line), self._add(line)))
        begun = next(filter(None, self._line), " ")
        if self._blank and not begun[0].isspace():  # no need to wait for the end of this line
            blocks.append(self._take())
        return blocks

    def flush(self) -> str:
        """The rest, at the end."""
        rest = self.tail
        self._lines, self._line, self._fence, self._blank = [], [], "", False
        return rest.strip("\n")

    def _before(self, line: str) -> str:
        """The block that this line ends by beginning another one."""
        if self._fence or not line.strip():
            return ""
        continues = line.startswith(("  ", "\t")) if self._blank else not FENCE.match(line)
        self._blank = False
        return "" if continues else self._take()

    def _add(self, line: str) -> str:
        """The block that ends with this line."""
        if self._fence:
            self._lines.append(line)
            closes = line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0])
            return self._take() if closes else ""
        if match := FENCE.match(line):
            self._fence = match[1]
        if line.strip():
            self._lines.append(line)
        elif self._lines:
            self._blank = True
            self._lines.append("")
        return ""

    def _take(self) -> str:
        block = "\n".join(self._lines).strip("\n")
        self._lines, self._fence, self._blank = [], "", False
        return block
