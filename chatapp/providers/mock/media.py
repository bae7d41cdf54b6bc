"""What the mock's model `media` answers: a text with two sources, and a picture."""

import struct
import zlib
from collections.abc import Iterator

from chatapp.events import CitedSource, File, StreamEvent, TextDelta

SAID = "The sky is blue [1], and the grass is green [2]. Here is a picture of both:"
SOURCES = (
    CitedSource("", "https://example.org/sky", "The sky", "Its colour is blue.", 0, 15),
    CitedSource("", "https://example.org/grass", "Grass", "", 25, 43),
)
SIZE = 48  # pixels
SKY, GRASS = b"\x6c\xb4\xee", b"\x4c\x9a\x2a"


def media(words: list[str]) -> Iterator[StreamEvent]:
    yield from map(TextDelta, words)
    yield from SOURCES
    yield File("", "image/png", "sky-and-grass.png", picture())


def picture() -> bytes:
    """A PNG, the same each time: sky above grass."""
    rows = b"".join(b"\0" + (SKY if y < SIZE // 2 else GRASS) * SIZE for y in range(SIZE))
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
