"""Reads a chunked body from the socket itself, once urllib3 has read the headers, and decodes it.

Reading only when data has arrived, without a timeout object for each read, costs about half of
what urllib3's wrapper does, and one read yields many events
(docs/decisions/0007-bodies-are-taken-over.md). It relies on private names of gevent (`_sock`,
`_sslobj`) and http.client (`_close_conn`): setup.cfg pins the versions, and a test checks that this
path is taken.
"""

import re
import ssl
from collections.abc import Callable
from typing import Any

from gevent import get_hub
from gevent.socket import socket as PlainSocket
from gevent.ssl import SSLSocket

from chatapp.errors import BadReply, Truncated
from chatapp.wire.deadline import Deadline

READ_BYTES = 16_384  # one TLS record: the most that one read of a TLS socket returns
CHUNK_HEAD_BYTES = 4096  # with its extensions, which nobody sends


def can_take_over(sock: object) -> bool:
    """Whether gevent itself made the socket.

    False in a process that gevent has not patched, and for TLS inside TLS.
    """
    return type(sock) in (PlainSocket, SSLSocket)


class SocketBody:
    """A chunked body on its socket. Its maker closes it, which leaves the socket open.

    `head`, http.client's response, has read what arrived together with the headers, and then lets
    go of its buffer: that is the largest thing that a silent stream would hold.
    """

    def __init__(self, deadline: Deadline, sock: Any, head: Any) -> None:
        self._deadline = deadline
        self._chunks = Dechunker(deadline.who)
        self._head = head
        self._tls = getattr(sock, "_sslobj", None)
        self._recv: Callable[[int], bytes] = self._tls.read if self._tls else sock._sock.recv
        sock.settimeout(0)  # the deadline limits silence; urllib3 sets it again for the next request
        self._watcher = get_hub().loop.io(sock.fileno(), 1)

    @property
    def reusable(self) -> bool:
        """Whether it has ended, and the connection can be used again."""
        return self._chunks.reusable

    def read(self) -> bytes:
        """Wait for the next bytes; none at the end. Raises Truncated for an early one, BadReply,
        what the deadline raises."""
        chunks = self._chunks
        while not chunks.ended:
            data = self._receive()
            if not data:
                raise Truncated(f"{self._deadline.who} closed the connection in the middle of its reply")
            if out := chunks.feed(data):
                return out
        return b""

    def close(self) -> None:
        self._watcher.close()

    def _receive(self) -> bytes:
        """The bytes of one read, none at the socket's end. Waits first, as nearly always nothing is
        there yet."""
        if self._head is not None and (data := self._came_with_head()):
            return data
        while True:
            if self._tls is None or not self._tls.pending():
                self._deadline.wait(self._watcher)
            try:
                return self._recv(READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            except OSError:
                return b""  # reset, or closed without TLS's closing message

    def _came_with_head(self) -> bytes:
        head, self._head = self._head, None
        try:
            return head.fp.read1(READ_BYTES)  # type: ignore[no-any-return]
        except OSError:  # nothing came; or whatever happened to the socket, which its next read tells
            return b""
        finally:
            head._close_conn()  # only the reader of the socket


class Dechunker:
    """Decodes the chunked coding (RFC 9112, 7.1).

    `reusable`: once it has `ended`, whether the connection can be used again.
    """

    def __init__(self, who: str) -> None:
        self.ended = self.reusable = False
        self._who = who
        self._rest = b""
        self._left = 0  # of the chunk under way

    def feed(self, data: bytes) -> bytes:
        """What there is in it of chunks, be they whole or not. Raises BadReply for a malformed
        one."""
        data, at, left, out = self._rest + data, 0, self._left, []
        while at < len(data):
            if left:
                out.append(data[at : at + left])
                at += len(out[-1])
                left -= len(out[-1])
            elif head := _chunk_head(data, at):
                at, left = head.end(), int(head[1], 16)
                if not left:  # the end; trailers, or a last CRLF that comes late, only cost the connection
                    self.ended, self.reusable = True, data[at:] == b"\r\n"
                    break
            elif len(data) - at > CHUNK_HEAD_BYTES or b"\n" in data[at + 2 :]:
                raise BadReply(f"{self._who} sent a malformed HTTP body")
            else:
                break
        self._rest, self._left = data[at:], left
        return out[0] if len(out) == 1 else b"".join(out)


_chunk_head = re.compile(rb"(?:\r\n)?([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n").match
