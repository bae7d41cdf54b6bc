"""Providers without measure: each ends with a clear error, in bounded time and memory, and no key shows anywhere."""

import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from gevent.socket import socket

pytestmark = pytest.mark.slow

MB = 1_000_000
SILENCE_S, TOTAL_S = 2, 12
REPLY_BYTES = 6 * MB  # more than the largest event
GROWTH_BYTES = (
    200 * MB
)  # of the server over all of these: a reply is held several times over, the 1.5 GB of a bomb never


def endless(data: bytes) -> Callable[[socket], None]:
    def send(connection: socket) -> None:
        while True:
            connection.sendall(data)

    return send


def bomb() -> bytes:
    """1.5 GB of comments in 3 MB, whose end nobody should reach: it is packed once, and repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first, again = (packer.compress(b": nothing\n" * (MB // 10)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * 1499


class Case:
    def __init__(self, code: str | tuple[str, ...], *steps: Any) -> None:
        self.codes = (code,) if isinstance(code, str) else code
        self.steps = steps


def cases(wire: Any, elsewhere: str) -> dict[str, Case]:
    event = wire.chunk("x" * 1000)
    nested = b'{"choices":' + b"[" * 100_000
    large = "upstream_too_large"
    return {
        "endless line": Case("upstream_frame_too_large", wire.head(), b"data: ", endless(b"a" * 65_536)),
        "50 MB event": Case("upstream_frame_too_large", wire.head(), b"data: " + b"a" * 50 * MB + b"\n\n"),
        "50 MB event of short lines": Case(
            "upstream_frame_too_large", wire.head(), (b"data: " + b"a" * 994 + b"\n") * 50_000
        ),
        "endless stream": Case(large, wire.head(), endless(event)),
        "endless json": Case(large, wire.head("application/json"), b'{"choices":["', endless(b"a" * 65_536)),
        "endless nothing": Case((large, "upstream_timeout"), wire.head(), endless(b": nothing\n\n")),
        "endless headers": Case(
            ("upstream_unreachable", "upstream_bad_reply"), b"HTTP/1.1 200 OK\r\n", endless(b"X-More: yes\r\n")
        ),
        "endless error": Case("upstream_rejected", wire.head("text/plain", "500 No"), endless(b"a" * 65_536)),
        "bomb": Case(large, wire.head("text/event-stream", "200 OK", "Content-Encoding: gzip"), bomb()),
        "bomb of an error": Case(
            "upstream_rejected", wire.head("text/plain", "500 No", "Content-Encoding: gzip"), bomb()
        ),
        "broken packing": Case(
            "upstream_bad_reply", wire.head("text/event-stream", "200 OK", "Content-Encoding: gzip"), b"no gzip"
        ),
        "deep": Case("upstream_bad_reply", wire.head("application/json"), nested),
        "deep event": Case("upstream_bad_reply", wire.head(), b"data: " + nested + b"\n\n"),
        "never speaks": Case("upstream_timeout", wait),
        "never speaks after its head": Case("upstream_timeout", wire.head(), wait),
        "redirect": Case("upstream_rejected", wire.head("text/plain", "307 Elsewhere", f"Location: {elsewhere}/v1")),
        "key quoted": Case(
            "upstream_rejected",
            wire.head("application/json", "401 No") + b'{"error":{"message":"%s"}}' % wire.KEY.encode(),
        ),
        "key quoted in its stream": Case(
            "upstream_reported_error", wire.head(), b'data: {"error":{"message":"%s"}}\n\n' % wire.KEY.encode()
        ),
    }


def wait(connection: socket) -> None:
    connection.recv(1)


def peak_bytes(pid: int) -> int:
    """The most memory that a process and its children ever had at once, each."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert own is not None
    return max([int(own[1]) * 1024, *(peak_bytes(int(child)) for child in children)])


def ask(client: Any, model: str) -> Any:
    stream = client.stream("POST", "/chat/stream", json={"provider": "acme", "model": model, "prompt": "hi"})
    error = stream.to_end()[-1]
    assert error.type == "error", model
    return json.loads(error.data)


@pytest.fixture
def elsewhere(upstream: Any) -> Iterator[Any]:
    other = type(upstream)()
    yield other
    other.close()


def test_no_provider_takes_more_than_it_is_given(
    upstream: Any, elsewhere: Any, serve: Callable[..., Any], wire: Any, tmp_path: Path
) -> None:
    upstream.script("good", wire.head(), wire.chunk("fine") + wire.DONE)
    wanted = cases(wire, elsewhere.url)
    for name, case in wanted.items():
        upstream.script(name, *case.steps)
    server = serve(
        CHATAPP_UPSTREAM_SILENCE_TIMEOUT_S=str(SILENCE_S),
        CHATAPP_UPSTREAM_TOTAL_TIMEOUT_S=str(TOTAL_S),
        CHATAPP_MAX_REPLY_BYTES=str(REPLY_BYTES),
        CHATAPP_MAX_LINE_BYTES="1000000",
        CHATAPP_MAX_EVENT_BYTES="4000000",
        CHATAPP_UPSTREAM_RETRIES="0",
        CHATAPP_CIRCUIT_FAILURES="1000",
        CHATAPP_LOG_LEVEL="DEBUG",
    )
    client = server.client()
    client.stream("POST", "/chat/stream", json={"provider": "acme", "model": "good", "prompt": "hi"}).to_end()
    before = peak_bytes(server.pid)
    seen = ""
    for name, case in wanted.items():
        start = monotonic()
        error = ask(client, name)
        assert error["code"] in case.codes, (name, error)
        assert monotonic() - start < 3 * TOTAL_S, name
        grown = peak_bytes(server.pid) - before
        assert grown < GROWTH_BYTES, name
        seen += json.dumps(error)
    assert elsewhere.requests == []
    seen += (
        server.log() + client.get("/readyz").text + client.get("/metrics").text + client.get("/api/v1/providers").text
    )
    assert wire.KEY not in seen
    assert wire.KEY.encode() in upstream.requests[0][1]  # where it belongs
    assert client.json("/readyz")["status"] == "ok"


def test_the_page_does_not_wait_for_providers_that_do_not_list_their_models(
    upstream: Any, own_server: Callable[..., Any], tmp_path: Path
) -> None:
    upstream.script("/models", wait)
    config = tmp_path / "chatapp.toml"
    names = [f"silent{number}" for number in range(5)]
    config.write_text("".join(f'[providers.{name}]\ntype = "openai"\nbase_url = "{upstream.url}"\n' for name in names))
    client = own_server(CHATAPP_CONFIG=str(config)).client()
    start = monotonic()
    assert '"provider":"mock"' in client.post("/chat/stream", {"model": "words", "prompt": "hi", "max_tokens": 1}).text
    assert client.get("/").ok and client.get("/v1/models").ok
    listed = client.json("/api/v1/providers")
    assert monotonic() - start < 5  # 2 s, and what a busy machine adds; the second time they are known to be silent
    assert [provider["name"] for provider in listed["providers"]][:5] == names  # the configured ones come first
    assert len(upstream.requests) == 5
