"""deploy/nginx.conf in front of a real server, with a provider that speaks when it is told to."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.event import Event
from gevent.queue import Queue
from gevent.server import StreamServer
from servers import free_port, needs_nginx, nginx
from waiting import soon

pytestmark = pytest.mark.slow

SITE = Path(__file__).parents[2] / "deploy" / "nginx.conf"
SOON_S = 5.0
SEND_TIMEOUT_S = 1.0
OUTER_SITE = "server { listen 127.0.0.1:%d; location / { proxy_pass %s; proxy_set_header Host $http_host; } }"
FLOOD = "much " * 10_000


class Provider:
    """One reply: what is put into `words` is its next token. `closed` once chatapp has closed the connection."""

    def __init__(self, port: int) -> None:
        self.words: Queue[str] = Queue()
        self.closed = Event()
        self._server = StreamServer(("127.0.0.1", port), self._answer)
        self._server.start()

    def stop(self) -> None:
        self._server.stop(timeout=0)

    def _answer(self, sock: Any, _address: object) -> None:
        sock.recv(65_536)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        talk = gevent.spawn(self._talk, sock)
        try:
            while sock.recv(65_536):
                pass
        except ConnectionResetError:
            pass  # an end, too
        talk.kill()
        self.closed.set()

    def _talk(self, sock: Any) -> None:
        for word in self.words:
            sock.sendall(b'data: {"choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n' % word.encode())


@pytest.fixture(scope="module")
def port() -> int:
    """Where each test's provider listens: the server is told it once."""
    return free_port()


@pytest.fixture
def provider(port: int) -> Iterator[Provider]:
    provider = Provider(port)
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def in_front(
    port: int, module_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Any, str]]:
    """A server, and the URL of the nginx in front of it."""
    folder = tmp_path_factory.mktemp("nginx")
    config = folder / "chatapp.toml"
    config.write_text(f'[providers.told]\ntype = "openai"\nbase_url = "http://127.0.0.1:{port}/v1"\nmodels = ["m"]\n')
    server = module_server(
        CHATAPP_CONFIG=str(config),
        CHATAPP_SEND_TIMEOUT_S=str(SEND_TIMEOUT_S),
        CHATAPP_MAX_STREAM_BYTES="1000000000",
        CHATAPP_MAX_REPLY_BYTES="1000000000",
    )
    with nginx(folder, partial(_site, upstream_port=server.port)) as url:
        yield server, url


@pytest.fixture
def client(in_front: tuple[Any, str], provider: Provider) -> Any:
    """A client of chatapp whose requests go through nginx."""
    server, url = in_front
    client = server.client()
    client.url = url
    return client


@needs_nginx
def test_each_event_arrives_before_the_next_is_sent(client: Any, provider: Provider) -> None:
    stream = client.stream("POST", "/chat/stream", json=_question(), headers={"Accept-Encoding": "gzip"})
    with gevent.Timeout(SOON_S, AssertionError("the head was held back")):
        stream.until(lambda event: event.type == "meta")
    for number in range(20):
        provider.words.put(f"word{number}")
        with gevent.Timeout(SOON_S, AssertionError(f"event {number} was held back")):
            assert stream.until(lambda event: event.type == "token").data == f"word{number}"
    assert "Content-Encoding" not in stream.headers
    stream.close()


@needs_nginx
def test_another_nginx_in_front_of_it_holds_nothing_back(client: Any, provider: Provider, tmp_path: Path) -> None:
    """One that knows nothing of streams: it buffers, unless the reply tells it not to."""
    inner = client.url
    (folder := tmp_path / "outer").mkdir()
    with nginx(folder, lambda port: OUTER_SITE % (port, inner)) as client.url:
        stream = client.stream("POST", "/chat/stream", json=_question())
        for number in range(5):
            provider.words.put(f"word{number}")
            with gevent.Timeout(SOON_S, AssertionError(f"event {number} was held back")):
                assert stream.until(lambda event: event.type == "token").data == f"word{number}"
        stream.close()
    client.url = inner


@needs_nginx
def test_a_client_that_leaves_is_noticed(client: Any, provider: Provider) -> None:
    stream = client.stream("POST", "/chat/stream", json=_question())
    provider.words.put("hello")
    stream.until(lambda event: event.type == "token")
    stream.close()
    assert provider.closed.wait(SOON_S)


@needs_nginx
def test_a_reader_that_stops_reading_is_dropped(client: Any, provider: Provider) -> None:
    """It goes on being connected. nginx takes in no more than its buffers hold, and then chatapp's send timeout ends it."""
    stream = client.stream("POST", "/chat/stream", json=_question())
    meta = json.loads(stream.until(lambda event: event.type == "meta").data)
    for _ in range(1000):
        provider.words.put(FLOOD)
        if provider.closed.wait(0.01):
            break
    assert provider.closed.wait(SEND_TIMEOUT_S + SOON_S)
    answer = f"/api/v1/messages/{meta['run_id']}"
    soon(lambda: client.json(answer)["finish_reason"] == "cancelled")
    stream.close()


@needs_nginx
def test_a_body_that_is_too_large_is_refused_in_our_form(client: Any) -> None:
    reply = client.post("/chat/stream", _question(prompt="x" * 34_000_000))
    assert reply.status_code == 413
    assert reply.json()["error"]["code"] == "body_too_large"
    assert reply.json()["error"]["trace_id"]


@needs_nginx
def test_the_files_of_the_page_are_compressed(client: Any) -> None:
    page = client.get("/")
    file = re.search(r'href="(/static/[^"]+\.css[^"]*)"', page.text)
    assert file, page.text
    assert client.get(file[1], headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"


def _question(prompt: str = "hi") -> dict[str, str]:
    return {"provider": "told", "prompt": prompt}


def _site(port: int, upstream_port: int) -> str:
    """As it is published, but for its two ports."""
    site = SITE.read_text()
    for published, ours in (("127.0.0.1:8080", f"127.0.0.1:{port}"), ("127.0.0.1:8000", f"127.0.0.1:{upstream_port}")):
        assert published in site
        site = site.replace(published, ours)
    return site
