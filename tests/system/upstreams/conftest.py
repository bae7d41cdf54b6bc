"""An upstream of the tests' own, down to its bytes; and a server that has it as its provider `acme`."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gevent.event import Event
from gevent.server import StreamServer
from gevent.socket import socket

KEY = "sk-very-secret-key"
BOUND = 10

Step = bytes | Event | Callable[[socket], object]


class ScriptedUpstream:
    """Does to each request what was scripted for its model: sends bytes, waits for events, or calls with the socket.

    Each time the model is asked for it is the next script's turn; the last one stays. `requests` has (path, head, body).
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes, dict[str, Any]]] = []
        self.left = Event()  # a connection was closed by the server before its script had ended
        self._scripts: dict[str, list[list[Step]]] = {}
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def script(self, model: str, *steps: Step) -> None:
        self._scripts.setdefault(model, []).append(list(steps))

    def asked(self, model: str) -> int:
        return sum(body.get("model") == model for _, _, body in self.requests)

    @property
    def models(self) -> list[str]:
        return list(self._scripts)

    def close(self) -> None:
        self._server.stop(timeout=1)

    def _serve(self, connection: socket, _address: object) -> None:
        path, head, body = _request(connection)
        self.requests.append((path, head, body))
        scripts = self._scripts[body.get("model", path)]
        try:
            for step in scripts.pop(0) if len(scripts) > 1 else scripts[0]:
                if isinstance(step, bytes):
                    connection.sendall(step)
                elif isinstance(step, Event):
                    step.wait(BOUND)
                else:
                    step(connection)
        except OSError:
            self.left.set()
        connection.close()


def _request(connection: socket) -> tuple[str, bytes, dict[str, Any]]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65_536)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [int(line[16:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: ")]
    while len(body) < sum(lengths):
        body += connection.recv(65_536)
    return head.split()[1].decode(), head, json.loads(body or b"{}")


def head(content_type: str = "text/event-stream", status: str = "200 OK", *more: str) -> bytes:
    """Of an answer that ends when the connection does."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", "Connection: close", *more, "", ""]
    return "\r\n".join(lines).encode()


def chunk(text: str) -> bytes:
    return b"data: %s\n\n" % json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode()


DONE = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    upstream = ScriptedUpstream()
    yield upstream
    upstream.close()


@pytest.fixture
def serve(own_server: Callable[..., Any], upstream: ScriptedUpstream, tmp_path: Path) -> Callable[..., Any]:
    """A server whose provider `acme` is the upstream, asked with a key; `serve(extra lines of its table, **settings)`."""
    return partial(_serve, own_server, upstream, tmp_path)


@pytest.fixture(scope="module")
def kept_upstream() -> Iterator[ScriptedUpstream]:
    """The same for all tests of a file."""
    upstream = ScriptedUpstream()
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def kept_serve(
    module_server: Callable[..., Any], kept_upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Any]:
    return partial(_serve, module_server, kept_upstream, tmp_path_factory.mktemp("kept"))


def _serve(start: Callable[..., Any], upstream: ScriptedUpstream, folder: Path, table: str = "", **env: str) -> Any:
    config = folder / "chatapp.toml"
    config.write_text(
        f'[providers.acme]\ntype = "openai"\nbase_url = "{upstream.url}"\napi_key_env = "ACME_KEY"\n'
        f"models = {json.dumps(upstream.models)}\n{table}\n"
    )
    return start(CHATAPP_CONFIG=str(config), ACME_KEY=KEY, **env)


@pytest.fixture(scope="session")
def wire() -> SimpleNamespace:
    """What upstreams of this kind say: `wire.head()`, `wire.chunk(text)`, `wire.DONE`, `wire.KEY`."""

    return SimpleNamespace(head=head, chunk=chunk, DONE=DONE, KEY=KEY)
