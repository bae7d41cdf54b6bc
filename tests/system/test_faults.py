"""Providers that fail in every way: the client gets a clear error in its dialect, and the server goes on."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from gevent.event import Event
from gevent.server import StreamServer
from gevent.socket import socket
from servers import free_port

pytestmark = pytest.mark.slow

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(text: str) -> bytes:
    data = b"data: %s\n\n" % json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


def plain(status: str, content_type: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


ANSWERS = {
    "500": plain("500 Internal Server Error", "application/json", b'{"error": {"message": "sk-secret in here"}}'),
    "429": plain("429 Too Many Requests", "application/json", b"{}"),
    "html": plain("200 OK", "text/html", b"<html>gateway</html>"),
    "nothing": b"",
    "empty": plain("200 OK", "text/event-stream", b""),
    "half": HEAD + chunk("one ") + chunk("two"),
    "half-chunk": HEAD + chunk("one ") + chunk("two")[:-9],
    "reported": HEAD + chunk("one ") + b'1e\r\ndata: {"error": {"code": 7}}\n\n\r\n0\r\n\r\n',
}


class FaultyProvider:
    """An upstream whose models are its faults. `silent` takes the request and says nothing; `gate` holds one open."""

    def __init__(self, port: int) -> None:
        self.asked = Event()
        self.left = Event()  # the connection of `silent` or `gate` was closed by the server
        self.go_on = Event()
        self._server = StreamServer(("127.0.0.1", port), self._serve)
        self._server.start()

    def close(self) -> None:
        self._server.stop(timeout=1)

    def _serve(self, connection: socket, _address: object) -> None:
        model = self._read_request(connection)
        self.asked.set()
        if model == "gate":
            connection.sendall(HEAD + chunk("one "))
            self.go_on.wait(30)
            connection.sendall(chunk("two"))
        if model in ("silent", "gate", "flood"):
            with suppress(ConnectionError):  # it may leave without having read it all
                if model == "flood":
                    connection.sendall(HEAD + chunk("x" * 100_000) * 60)  # more than all buffers on the way hold
                assert connection.recv(1) == b""
            self.left.set()
        elif model in ANSWERS:
            connection.sendall(ANSWERS[model])
        connection.close()

    def _read_request(self, connection: socket) -> str:
        data = b""
        while b"\r\n\r\n" not in data:
            data += received(connection)
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(line[16:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: "))
        while len(body) < length:
            body += received(connection)
        return str(json.loads(body)["model"])


def received(connection: socket) -> bytes:
    data: bytes = connection.recv(65_536)
    assert data, "the server left in the middle of its request"
    return data


@pytest.fixture(scope="module")
def port() -> int:
    """Where each test's provider listens: the server is told it once."""
    return free_port()


@pytest.fixture
def provider(port: int) -> Iterator[FaultyProvider]:
    faulty = FaultyProvider(port)
    yield faulty
    faulty.close()


