"""Work on large values in pieces, between which the other greenlets go on.

In one go 8 MB, of base64 or of JSON, would hold up every reader of the process for tens of
milliseconds.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256

import msgspec

from chatapp.hub import let_others_run

PIECE_BYTES = 384 * 1024  # a multiple of 3 and of 4; about a millisecond of base64


def slices(size: int) -> Iterator[slice]:
    """The pieces of a value of this size, with a pause before each but the first."""
    for start in range(0, size, PIECE_BYTES):
        if start:
            let_others_run()
        yield slice(start, start + PIECE_BYTES)


def to_json(value: object) -> bytes:
    """The same as encoding it at once: a list is written item by item, alone or in an object."""
    return b"".join(_json_pieces(value))


def from_base64(text: str) -> bytes:
    """Raises binascii.Error, a ValueError, for anything else than whole, plain base64."""
    return b"".join(b64decode(text[piece], validate=True) for piece in slices(len(text)))


def sha256_of(data: bytes) -> str:
    """In hexadecimal digits."""
    digest = sha256()
    for piece in slices(len(data)):
        digest.update(data[piece])
    return digest.hexdigest()


def to_base64(data: bytes) -> str:
    return "".join(b64encode(data[piece]).decode() for piece in slices(len(data)))


def _json_pieces(value: object) -> Iterator[bytes]:
    size = 0
    for piece in _object_pieces(value) if isinstance(value, dict) else _list_pieces(value):
        yield piece
        size += len(piece)
        if size >= PIECE_BYTES:
            let_others_run()
            size = 0


def _object_pieces(value: dict[str, object]) -> Iterator[bytes]:
    before = b"{"
    for key, inner in value.items():
        yield before + msgspec.json.encode(key) + b":"
        yield from _list_pieces(inner)
        before = b","
    yield b"}" if value else b"{}"


def _list_pieces(value: object) -> Iterator[bytes]:
    if not isinstance(value, list) or not value:
        yield msgspec.json.encode(value)
        return
    for number, item in enumerate(value):
        yield (b"," if number else b"[") + msgspec.json.encode(item)
    yield b"]"
