"""The bytes of a request's body, within a size, a time, and the room that all bodies share. It does
not know what they mean.

A body that never comes, or comes byte by byte, would hold its connection for ever; and hundreds of
large ones that come slowly would hold all memory.
"""

from collections.abc import Iterator
from time import monotonic
from typing import Any, NoReturn

import gevent
from gevent.socket import SHUT_RD
from gevent.socket import socket as GeventSocket
from gunicorn.http.errors import ParseException

from chatapp.access import Caller
from chatapp.errors import BodyTooLarge, InvalidRequest, LimitExceeded, Overloaded, RequestTimeout, UnsupportedMediaType
from chatapp.web import current_service, header, these_globals, this_request

PLAIN = "identity"
PIECE_BYTES = 16_384  # of which no more than one is held uncounted
BYTES_PER_S = 16_384  # the slowest that a body may come: an old phone's upload is faster
DISCARD_BYTES = 64 * 1024 * 1024  # of a refused body, so that its sender reads the refusal rather than a broken pipe


def read_body(max_bytes: int, timeout_s: float, setting: str = "max_body_bytes") -> bytes:
    """The whole body; `setting` bounds it. It may take `timeout_s`, and a second more for each
    `BYTES_PER_S`.

    Not by werkzeug's own limit: of a chunked body it silently gives the first part. Raises
    UnsupportedMediaType, BodyTooLarge, LimitExceeded, Overloaded, RequestTimeout, InvalidRequest.
    """
    encoding = header("Content-Encoding") or PLAIN
    if encoding.lower() != PLAIN:  # as JSON it would be malformed, and nobody would know why
        raise UnsupportedMediaType(f"Content-Encoding: expected none, got {encoding}")
    size, held = 0, _Held()
    try:
        for piece in _pieces(timeout_s):
            size += len(piece)
            if size <= max_bytes:
                held.add(piece)
        if size > max_bytes:
            raise BodyTooLarge(f"body: too large; the limit is {max_bytes} bytes (setting {setting})")
        return _whole(held.body())
    finally:
        held.let_go()


class _Held:
    """What has come of a body, and its place among all that are on their way."""

    def __init__(self) -> None:
        self._places = current_service().body_places
        caller: Caller | None = these_globals().get("caller")
        self._owner = caller.owner if caller is not None else ""
        self._pieces: list[bytes] = []
        self._size = 0
        self._refusal: LimitExceeded | Overloaded | None = None

    def add(self, piece: bytes) -> None:
        """Nothing of it once there was no room: its sender reads the refusal at its end."""
        if self._refusal is not None:
            return
        try:
            self._places.check(self._owner, len(piece))
        except (LimitExceeded, Overloaded) as refusal:
            self.let_go()
            self._refusal = refusal
            return
        self._places.enter(self._owner, len(piece))
        self._size += len(piece)
        self._pieces.append(piece)

    def body(self) -> bytes:
        if self._refusal is not None:
            raise self._refusal
        return b"".join(self._pieces)

    def let_go(self) -> None:
        self._places.leave(self._owner, self._size)
        self._pieces, self._size = [], 0


def _pieces(timeout_s: float) -> Iterator[bytes]:
    stream, left, end = this_request().environ["wsgi.input"], _expected_bytes(), monotonic() + timeout_s
    while left > 0:
        piece = _read(stream, min(left, PIECE_BYTES), end - monotonic(), timeout_s)
        if not piece:
            return
        left -= len(piece)
        end += len(piece) / BYTES_PER_S
        yield piece


def _read(stream: Any, size: int, seconds: float, timeout_s: float) -> bytes:
    limit = gevent.Timeout(max(seconds, 0.001))
    try:
        with limit:
            piece: bytes = stream.read(size)
            return piece
    except gevent.Timeout as timeout:
        if timeout is not limit:
            raise
        _give_up(
            RequestTimeout(f"body: it did not come within {timeout_s:g} s and a second for each {BYTES_PER_S} bytes")
        )
    except OSError:  # chunked, and gone before the last chunk
        raise InvalidRequest("body: incomplete; the connection ended before the last chunk") from None
    except ParseException:  # of a chunk
        _give_up(InvalidRequest("body: malformed; expected chunks as in RFC 9112, 7.1"))


def _give_up(error: Exception) -> NoReturn:
    """Read no more from this connection: what comes now would be taken for another request."""
    sock = this_request().environ.get("gunicorn.socket")
    if type(sock) is GeventSocket:  # TLS ends with a shutdown, and our answer would go out in clear
        try:
            sock.shutdown(SHUT_RD)
        except OSError:
            pass  # it is closed already
    raise error from None


def _whole(body: bytes) -> bytes:
    """What was sent of a body may happen to be JSON, too, and its sender is gone."""
    length = this_request().content_length
    if length is not None and len(body) < length:
        raise InvalidRequest(f"body: incomplete; received {len(body)} of {length} bytes")
    return body


def _expected_bytes() -> int:
    """How much may be read without waiting for more than is sent; a chunked body ends by itself on
    a good server."""
    sent = this_request()
    if sent.content_length is not None:
        return min(sent.content_length, DISCARD_BYTES)
    return DISCARD_BYTES if sent.environ.get("wsgi.input_terminated") else 0
