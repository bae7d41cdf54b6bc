"""Work on large values in pieces, between which the other greenlets go on.

In one go 8 MB of base64 would hold up every reader of the process for tens of milliseconds.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256

from chatapp.hub import let_others_run

PIECE_BYTES = 384 * 1024  # a multiple of 3 and of 4; about a millisecond of base64


def slices(size: int) -> Iterator[slice]:
    """The pieces of a value of this size, with a pause before each but the first."""
    for start in range(0, size, PIECE_BYTES):
        if start:
            let_others_run()
        yield slice(start, start + PIECE_BYTES)


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
