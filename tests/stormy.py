"""Clients of a bad day, over sockets of their own: cut off at any byte, slow, or stuck; and the
provider that they read of."""

import json
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

import gevent
from gevent.event import Event
from gevent.pywsgi import WSGIServer
from invariants import Applied

from chatapp.wire.frames import ServerEvent, SSEDecoder

RECEIVE_BYTES = 4096  # little, so that what a client does not read stays with the server
CUT_WITHIN_BYTES = 3000  # of a response: its head, and half a second of what follows
RATE = 100.0  # events a second of the model `steady`
PIECE = "word " * 200
LARGE_PIECES = 800  # 0.8 MB: more than any buffer on the way
CONFIG = """
[providers.stormy]
type = "openai"
base_url = "http://127.0.0.1:{port}/v1"
models = ["steady", "large"]
"""


class Upstream:
    """A provider. `steady` writes a token every 10 ms until it is `calm`; `large` writes all at
    once."""

    def __init__(self) -> None:
        self.calm = Event()
        self._server = WSGIServer(("127.0.0.1", 0), self._reply, log=None)

    def config(self) -> str:
        return CONFIG.format(port=self._server.server_port)

    @contextmanager
    def serving(self) -> Iterator["Upstream"]:
        self._server.start()
        try:
            yield self
        finally:
            self.calm.set()
            self._server.stop()

    def _reply(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
        model = json.loads(environ["wsgi.input"].read())["model"]
        start("200 OK", [("Content-Type", "text/event-stream")])
        yield from self._steady() if model == "steady" else self._large()
        yield b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'

    def _steady(self) -> Iterator[bytes]:
        began, number = monotonic(), 0
        while not self.calm.wait(1 / RATE):  # which takes longer on a busy machine: then several come at once
            due = int((monotonic() - began) * RATE)
            yield b"".join(_frame(f"token{each} ") for each in range(number, due))
            number = due

    def _large(self) -> Iterator[bytes]:
        for _ in range(LARGE_PIECES):
            yield _frame(PIECE)
            gevent.sleep(0.001)


class Client:
    """A client over a socket of its own, which can be cut at any byte."""

    def __init__(self, port: int, run_id: str) -> None:
        self.applied = Applied()
        self.cuts = 0
        self._port = port
        self._path = f"/api/v1/messages/{run_id}/events"

    def connect(self) -> socket.socket:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        sock.settimeout(60)
        sock.connect(("127.0.0.1", self._port))
        last = f"Last-Event-ID: {self.applied.last}\r\n" if self.applied.last else ""
        sock.sendall(f"GET {self._path} HTTP/1.1\r\nHost: localhost\r\n{last}Connection: close\r\n\r\n".encode())
        return sock

    def read(self, pause_s: float = 0.0, cut_after: int | None = None) -> None:
        """Apply what comes, to its end or to so many bytes."""
        with self.connect() as sock:
            decoder, body = SSEDecoder(), Body()
            while data := sock.recv(1024 if pause_s else 65_536):
                kept = data if cut_after is None else data[:cut_after]
                for event in decoder.feed(body.feed(kept)):
                    self.applied.apply(event, text_of)
                if cut_after is not None and (cut_after := cut_after - len(kept)) <= 0:
                    self.cuts += 1
                    return
                gevent.sleep(pause_s)

    def read_with_cuts(self, cuts: int, when_cut: Callable[[], object] = lambda: None) -> None:
        """To the end, cut so many times; `when_cut` is called after the last of them."""
        while self.applied.ended is None and self.cuts < cuts:
            with suppress(ConnectionResetError):  # a busy machine may keep us from reading in time
                self.read(cut_after=random.randint(1, CUT_WITHIN_BYTES))
        when_cut()
        while self.applied.ended is None:
            with suppress(ConnectionResetError):
                self.read()


class Body:
    """The body of a response, within its head and its chunks."""

    def __init__(self) -> None:
        self._data = b""
        self._is_head = True
        self._left = 0  # of the chunk

    def feed(self, data: bytes) -> bytes:
        self._data += data
        if self._is_head:
            head, found, rest = self._data.partition(b"\r\n\r\n")
            if not found:
                return b""
            assert b" 200 " in head[:20], head
            assert b"chunked" in head.lower()
            self._data, self._is_head = rest, False
        return self._dechunked()

    def _dechunked(self) -> bytes:
        """All that came, also of a chunk that is not whole."""
        body = b""
        while self._data:
            if self._left:
                piece, self._data = self._data[: self._left], self._data[self._left :]
                self._left -= len(piece)
                body += piece
                continue
            size, found, rest = self._data.lstrip(b"\r\n").partition(b"\r\n")
            if not found:
                break
            self._left, self._data = int(size, 16), rest
        return body


class CountDown:
    """Calls `then` at its last call of so many."""

    def __init__(self, count: int, then: Callable[[], object]) -> None:
        self._left = count
        self._then = then

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._then()


def crawl(client: Client) -> None:
    """1 KB/s. The server may drop it: then it accepts too little."""
    with suppress(ConnectionResetError):
        client.read(pause_s=1.0)


def text_of(event: ServerEvent) -> str:
    return str(json.loads(event.data)["delta"]) if event.type == "content_delta" else ""


def _frame(content: str) -> bytes:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': content}}]})}\n\n".encode()