@pytest.fixture(scope="module", params=["sqlite:", "memory:"])
def faulty_server(
    request: pytest.FixtureRequest,
    module_server: Callable[..., Any],
    port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    models = [*ANSWERS, "silent", "gate", "flood"]
    config = tmp_path_factory.mktemp("faults") / "chatapp.toml"
    config.write_text(
        f'[providers.faulty]\ntype = "openai"\nbase_url = "http://127.0.0.1:{port}/v1"\nmodels = {json.dumps(models)}\n'
        f'[providers.ollama]\ntype = "ollama"\nbase_url = "http://127.0.0.1:{free_port()}"\nmodels = ["llama"]\n'
    )
    env = {
        "CHATAPP_UPSTREAM_SILENCE_TIMEOUT_S": "3",
        "CHATAPP_UPSTREAM_RETRIES": "0",  # each fault is looked at by itself
        "CHATAPP_CIRCUIT_FAILURES": "1000",
        "CHATAPP_SEND_TIMEOUT_S": "0.5",
        "CHATAPP_LOG_URL": request.param,
    }
    return module_server(CHATAPP_CONFIG=str(config), **env)


@pytest.fixture
def client(faulty_server: Any, provider: FaultyProvider) -> Any:
    return faulty_server.client()


def ask(client: Any, model: str, provider: str = "faulty") -> Any:
    return client.stream("POST", "/chat/stream", json={"provider": provider, "model": model, "prompt": "hi"})


CODES = {
    "500": "upstream_rejected",
    "429": "rate_limited",
    "html": "upstream_bad_reply",
    "nothing": ("upstream_unreachable", "upstream_truncated"),
    "empty": ("upstream_truncated", "upstream_bad_reply"),
    "half": "upstream_truncated",
    "half-chunk": "upstream_truncated",
    "reported": "upstream_reported_error",
}


def test_every_fault_is_a_clear_error_and_the_server_goes_on(client: Any) -> None:
    for model, codes in CODES.items():
        events = ask(client, model).to_end()
        assert events[0].type == "meta" and events[-1].type == "error", model
        error = json.loads(events[-1].data)
        assert set(error) == {"code", "message", "retryable", "trace_id"}
        assert error["code"] in (codes if isinstance(codes, tuple) else (codes,)), model
        assert "sk-secret" not in error["message"] and "Traceback" not in error["message"]
        assert error["trace_id"] == json.loads(events[0].data)["trace_id"]
    assert client.json("/readyz")["status"] == "ok"


def test_an_unreachable_provider_is_named(client: Any) -> None:
    error = json.loads(ask(client, "llama", "ollama").to_end()[-1].data)
    assert error["code"] == "upstream_unreachable" and "ollama" in error["message"] and error["retryable"]


def test_a_silent_provider_is_given_up(client: Any, provider: FaultyProvider) -> None:
    error = json.loads(ask(client, "silent").to_end()[-1].data)
    assert error["code"] == "upstream_timeout"
    assert provider.left.wait(5)


@pytest.mark.parametrize("model", ["silent", "gate"])
def test_stop_closes_the_upstream_connection_within_a_second(client: Any, provider: FaultyProvider, model: str) -> None:
    stream = ask(client, model)
    meta = json.loads(stream.until(lambda event: event.type == "meta").data)
    assert provider.asked.wait(5)
    if model == "gate":
        stream.until(lambda event: event.type == "token")
        provider.go_on.set()
        stream.until(lambda event: event.data == "two")
    client.post(f"/api/v1/messages/{meta['run_id']}/cancel", {})
    assert provider.left.wait(1)
    assert json.loads(stream.to_end()[-1].data)["finish_reason"] == "cancelled"


def test_leaving_closes_the_upstream_connection_within_a_second(client: Any, provider: FaultyProvider) -> None:
    stream = ask(client, "silent")
    stream.until(lambda event: event.type == "meta")
    assert provider.asked.wait(5)
    stream.close()
    assert provider.left.wait(1)


def test_a_reader_that_stops_reading_is_dropped(client: Any, provider: FaultyProvider) -> None:
    """Its run is stopped too, as it would be had it left: and so the provider sees the close."""
    stream = ask(client, "flood")
    stream.until(lambda event: event.type == "meta")
    assert provider.left.wait(5)  # the timeout begins anew with each piece that the kernel still takes
    assert client.json("/readyz")["status"] == "ok"


def test_a_reader_that_stops_reading_hurts_nobody_else(client: Any, provider: FaultyProvider) -> None:
    body = {"provider": "faulty", "model": "flood", "prompt": "hi"}
    posted = client.post("/api/v1/messages", body).json()
    stalled = client.follow(posted["id"])
    reading = client.follow(posted["id"])
    assert _read(reading, 6_000_000)
    stalled.close()
    assert len(_first(client.follow(posted["id"], after=30), 31)) == 31  # it can resume


def _read(stream: Any, chars: int) -> bool:
    """Whether so much text comes."""
    deltas = (json.loads(event.data)["delta"] for event in stream if event.type == "content_delta")
    return any(total >= chars for total in itertools.accumulate(map(len, deltas)))


def _first(stream: Any, deltas: int) -> list[Any]:
    """So many deltas, and no more: the run goes on."""
    events = (event for event in stream if event.type == "content_delta")
    return [event for event, _ in zip(events, range(deltas), strict=False)]


def test_tokens_arrive_one_by_one(client: Any, provider: FaultyProvider) -> None:
    """The second is released only when the first has been read: nothing on the way may hold it."""
    stream = ask(client, "gate")
    assert stream.until(lambda event: event.type == "token").data == "one "
    provider.go_on.set()
    assert stream.until(lambda event: event.type == "token").data == "two"
    stream.close()
