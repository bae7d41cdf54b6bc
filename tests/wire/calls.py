"""Both ends of a call: a server that follows a test's script, and functions that read from it."""

import socket
import time
from collections.abc import Callable

import gevent
import pytest
from gevent.event import AsyncResult
from gevent.pool import Pool
from gevent.server import StreamServer

from chatapp.cancel import CancelScope
from chatapp.wire.upstream import UpstreamRequest

BOUND = 5  # seconds; generous, the machine may be busy
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
UNBOUNDED = HEAD + b"\r\n"  # the body ends when the connection does
END = b"0\r\n\r\n"
SECRET = "sk-secret"
AGAIN = object()
"""What a script returns to keep the connection for another request."""


class Stopped(Exception):
    """Why a test's run was stopped."""


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def again(*pieces):
    """A script that sends the pieces and keeps the connection."""

    def script(connection, request):
        for piece in pieces:
            connection.send(piece)
        return AGAIN

    return script


class Connection:
    """The server's side of one connection."""

    def __init__(self, sock):
        self._sock = sock
        self._file = sock.makefile("rb")
        self.send = sock.sendall

    def request(self) -> bytes:
        """Wait for a request; b"" once the client has closed."""
        head = b""
        while (line := self._file.readline()) not in (b"\r\n", b""):
            head += line
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        return head + self._file.read(length)

    def reset(self):
        """Make the later close reset the connection."""
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


class ScriptedServer:
    """Listens on loopback and follows `script` for each request.

    Counts connections, keeps requests.

    `seen_close` gets the time at which the server saw its client close.
    """

    def __init__(self, handle: Callable | None = None, **tls):
        self.script = None
        self.connections = 0
        self.requests = []
        self.seen_close = AsyncResult()
        self._server = StreamServer(("127.0.0.1", 0), handle or self._serve, spawn=Pool(), **tls)
        self._server.start()
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.stop(timeout=0)

    def answers(self, *pieces: bytes):
        """Answer every request with the same bytes, then close the connection."""

        def script(connection, request):
            for piece in pieces:
                connection.send(piece)

        self.script = script

    def hangs_after(self, *pieces: bytes):
        """Send the pieces, then nothing until the client closes."""

        def script(connection, request):
            for piece in pieces:
                connection.send(piece)
            assert connection.request() == b""
            self.seen_close.set(time.monotonic())

        self.script = script

    def _serve(self, sock, _address):
        self.connections += 1
        connection = Connection(sock)
        try:
            while request := connection.request():
                self.requests.append(request)
                if self.script(connection, request) is not AGAIN:
                    return
        except OSError:
            self.seen_close.set(time.monotonic())


def post(upstream, url, scope=None):
    """The response to a POST."""
    request = UpstreamRequest(url, {"x": 1}, {"Authorization": f"Bearer {SECRET}"})
    return upstream.open(request, scope or CancelScope(), "acme")


def read(upstream, url, scope=None):
    """The whole body of such a response."""
    with post(upstream, url, scope) as response:
        return b"".join(response.body())


def reading(upstream, url, scope):
    """A greenlet that reads such a body."""
    return gevent.spawn(read, upstream, url, scope)


def assert_stops(call, scope, server=None):
    """Stop the call, twice: it ends with the first reason, and the server sees the connection
    close.
    """
    stopped = time.monotonic()
    scope.cancel(Stopped)
    scope.cancel(ValueError)
    with pytest.raises(Stopped):
        call.get(timeout=BOUND)
    assert time.monotonic() - stopped < 1
    if server:
        assert server.seen_close.get(timeout=BOUND) - stopped < 1
