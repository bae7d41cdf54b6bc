"""A provider's HTTP response: its body as bytes, as they arrive. It does not know what they mean.

Almost all bodies are chunked and come on a socket that gevent made. Such a body is read from the
socket itself (chunked.py): no read before data has arrived, no timeout object for each read, many
events from one read. All others, and those in a process that gevent has not patched, are read
through urllib3.
"""

from collections.abc import Iterator
from typing import Any, Protocol, Self

import urllib3.exceptions

from chatapp.errors import ReplyTooLarge, UpstreamError
from chatapp.wire.chunked import SocketBody, can_take_over
from chatapp.wire.deadline import Deadline
from chatapp.wire.upstream_errors import http_error, reading_failure

PLAIN_READ_BYTES = 65_536  # also the most that one read can decompress to
ERROR_BODY_BYTES = 65_536  # only a word of it is needed
DRAIN_S = 0.1  # for the few bytes between a reply's end and its body's end


class UpstreamResponse(Protocol):
    """A response whose status is good and whose headers have arrived.

    A context manager: leaving it closes it. Closing also closes the connection, unless the body
    was read to its end: then the connection is kept for the next call.
    """

    @property
    def content_type(self) -> str:
        """The header, or an empty string."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    def read(self) -> bytes:
        """The next bytes of the body as they arrive, decompressed; none at its end.

        Raises Truncated if the body ends early and the protocol can tell; UpstreamTimeout;
        ReplyTooLarge; BadReply. After that, there is no more.
        """
        ...

    def body(self) -> Iterator[bytes]:
        """What there is to `read`, piece by piece."""
        ...

    def rest(self, within: float) -> Iterator[bytes]:
        """What is left of the body once the reply is complete, for so many seconds.

        Never raises UpstreamError.
        """
        ...

    def drain(self) -> None:
        """Read to the body's end if it comes in a moment, so that the connection can be reused."""
        ...

    def close(self) -> None:
        """Only by its reader: a read that waits in another greenlet would wait for ever."""
        ...


class NetworkResponse:
    """An UpstreamResponse that comes over a connection; its status may also be an error.

    `from_socket`: the body is read from the socket itself.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse, deadline: Deadline, max_bytes: int) -> None:
        raw: Any = response
        sock = raw.connection and raw.connection.sock
        self.status = raw.status
        self.content_type = raw.headers.get("content-type", "")
        self.from_socket = bool(raw.chunked and "content-encoding" not in raw.headers and can_take_over(sock))
        self._raw = raw
        self._deadline = deadline
        self._max_bytes = self._left_bytes = max_bytes
        self._socket: SocketBody | None = None
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> bytes:
        if self._ended:
            return b""
        try:
            if self._socket is None and self.from_socket:
                self._socket = SocketBody(self._deadline, self._raw.connection.sock, self._raw._fp)
            data = self._socket.read() if self._socket else self._read_through_urllib3()
            self._left_bytes -= len(data)
            if self._left_bytes < 0:
                raise ReplyTooLarge(
                    f"{self._deadline.who} sent a reply of more than {self._max_bytes} bytes (setting max_stream_bytes)"
                )
        except BaseException:
            self._end()
            raise
        if not data:
            if self._socket and self._socket.reusable:
                self._release()
            self._end()
        return data

    def body(self) -> Iterator[bytes]:
        return iter(self.read, b"")

    def rest(self, within: float) -> Iterator[bytes]:
        self._deadline.limit_rest(within)
        try:
            yield from self.body()
        except UpstreamError:
            pass  # the reply is complete: only the connection is lost

    def drain(self) -> None:
        for _ in self.rest(DRAIN_S):
            pass

    def close(self) -> None:
        self._end()
        self._raw.close()
        self._raw.release_conn()
        self._deadline.close()

    def error(self, within: float) -> UpstreamError:
        """What an error status means.

        Waits so many seconds for the body, then closes the response.
        """
        body = b""
        self._deadline.limit_rest(within)
        with self:
            try:
                while len(body) < ERROR_BODY_BYTES and (data := self.read()):
                    body += data
            except UpstreamError:
                pass  # the status alone must do
        return http_error(self._deadline.who, self.status, self._raw.headers.get("retry-after"), body)

    def _end(self) -> None:
        self._ended = True
        if self._socket:
            self._socket.close()

    def _release(self) -> None:
        self._raw._fp.close()  # not the socket, which goes back to the pool
        self._raw.release_conn()

    def _read_through_urllib3(self) -> bytes:
        try:
            data: bytes = self._deadline.run(self._raw.read1, PLAIN_READ_BYTES, decode_content=True)
            return data
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise reading_failure(self._deadline.who, error) from None
