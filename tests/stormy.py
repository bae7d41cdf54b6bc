"""Clients of a bad day, over sockets of their own: cut off at any byte, slow, or stuck."""

import json
import socket
from contextlib import suppress

import gevent
from invariants import Applied

from chatapp.wire.frames import ServerEvent, SSEDecoder

RECEIVE_BYTES = 4096  # little, so that what a client does not read stays with the server


def crawl(client: "Client") -> None:
    """1 KB/s. The server may drop it: then it accepts too little."""
    with suppress(ConnectionResetError):
        client.read(pause_s=1.0)


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
        """Apply what comes, to its end or until so many reads."""
        with self.connect() as sock:
            decoder, body, reads = SSEDecoder(), None, 0
            while data := sock.recv(1024 if pause_s else 65_536):
                if body is None:
                    head, found, data = data.partition(b"\r\n\r\n")
                    assert found and b" 200 " in head[:20], head
                    assert b"chunked" in head.lower()
                    body = Dechunked()
                for event in decoder.feed(body.feed(data)):
                    self.applied.apply(event, text_of)
                reads += 1
                if cut_after is not None and reads > cut_after:
                    self.cuts += 1
                    return
                gevent.sleep(pause_s)

    def read_with_cuts(self, cuts: int) -> None:
        while self.applied.ended is None:
            with suppress(ConnectionResetError):  # a busy machine may keep us from reading in time
                self.read(cut_after=3 if self.cuts < cuts else None)


class Dechunked:
    """The body within its chunks."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> bytes:
        self._data += data
        body = b""
        while (found := self._data.find(b"\r\n")) >= 0:
            size = int(self._data[:found], 16)
            if len(self._data) < found + 2 + size + 2:
                break
            body += self._data[found + 2 : found + 2 + size]
            self._data = self._data[found + 2 + size + 2 :]
        return body


def text_of(event: ServerEvent) -> str:
    return str(json.loads(event.data)["delta"]) if event.type == "content_delta" else ""
