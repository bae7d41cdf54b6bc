"""Replies over a socket: buffered ones, those that flow, and raw bytes beside what they say."""

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any

import gevent
import pytest
from gevent.event import Event
from gevent.pywsgi import WSGIServer

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message
from chatapp.errors import BadReply, Reported, Truncated, UpstreamError
from chatapp.events import Raw, ReasoningDelta, TextDelta
from chatapp.providers import Finished, ReplyItem, Started
from chatapp.providers.mock.provider import Mock
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.wire.upstream import Upstream

BOUND = 5
CHAT = Chat(model="m", messages=[Message("user", "hi")])
RAW = Chat(model="m", messages=[Message("user", "hi")], raw=True)
SSE = [("Content-Type", "text/event-stream; charset=UTF-8")]
JSON = [("Content-Type", "application/json")]
LONG = "Every word of this answer came at once. 👨‍👩‍👧‍👦 " * 40
MUCH = "Many words of this answer came at once. " * 12
END = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
JOINER = "\N{ZERO WIDTH JOINER}"


def chunk(text: str) -> bytes:
    return b"data: %s\n\n" % json.dumps({"choices": [{"delta": {"content": text}}]}).encode()


def whole(text: str) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode()


class Server:
    """Answers 200 with the headers and pieces that a test sets."""

    def __init__(self) -> None:
        self.headers, self.pieces = SSE, list[bytes]()
        self.make: Callable[[], Iterator[bytes]] | None = None
        self._server = WSGIServer(("127.0.0.1", 0), self._serve, log=None)
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.close = self._server.stop

    def _serve(self, environ: Any, start_response: Any) -> Any:
        environ["wsgi.input"].read()
        start_response("200 OK", self.headers)
        return self.make() if self.make else self.pieces


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close(timeout=0)


@pytest.fixture
def provider(server: Server, upstream: Upstream) -> OpenAIChat:
    return OpenAIChat("acme", upstream, server.url)


def reply(provider: Any, chat: Chat = CHAT) -> tuple[list[ReplyItem], UpstreamError | None]:
    items: list[ReplyItem] = []
    try:
        items.extend(provider.stream(chat, CancelScope()))
    except UpstreamError as error:
        return items, error
    return items, None


def texts(items: Sequence[ReplyItem]) -> list[str]:
    return [item.text for item in items if isinstance(item, TextDelta)]


def raw(items: Sequence[ReplyItem]) -> bytes:
    return b"".join(item.bytes for item in items if isinstance(item, Raw))


# Buffered replies

BUFFERED = {
    "json": (JSON, [whole(LONG)]),
    "json in pieces": (JSON, [whole(LONG)[:900], whole(LONG)[900:]]),
    "json that says it is a stream": (SSE, [whole(LONG)]),
    "json of a known length": ([*JSON, ("Content-Length", str(len(whole(LONG))))], [whole(LONG)]),
    "one event": (SSE, [chunk(LONG) + END]),
    "many events": (SSE, [b"".join(chunk(word + " ") for word in LONG.split(" ")) + END]),
    "a long collected stream": (SSE, [b"".join(chunk(word + " ") for word in LONG.split(" ") * 10) + END]),
    "a packed stream": ([*SSE, ("Content-Encoding", "gzip")], [gzip.compress(chunk(LONG) + END)]),
}


