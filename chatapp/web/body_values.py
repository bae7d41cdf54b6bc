"""How many values a JSON body has, before they are made: two million would take a fifth of a
second, in one go.

Only what stands outside of texts counts: a text may be somebody's file, full of brackets.
"""

from collections.abc import Iterator

from chatapp.errors import InvalidRequest
from chatapp.hub import let_others_run

PIECE_BYTES = 256 * 1024  # looked at in one go: a millisecond at most
COMMAS_FOR_ONE = 4  # names, texts and numbers are made faster than objects and lists


def refuse_many_values(body: bytes, limit: int) -> None:
    """Raises InvalidRequest if there are more objects and lists than `limit`; four names, texts or
    numbers count as one."""
    count, inside = 0, False
    for piece in _pieces(body):
        outside, inside = _outside_texts(piece, inside)
        count += outside.count(b"{") + outside.count(b"[") + outside.count(b",") // COMMAS_FOR_ONE
        if count > limit:
            raise InvalidRequest(f"body: too many values; the limit is {limit} (setting max_body_values)")


def _pieces(body: bytes) -> Iterator[bytes]:
    """Pieces that end behind an escaped character, never before it; others have their turns in
    between."""
    start = 0
    while start < len(body):
        if start:
            let_others_run()
        piece = body[start : start + PIECE_BYTES]
        backslashes = len(piece) - len(piece.rstrip(b"\\"))
        if backslashes % 2 and len(piece) == PIECE_BYTES:
            piece = piece[:-1]
        yield piece
        start += len(piece)


def _outside_texts(piece: bytes, inside: bool) -> tuple[bytes, bool]:
    """What stands outside of texts, if the piece begins `inside` one; and whether it ends in one.
    Of JSON that is malformed it may be wrong: nothing is made behind the place."""
    plain = piece.replace(rb"\\", b"").replace(rb"\"", b"")
    parts = plain.split(b'"')
    return b"".join(parts[inside::2]), inside ^ (len(parts) % 2 == 0)
