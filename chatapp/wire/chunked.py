"""A chunked body read from the socket itself, once urllib3 has read the headers; and how the chunks come off.

Why: reading only when there is something, without a timeout object for each read, costs about half of what urllib3's
wrapper does, and one read gives many events (docs/decisions/0007-bodies-are-taken-over.md). It uses names that gevent
keeps to itself (`_sock`, `_sslobj`): setup.cfg pins the versions, and a test sees that the way is taken.
"""

import re
import ssl
from collections.abc import Callable, Generator, Iterator
from typing import Any

from gevent import get_hub
from gevent.socket import socket as PlainSocket
from gevent.ssl import SSLSocket

from chatapp.errors import BadReply, Truncated
from chatapp.wire.deadline import Call

READ_BYTES = 16_384  # one TLS record: the most that one read of a TLS socket gives
CHUNK_HEAD_BYTES = 4096  # with its extensions, which nobody sends


def can_take_over(sock: object) -> bool:
    """Whether it is a socket of gevent's as it made it: not one of an unpatched process, nor TLS inside TLS."""
    return type(sock) in (PlainSocket, SSLSocket)


def arrivals(call: Call, sock: Any, read: Callable[[int], bytes]) -> Iterator[bytes]:
    """What each read of the socket brought, until its end. Waits first, so that no read comes too early.

    `read` is the first read: of what came together with the headers.
    """
    tls = getattr(sock, "_sslobj", None)
    recv = tls.read if tls else sock._sock.recv
    sock.settimeout(0)  # silence is the call's to limit; urllib3 sets it anew at the connection's next request
    watcher = get_hub().loop.io(sock.fileno(), 1)
    try:
        while True:
            try:
                data = read(READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            except OSError:
                return  # reset, or cut without TLS's goodbye: to whoever reads, an early end
            else:
                if data:
                    yield data
                elif read is recv:
                    return
            read = recv
            if tls is None or not tls.pending():
                call.wait(watcher)
    finally:
        watcher.close()


_chunk_head = re.compile(rb"(?:\r\n)?([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n").match


def dechunk(pieces: Iterator[bytes], who: str, at_end: Callable[[], None]) -> Generator[bytes, None, bool]:
    """Take the chunked coding off (RFC 9112, 7.1), giving every byte at once. Returns whether the connection can be
    used again. `at_end` is called when the end is seen, before the last bytes are given."""
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
                    at_end()
                    if out:
                        yield b"".join(out)
                    return data[at:] == b"\r\n"
            elif len(data) - at > CHUNK_HEAD_BYTES or b"\n" in data[at + 2 :]:
                raise BadReply(f"{who} broke the rules of HTTP in its reply")
            else:
                break
        rest = data[at:]
        if out:
            yield b"".join(out)
    raise Truncated(f"{who} closed the connection in the middle of its reply")
