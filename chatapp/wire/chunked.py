"""Reads a chunked body from the socket itself, once urllib3 has read the headers, and decodes it.

Reading only when data has arrived, without a timeout object for each read, costs about half of
what urllib3's wrapper does, and one read yields many events
(docs/decisions/0007-bodies-are-taken-over.md). It relies on private names of gevent (`_sock`,
`_sslobj`) and http.client (`_close_conn`): setup.cfg pins the versions, and a test checks that this
path is taken.
"""

import re
import ssl
from collections.abc import Callable, Generator, Iterator
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


def socket_reads(deadline: Deadline, sock: Any, head: Any) -> Iterator[bytes]:
    """Yield the bytes of each read until the socket's end, and wait before each.

    `head`, http.client's response, has read what arrived together with the headers, and then lets
    go of its buffer: that is the largest thing that a silent stream would hold.
    """
    tls = getattr(sock, "_sslobj", None)
    recv = tls.read if tls else sock._sock.recv
    sock.settimeout(0)  # the deadline limits silence; urllib3 sets it again for the next request
    watcher = get_hub().loop.io(sock.fileno(), 1)
    read: Callable[[int], bytes] = head.fp.read1
    try:
        while True:
            try:
                data = read(READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            except OSError:
                return  # reset, or closed without TLS's closing message: the reader sees an early end
            else:
                if data:
                    yield data
                elif read is recv:
                    return
            if read is not recv:
                read = recv
                head._close_conn()  # only the reader of the socket
            if tls is None or not tls.pending():
                deadline.wait(watcher)
    finally:
        watcher.close()


_chunk_head = re.compile(rb"(?:\r\n)?([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n").match


def dechunk(pieces: Iterator[bytes], who: str) -> Generator[bytes, None, bool]:
    """Decode the chunked coding (RFC 9112, 7.1), yielding every byte at once.

    Returns whether the connection can be used again. Raises BadReply for a malformed chunk and
    Truncated for an early end.
    """
    rest, left = b"", 0
    for data in pieces:
        data, at, out = rest + data, 0, []
        while at < len(data):
            if left:
                out.append(data[at : at + left])
                at += len(out[-1])
                left -= len(out[-1])
            elif head := _chunk_head(data, at):
                at, left = head.end(), int(head[1], 16)
                if not left:  # the end; trailers, or a last CRLF that comes late, only cost the connection
                    if out:
                        yield b"".join(out)
                    return data[at:] == b"\r\n"
            elif len(data) - at > CHUNK_HEAD_BYTES or b"\n" in data[at + 2 :]:
                raise BadReply(f"{who} sent a malformed HTTP body")
            else:
                break
        rest = data[at:]
        if out:
            yield b"".join(out)
    raise Truncated(f"{who} closed the connection in the middle of its reply")
