"""A text that grows by many small pieces, and takes no more memory than its characters."""


class GrowingText:
    """`chars`: its length so far. A string for each piece would take ten times as much."""

    __slots__ = ("_utf8", "chars")

    def __init__(self) -> None:
        self.chars = 0
        self._utf8 = bytearray()

    def add(self, text: str) -> None:
        self._utf8 += text.encode("utf-8", "surrogatepass")  # half an emoji may come in each of two pieces
        self.chars += len(text)

    def __str__(self) -> str:
        return self._utf8.decode("utf-8", "surrogatepass")