class Counting(CancelScope):
    """Counts the pauses that nothing but we ourselves asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses = 0

    def run(self, block: Any, *args: Any, **kwargs: Any) -> Any:
        self.pauses += block is gevent.sleep
        return super().run(block, *args, **kwargs)


@pytest.mark.parametrize("kind", BUFFERED)
def test_a_buffered_reply_is_there_at_once(server: Server, provider: OpenAIChat, kind: str) -> None:
    server.headers, server.pieces = BUFFERED[kind]
    scope = Counting()
    items = list(provider.stream(CHAT, scope))
    pieces = texts(items)
    assert "".join(pieces).split() == LONG.split() * (10 if "long" in kind else 1)
    assert len(pieces) >= 100
    assert not any(piece.endswith(JOINER) or piece.startswith(JOINER) for piece in pieces)
    assert items[-1] == Finished("stop")
    assert scope.pauses <= len(pieces) // 256  # a millisecond each, for the others


def test_tokens_that_came_together_stay_as_the_provider_cut_them(server: Server, provider: OpenAIChat) -> None:
    tokens = [f"{number:08}" for number in range(60)] + ["x" * 500]
    server.pieces = [b"".join(map(chunk, tokens)) + END]
    items, _ = reply(provider)
    assert texts(items) == tokens


def test_a_reply_that_flows_is_not_touched(server: Server, provider: OpenAIChat) -> None:
    """Even if much arrives at once, it is only shown at once."""
    read = Event()

    def pieces() -> Iterator[bytes]:
        yield chunk(MUCH) + chunk(MUCH)
        assert read.wait(BOUND)
        yield chunk(MUCH) + END

    server.make = pieces
    items = provider.stream(CHAT, CancelScope())
    start = monotonic()
    assert [next(items) for _ in range(3)] == [Started(), TextDelta(MUCH), TextDelta(MUCH)]
    read.set()
    assert list(items) == [TextDelta(MUCH), Finished("stop")]
    assert monotonic() - start < BOUND


def test_a_reply_that_is_sent_as_fast_as_it_can_be_read_is_not_held(server: Server, provider: OpenAIChat) -> None:
    server.make = lambda: (chunk(MUCH) for _ in iter(int, 1))
    items = provider.stream(CHAT, CancelScope())
    with gevent.Timeout(BOUND):
        for _ in range(2000):
            next(items)
    items.close()


@pytest.mark.parametrize("rest", [b"", b'data: {"error":{"message":"no"}}\n\n', b"data: {]}\n\n"])
def test_what_came_before_a_failure_in_a_buffered_reply_is_shown(
    server: Server, provider: OpenAIChat, rest: bytes
) -> None:
    server.pieces = [chunk(LONG) + rest]
    items, error = reply(provider)
    assert "".join(texts(items)) == LONG
    assert isinstance(error, (Truncated, Reported, BadReply))


# Raw bytes

NASTY = (
    b'\xef\xbb\xbfdata: {"choices":[{"delta":{"content":"\xff\xfe ok"}}]}\r\n\r\n: caf\xe9\r\n\r\ndata:[DONE]\r\n\r\n'
)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_raw_bytes_are_the_bodys_and_the_reply_is_read_beside_them(
    server: Server, provider: OpenAIChat, size: int
) -> None:
    server.pieces = [NASTY[at : at + size] for at in range(0, len(NASTY), size)]
    items, error = reply(provider, RAW)
    assert error is None and raw(items) == NASTY
    assert "".join(texts(items)) == "�� ok" and items[-1] == Finished("stop")
    assert next(item.content_type for item in items if isinstance(item, Raw)) == "text/event-stream; charset=UTF-8"
    assert not any(item.content_type for item in items[2:] if isinstance(item, Raw))


def test_raw_bytes_come_before_what_they_say_and_at_once(server: Server, provider: OpenAIChat) -> None:
    read = [Event() for _ in range(3)]

    def pieces() -> Iterator[bytes]:
        one = chunk("one")
        for piece, seen in zip((one[:9], one[9:], END), read, strict=True):
            yield piece
            assert seen.wait(BOUND)

    server.make = pieces
    items = provider.stream(RAW, CancelScope())
    with gevent.Timeout(BOUND):
        assert [next(items), next(items)] == [Started(), Raw(chunk("one")[:9], "text/event-stream; charset=UTF-8")]
        read[0].set()
        assert [next(items), next(items)] == [Raw(chunk("one")[9:]), TextDelta("one")]
        read[1].set()
        assert next(items) == Raw(END)
        read[2].set()
        assert list(items) == [Finished("stop")]


def test_raw_bytes_of_ndjson(server: Server, upstream: Upstream) -> None:
    body = b'{"message":{"thinking":"hm"}}\r\n\n{"message":{"content":"one"},"done":true}\n\n\n'
    server.headers, server.pieces = [("Content-Type", "application/x-ndjson")], [body[:50], body[50:]]
    items, _ = reply(Ollama("home", upstream, server.url), RAW)
    assert raw(items) == body
    assert ReasoningDelta("hm") in items and TextDelta("one") in items


def test_raw_bytes_go_on_after_the_replys_end(server: Server, provider: OpenAIChat) -> None:
    server.pieces = [chunk("one") + END, b": and", b" more\n\n"]
    items, _ = reply(provider, RAW)
    assert raw(items) == b"".join(server.pieces)


def test_raw_bytes_of_what_cannot_be_read_are_whole_too(server: Server, provider: OpenAIChat) -> None:
    server.headers, server.pieces = [("Content-Type", "text/html")], [b"<html>", b"gateway", b"</html>"]
    items, error = reply(provider, RAW)
    assert raw(items) == b"<html>gateway</html>" and isinstance(error, BadReply)


def test_nothing_raw_comes_unasked(server: Server, provider: OpenAIChat) -> None:
    server.pieces = [chunk("one") + END]
    assert raw(reply(provider)[0]) == b""


def test_the_mocks_raw_bytes_are_its_words() -> None:
    items = list(
        Mock(delay=0).stream(Chat(model="think", messages=CHAT.messages, raw=True, max_tokens=60), CancelScope())
    )
    said = "".join(item.text for item in items if isinstance(item, (TextDelta, ReasoningDelta)))
    assert raw(items) == said.encode()
    assert [item.content_type for item in items if isinstance(item, Raw)][:2] == ["text/plain; charset=utf-8", ""]
