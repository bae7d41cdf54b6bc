"""The client's connection during a response: notices a client that left or stopped reading.

It works on gunicorn's gevent worker, which passes the socket in the WSGI environment. Elsewhere a
client's leaving is noticed at the next write.
"""

import errno
import logging
import random
import select
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from gevent import get_hub
from gevent.monkey import get_original
from gevent.socket import socket as GeventSocket

logger = logging.getLogger(__name__)

Write: TypeAlias = Callable[[bytes], object]

READ = 1
LATER_SHARE = 0.1  # of the send timeout
POLL_S = 0.5  # how often to look at a client that sent more than its request: its socket is always readable
CLOSED = getattr(select, "POLLRDHUP", 0)  # Linux: the peer closed, even if some of its bytes are unread


class Unsent(Exception):
    """The client does not take all of what was sent in the hub, which must not wait for it. `send`
    waits, and sends the rest; nothing else may be sent before."""

    def __init__(self, send: Callable[[], None]) -> None:
        super().__init__("the client takes no more now")
        self.send = send


class Stuck(BrokenPipeError):
    """The client took no data for too long. For gunicorn it is one that left: for another error it
    logs a whole traceback."""


class _Direct(GeventSocket):
    """Sends at once. gevent's `sendall` reads SO_SNDBUF first, which costs as much as an event."""

    __slots__ = ()
    _sock: Any  # the standard library's, non-blocking

    def sendall(self, data: Any, flags: int = 0) -> None:
        try:
            sent = self._sock.send(data, flags)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self.send_slowly(memoryview(data)[sent:], flags)

    def send_slowly(self, data: memoryview, flags: int) -> None:
        try:
            super().sendall(data, flags)
        except TimeoutError:
            logger.info("a client was dropped: it took no data for %g s", self.gettimeout() or 0)
            raise Stuck(errno.EPIPE, "the client took no data in time") from None


def _write_in_hub(server: Any, data: bytes) -> None:
    """What gunicorn's Response would write, at once. Raises Unsent."""
    server.sent += len(data)  # for the line of the request
    if server.chunked:
        data = b"%x\r\n%s\r\n" % (len(data), data)
    sock: _Direct = server.sock
    try:
        sent = sock._sock.send(data)
    except BlockingIOError:
        sent = 0
    if sent < len(data):
        raise Unsent(partial(sock.send_slowly, memoryview(data)[sent:], 0))


class ClientSocket:
    """Watches and limits a connection between `start` and `stop`.

    `on_gone` is called in the hub, at most once, within milliseconds after the client closed, or
    within `POLL_S` if it had sent something beyond its request. A write that makes no progress for
    `send_timeout_s` raises Stuck and so ends the response. If the connection is kept alive, all
    this is undone except for the limit on the kernel's buffer: once it was set, Linux no longer
    sizes the buffer itself.
    """

    def __init__(self, sock: object, on_gone: Callable[[], object], send_timeout_s: float, buffer_bytes: int) -> None:
        # TLS has no MSG_PEEK, and its bytes say nothing about the client's. The next write notices.
        self._sock: Any = sock if type(sock) is GeventSocket else None
        self._on_gone = on_gone
        self._send_timeout_s = send_timeout_s
        self._buffer_bytes = buffer_bytes
        self._watcher: Any = None
        self._peer_timeout_ms: int | None = None

    def hub_write(self, write: object) -> Write | None:
        """What a WSGI server's `write` does with each piece of the body but the first, for use in
        the hub: see `Unsent`. The server's own asks again for each what it found for the first.

        None if that one does not send to this connection itself, as in a host that mounts this
        application, or if the connection is not watched.
        """
        server: Any = getattr(write, "__self__", None)  # gunicorn's Response
        is_ours: bool = getattr(server, "sock", None) is self._sock
        if self._watcher is None or not is_ours:
            return None
        return partial(_write_in_hub, server)

    def start(self) -> None:
        if self._sock is None or self._sock.fileno() < 0:
            return
        self._limit()
        self._sock.__class__ = _Direct
        self._watcher = get_hub().loop.io(self._sock.fileno(), READ)
        self._watcher.start(self._look)

    def stop(self) -> None:
        if self._watcher is not None:
            self._unwatch()
            self._watcher = None
            self._sock.__class__ = GeventSocket
            if self._sock.fileno() >= 0:
                self._unlimit()

    def _limit(self) -> None:
        # Spread: hundreds that got stuck at once would be dropped in one turn of the hub.
        self._sock.settimeout(self._send_timeout_s * random.uniform(1, 1 + LATER_SHARE))
        if self._sock.family in (socket.AF_INET, socket.AF_INET6):
            # Without a limit the kernel accepts megabytes for a reader that has stopped, and its
            # timeout never starts.
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._buffer_bytes)
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: a peer that vanished without a FIN
                self._peer_timeout_ms = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                timeout_ms = int(self._send_timeout_s * 1000)
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)

    def _unlimit(self) -> None:
        self._sock.settimeout(None)
        if self._peer_timeout_ms is not None:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, self._peer_timeout_ms)

    def _unwatch(self) -> None:
        self._watcher.stop()
        self._watcher.close()

    def _look(self) -> None:
        """In the hub. Readable means gone, or a further request, which stays unread."""
        try:
            gone = self._sock._sock.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone:
            self._watcher.stop()
            self._on_gone()
        else:
            self._poll()

    def _poll(self) -> None:
        """From now on look at intervals: to the event loop the socket is always readable."""
        self._unwatch()
        poll = get_original("select", "poll")()
        poll.register(self._sock.fileno(), CLOSED)  # errors and hang-ups are reported in any case

        def look() -> None:
            if poll.poll(0):
                self._watcher.stop()
                self._on_gone()

        self._watcher = get_hub().loop.timer(POLL_S, POLL_S)
        self._watcher.start(look)
