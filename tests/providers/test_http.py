"""A provider from the chat to the socket. tests/wire has everything that can go wrong on the way."""

import json

import gevent
import pytest
from gevent.event import Event
from gevent.pywsgi import WSGIServer

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message
from chatapp.errors import BadReply, Rejected, Reported
from chatapp.events import ReasoningDelta, TextDelta, ToolCall, ToolInputDelta
from chatapp.providers import Finished, Started
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.model_list import ListingTimes
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.secret import Secret

BOUND = 5
CHAT = Chat(model="m", messages=[Message("user", "hi")])
STREAM = [("Content-Type", "text/event-stream")]
JSON = [("Content-Type", "application/json")]
ONE = b'data: {"choices":[{"delta":{"content":"one"}}]}\n\n'
REST = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class Stopped(Exception):
    pass


class Server:
    """An HTTP server on loopback whose answer a test sets: status, headers, body."""

    def __init__(self):
        self.answer = "200 OK", STREAM, [ONE, REST]
        self.requests = []
        self.connections = set()
        self._server = WSGIServer(("127.0.0.1", 0), self._serve, log=None)
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.stop(timeout=0)

    def _serve(self, environ, start_response):
        self.connections.add(environ["REMOTE_PORT"])
        body = environ["wsgi.input"].read()
        path = environ["PATH_INFO"] + (f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else "")
        self.requests.append((path, environ.get("HTTP_AUTHORIZATION"), body))
        status, headers, pieces = self.answer
        start_response(status, headers)
        return pieces


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def provider(server, upstream):
    return OpenAIChat("acme", upstream, server.url + "/v1/", api_key=Secret("sk-secret"))


def stream(provider, scope=None):
    return list(provider.stream(CHAT, scope or CancelScope()))


def test_a_reply_begins_speaks_and_finishes(server, provider):
    assert stream(provider) == [Started(), TextDelta("one"), Finished("stop")]

    [(path, authorization, body)] = server.requests
    assert path == "/v1/chat/completions"
    assert authorization == "Bearer sk-secret"
    assert json.loads(body)["messages"] == [{"role": "user", "content": "hi"}]


def test_a_reply_has_begun_when_its_headers_are_there(server, provider):
    go_on = Event()

    def pieces():
        yield b": wait\n\n"
        assert go_on.wait(BOUND)
        yield ONE + REST

    server.answer = "200 OK", STREAM, pieces()
    items = provider.stream(CHAT, CancelScope())
    assert next(items) == Started()
    go_on.set()
    assert next(items) == TextDelta("one")


def test_replies_follow_each_other_on_one_connection(server, provider):
    for _ in range(3):
        stream(provider)
    assert len(server.connections) == 1


def test_closing_the_iterator_closes_the_connection(server, provider):
    closed = Event()

    def pieces():
        try:
            while True:
                yield ONE
                gevent.sleep(0.001)
        finally:
            closed.set()

    server.answer = "200 OK", STREAM, pieces()
    items = provider.stream(CHAT, CancelScope())
    assert [next(items), next(items)] == [Started(), TextDelta("one")]
    items.close()
    assert closed.wait(BOUND)


def test_a_stop_ends_the_iterator_with_its_reason(server, provider):
    never = Event()

    def pieces():
        yield ONE
        never.wait()

    server.answer = "200 OK", STREAM, pieces()
    scope = CancelScope()
    items = provider.stream(CHAT, scope)
    assert [next(items), next(items)] == [Started(), TextDelta("one")]
    waiting = gevent.spawn(next, items)
    gevent.idle()
    scope.cancel(Stopped)
    with pytest.raises(Stopped):
        waiting.get(timeout=BOUND)


def test_a_whole_answer_to_a_streaming_request_is_read_too(server, provider):
    call = {"id": "a", "function": {"name": "f", "arguments": '{"x":1}'}}
    message = {"reasoning_content": "hm", "content": "one", "tool_calls": [call]}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    server.answer = "200 OK", JSON, [json.dumps(whole).encode()]

    assert stream(provider) == [
        Started(),
        ReasoningDelta("hm"),
        TextDelta("one"),
        ToolInputDelta("a", "f", '{"x":1}'),
        ToolCall("a", "function", "f", {"x": 1}),
        Finished("stop"),
    ]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (("200 OK", JSON, [b'{"error":{"message":"sk-secret"}}']), Reported),
        (("200 OK", [("Content-Type", "text/html")], [b"<html>sk-secret"]), BadReply),
        (("401 No", JSON, [b'{"error":{"message":"sk-secret is wrong"}}']), Rejected),
    ],
)
def test_an_error_names_the_provider_and_shows_nothing_of_it(server, provider, answer, error):
    server.answer = answer
    with pytest.raises(error, match="acme") as raised:
        stream(provider)
    assert "sk-secret" not in raised.value.message


def test_an_address_may_be_known_only_when_it_is_needed(server, upstream):
    asked = []

    def address(scope):
        asked.append(scope)
        return server.url

    provider = OpenAIChat("local", upstream, address)
    scope = CancelScope()
    assert provider.models() == ()  # nothing is started for a list
    assert asked == []
    assert stream(provider, scope)[-1] == Finished("stop")
    assert asked == [scope]
    assert server.requests[0][1] is None


