"""Clients that stop reading, crawl, or are cut off again and again, beside healthy ones.

The numbers are small: dozens of clients, not hundreds.
"""

import json
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import gevent
import pytest
from gevent.pywsgi import WSGIServer
from invariants import Applied, Holdings, check_clients, check_returns

from chatapp.wire.frames import ServerEvent, SSEDecoder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

READERS, CUTS = 40, 5
STUCK, CRAWLING, HEALTHY = 25, 10, 5
PIECE, PIECES = "word " * 200, 600  # 600 KB: more than the kernel's buffers between us and a client
RECEIVE_BYTES = 4096
STUCK_KIB = 2048  # a reader of large pieces who never reads; docs/reliability.md says what is aimed at
CONFIG = """
[providers.large]
type = "openai"
base_url = "http://127.0.0.1:{port}/v1"
models = ["large"]
"""


def crawl(client: "Client") -> None:
    """1 KB/s. The server may drop it: then it accepts too little."""
    with suppress(ConnectionResetError):
        client.read(pause_s=1.0)


def text_of(event: ServerEvent) -> str:
    return str(json.loads(event.data)["delta"]) if event.type == "content_delta" else ""


class Client:
    """A client over a socket of its own, which can be cut at any byte."""

    def __init__(self, server: Any, run_id: str) -> None:
        self.applied = Applied()
        self.cuts = 0
        self._server = server
        self._path = f"/api/v1/messages/{run_id}/events"

    def connect(self) -> socket.socket:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        sock.settimeout(60)
        sock.connect(("127.0.0.1", self._server.port))
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


@pytest.fixture(scope="module")
def server(module_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    upstream = WSGIServer(("127.0.0.1", 0), large_reply, log=None)
    upstream.start()
    config = tmp_path_factory.mktemp("storms") / "chatapp.toml"
    config.write_text(CONFIG.format(port=upstream.server_port))
    yield module_server(
        CHATAPP_CONFIG=str(config), CHATAPP_SEND_TIMEOUT_S="2", CHATAPP_MAX_READERS="1000", CHATAPP_MAX_OWNER_SHARE="1"
    )
    upstream.stop()


def large_reply(environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
    start("200 OK", [("Content-Type", "text/event-stream")])
    frame = json.dumps({"choices": [{"index": 0, "delta": {"content": PIECE}}]})
    for _ in range(PIECES):
        yield f"data: {frame}\n\n".encode()
        gevent.sleep(0.001)
    yield b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def holdings(server: Any) -> Holdings:
    """Of its one worker."""
    with open(f"/proc/{server.pid}/task/{server.pid}/children") as children:
        return Holdings.of(int(children.read().split()[0]))


def read_by_all(clients: Iterable[Client]) -> list[Client]:
    readers = list(clients)
    gevent.joinall([gevent.spawn(each.read_with_cuts, 0) for each in readers], timeout=60, raise_error=True)
    return readers


def test_readers_that_are_cut_again_and_again_apply_each_event_once(server: Any) -> None:
    before = holdings(server)
    client = server.client()
    run_id = client.send("hi")["id"]
    readers = [Client(server, run_id) for _ in range(READERS)]
    storms = [gevent.spawn(reader.read_with_cuts, CUTS) for reader in readers]
    gevent.joinall(storms, timeout=90, raise_error=True)
    check_clients([reader.applied for reader in readers], client.json(f"/api/v1/messages/{run_id}")["content"])
    assert all(reader.cuts == CUTS for reader in readers)
    client.session.close()
    check_returns(lambda: holdings(server), before, memory_kib=64 << 10)


def test_readers_that_never_read_cost_little_and_hurt_nobody(server: Any, wait_until: Callable[..., Any]) -> None:
    client = server.client()
    run_id = client.send("hi", provider="large")["id"]
    read_by_all(Client(server, run_id) for _ in range(HEALTHY))  # what healthy ones take is there
    before = holdings(server)

    stuck = [Client(server, run_id) for _ in range(STUCK)]
    held = [each.connect() for each in stuck]
    crawling = [Client(server, run_id) for _ in range(CRAWLING)]
    crawls = [gevent.spawn(crawl, each) for each in crawling]
    healthy = read_by_all(Client(server, run_id) for _ in range(HEALTHY))
    content = client.json(f"/api/v1/messages/{run_id}")["content"]
    check_clients([each.applied for each in healthy], content)
    holdings(server).check_back_at(before, memory_kib=STUCK_KIB * (STUCK + CRAWLING), descriptors=100)

    gevent.killall(crawls)
    wait_until(lambda: holdings(server).sockets <= before.sockets + 2, 30)  # the stuck ones are dropped
    for sock in held:
        sock.close()
    for each in (stuck[0], crawling[0]):
        each.read_with_cuts(0)  # and can resume
    check_clients([stuck[0].applied, crawling[0].applied], content)
    client.session.close()