@pytest.mark.parametrize(
    ("ending", "path"),
    [
        ("", "/v1/chat/completions"),
        ("/", "/v1/chat/completions"),
        ("//", "/v1/chat/completions"),
        ("?api-version=1", "/v1/chat/completions?api-version=1"),
        ("/?a=1&b=%2F", "/v1/chat/completions?a=1&b=%2F"),
        ("?", "/v1/chat/completions"),
    ],
)
def test_the_query_of_the_base_url_goes_with_every_request(server, upstream, ending, path):
    stream(OpenAIChat("acme", upstream, server.url + "/v1" + ending))
    assert server.requests[0][0] == path


def test_the_query_of_the_base_url_joins_an_adapters_own(server, upstream):
    server.answer = "200 OK", JSON, [b'{"models":[]}']
    assert Gemini("acme", upstream, f"{server.url}/v1?key=1").models() == ()
    assert server.requests[0][0] == "/v1/models?pageSize=1000&key=1"


# Thinking in the text

SAID = "<think>hm</think>Hello"


@pytest.mark.parametrize(
    ("tags", "thinking", "said", "expected"),
    [
        ("leading", None, SAID, ("hm", "Hello")),
        ("leading", False, SAID, ("hm", "Hello")),
        ("none", None, SAID, ("", SAID)),
        ("implied", None, "hm</think>Hello", ("hm", "Hello")),
        ("implied", False, "Hello", ("", "Hello")),  # a template opens no thinking that was switched off
    ],
)
@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("form", ["stream", "whole"])
def test_thinking_between_tags_is_told_from_the_answer(server, upstream, tags, thinking, said, expected, raw, form):
    pieces = [json.dumps({"choices": [{"delta": {"content": char}}]}).encode() for char in said]
    whole = json.dumps({"choices": [{"message": {"content": said}, "finish_reason": "stop"}]}).encode()
    frames = [b"data: " + piece + b"\n\n" for piece in pieces]
    server.answer = ("200 OK", STREAM, [*frames, REST]) if form == "stream" else ("200 OK", JSON, [whole])
    provider = OpenAIChat("acme", upstream, server.url, think_tags=tags)
    chat = Chat(model="m", messages=CHAT.messages, thinking=thinking, raw=raw)
    items = list(provider.stream(chat, CancelScope()))
    texts = ["".join(item.text for item in items if type(item) is kind) for kind in (ReasoningDelta, TextDelta)]
    assert tuple(texts) == expected


# The list of models

LISTED = b'{"object":"list","data":[{"id":"large","object":"model"},{"id":"small"}]}'


def test_configured_models_are_not_asked_for(server, upstream):
    assert OpenAIChat("acme", upstream, server.url, models=["m"]).models() == ("m",)
    assert server.requests == []


def test_models_are_asked_for_and_kept(server, provider):
    server.answer = "200 OK", JSON, [LISTED]

    assert provider.models() == provider.models() == ("large", "small")
    assert server.requests == [("/v1/models", "Bearer sk-secret", b"")]


def test_ollama_lists_its_models_by_another_name(server, upstream):
    server.answer = "200 OK", JSON, [b'{"models":[{"name":"llama:1b","size":5}]}']

    assert Ollama("home", upstream, server.url).models() == ("llama:1b",)
    assert server.requests[0][0] == "/api/tags"


def test_many_who_ask_at_once_make_one_request(server, provider):
    go_on = Event()

    def pieces():
        assert go_on.wait(BOUND)
        yield LISTED

    server.answer = "200 OK", JSON, pieces()
    asking = [gevent.spawn(provider.models) for _ in range(20)]
    with gevent.Timeout(BOUND):
        while not server.requests:
            gevent.sleep(0.005)
    go_on.set()

    assert [greenlet.get(timeout=BOUND) for greenlet in asking] == [("large", "small")] * 20
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [("404 No", JSON, [b"{}"]), ("200 OK", JSON, [b'{"data":5}']), ("200 OK", STREAM, [b"<html>\xff"])],
)
def test_a_list_that_does_not_come_is_empty_for_a_while(server, provider, answer):
    server.answer = answer

    assert provider.models() == provider.models() == ()
    assert len(server.requests) == 1


def test_a_list_is_asked_for_again_in_time(server, upstream):
    provider = OpenAIChat("acme", upstream, server.url, listing=ListingTimes(failure_kept=0))
    server.answer = "500 No", JSON, [b""]
    assert provider.models() == ()

    server.answer = "200 OK", JSON, [LISTED]
    assert provider.models() == ("large", "small")


def test_a_list_is_not_waited_for_long(server, upstream):
    provider = OpenAIChat("acme", upstream, server.url, listing=ListingTimes(timeout=0.1))
    never = Event()
    server.answer = "200 OK", JSON, (never.wait() for _ in range(1))

    with gevent.Timeout(BOUND):
        assert provider.models() == ()
