import gc
import gzip
import os
import socket
import ssl
import subprocess
import sys
import time

import gevent
import pytest
from gevent.event import AsyncResult, Event
from gevent.pool import Pool
from gevent.server import StreamServer

from chatapp.cancel import CancelScope
from chatapp.errors import (
    BadReply,
    RateLimited,
    Rejected,
    ReplyTooLarge,
    Truncated,
    Unreachable,
    UpstreamError,
    UpstreamTimeout,
)
from chatapp.wire import chunked
from chatapp.wire.deadline import Call
from chatapp.wire.upstream import Upstream, UpstreamRequest

BOUND = 5  # seconds in which what must happen happens; generous, the machine may be busy
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
SECRET = "sk-secret"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Connection:
    """The provider's side of one connection."""

    def __init__(self, sock):
        self._sock = sock
        self._file = sock.makefile("rb")
        self.send = sock.sendall

    def request(self) -> bytes:
        """Wait for a request; b"" when the client has closed."""
        head = b""
        while (line := self._file.readline()) not in (b"\r\n", b""):
            head += line
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        return head + self._file.read(length)

    def reset(self):
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


class Provider:
    """Listens on loopback and does to each request what a script says. Knows how many connections were made."""

    def __init__(self, **tls):
        self.script = None
        self.connections = 0
        self.requests = []
        self.seen_close = AsyncResult()
        self._server = StreamServer(("127.0.0.1", 0), self._serve, spawn=Pool(), **tls)
        self._server.start()
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.stop(timeout=0)

    def answers(self, *pieces: bytes):
        """To every request the same bytes; then it closes, unless the client does."""

        def script(connection, request):
            for piece in pieces:
                connection.send(piece)

        self.script = script

    def hangs_after(self, *pieces: bytes):
        """Sends the pieces and then nothing until the client closes."""

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
                if self.script(connection, request) is not self.AGAIN:
                    return
        except OSError:
            self.seen_close.set(time.monotonic())

    AGAIN = object()


class Stopped(Exception):
    pass


@pytest.fixture
def provider():
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    extra = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *extra], check=True, capture_output=True)
    return str(certificate), str(key)


@pytest.fixture
def tls_provider(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    provider = Provider(ssl_context=context)
    yield provider
    provider.close()


@pytest.fixture(params=["http", "tls"])
def either(request):
    """A provider over HTTP, then one over TLS."""
    return request.getfixturevalue("provider" if request.param == "http" else "tls_provider")


@pytest.fixture
def upstream(certificate):
    upstream = Upstream(ca_file=certificate[0])
    yield upstream
    upstream.close()


@pytest.fixture
def limited(certificate):
    """Makes an Upstream with limits of its own."""
    made = []

    def limited(**limits):
        made.append(Upstream(ca_file=certificate[0], **limits))
        return made[-1]

    yield limited
    for upstream in made:
        upstream.close()


@pytest.fixture
def took_over(monkeypatch):
    """How many bodies went the fast way."""
    calls = []
    original = chunked.dechunk
    monkeypatch.setattr("chatapp.wire.upstream.dechunk", lambda *args: calls.append(1) or original(*args))
    return calls


def post(url, body=None):
    return UpstreamRequest(url, {"x": 1} if body is None else body, {"Authorization": f"Bearer {SECRET}"})


def read(upstream, url, scope=None):
    with upstream.open(post(url), scope or CancelScope(), "acme") as reply:
        return b"".join(reply.body())


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def until(condition):
    with gevent.Timeout(BOUND):
        while not condition():
            gevent.sleep(0.005)


# What is asked


def test_the_request_is_json_with_our_headers_only(provider, upstream, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login thief password thief")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # not for this machine
    provider.answers(HEAD + b"Set-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok")

    assert read(upstream, provider.url + "/x") == read(upstream, provider.url + "/x") == b"ok"

    for request in provider.requests:
        lines = request.lower().split(b"\r\n")
        assert lines[0] == b"post /x http/1.1"
        assert b"authorization: bearer sk-secret" in lines
        assert b"accept-encoding: identity" in lines
        assert b"content-type: application/json" in lines
        assert not any(line.startswith(b"cookie:") for line in lines)
        assert request.endswith(b'{"x":1}')


def test_a_request_without_a_body_is_a_get(provider, upstream):
    provider.answers(HEAD + b"Content-Length: 2\r\n\r\nok")
    with upstream.open(UpstreamRequest(provider.url + "/models"), CancelScope(), "acme") as reply:
        assert b"".join(reply.body()) == b"ok"
    assert provider.requests[0].startswith(b"GET /models ")


def test_the_repr_of_a_request_hides_its_headers():
    assert SECRET not in repr(post("http://x"))


# Bodies


def test_a_chunked_body_goes_the_fast_way(either, upstream, took_over):
    either.answers(CHUNKED + chunk(b"one"), chunk(b"two") + END)

    assert read(upstream, either.url) == b"onetwo"
    assert took_over == [1]


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 6\r\n\r\n", b"onetwo"),
        (b"\r\n", b"onetwo"),
        (b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n", chunk(b"one") + chunk(b"two") + END),
        (
            b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
            chunk(gzip.compress(b"one") + gzip.compress(b"two")) + END,
        ),
    ],
    ids=["content-length", "until closed", "connection: close", "gzip"],
)
def test_every_other_body_goes_the_plain_way(either, upstream, took_over, head, body):
    either.answers(HEAD + head, body)

    assert read(upstream, either.url) == b"onetwo"
    assert took_over == []


@pytest.mark.parametrize("head", [CHUNKED, HEAD + b"\r\n"], ids=["fast", "plain"])
def test_a_piece_is_there_before_the_next_is_sent(either, upstream, head):
    taken = Event()

    def script(connection, request):
        connection.send(head)
        connection.send(chunk(b"one"))
        assert taken.wait(BOUND)
        connection.send(chunk(b"two") + END)

    either.script = script
    with upstream.open(post(either.url), CancelScope(), "acme") as reply:
        body = reply.body()
        assert b"one" in next(body)
        taken.set()
        assert b"two" in b"".join(body)


def test_it_can_be_seen_whether_more_is_there(either, upstream):
    send = Event()

    def script(connection, request):
        connection.send(CHUNKED + chunk(b"one"))
        assert send.wait(BOUND)
        connection.send(chunk(b"two") * 10_000 + END)

    either.script = script
    with upstream.open(post(either.url), CancelScope(), "acme") as reply:
        body = reply.body()
        assert next(body) == b"one"
        assert not reply.goes_on_within(0) and not reply.goes_on_within(0.01)
        gevent.spawn_later(0.01, send.set)
        assert reply.goes_on_within(BOUND)
        came = len(next(body))
        assert came < 30_000 and reply.goes_on_within(BOUND)  # what TLS has unpacked already counts, too
        assert came + len(b"".join(body)) == 30_000


ENDS = {
    "known length": [HEAD + b"Content-Length: 3\r\n\r\none"],
    "chunked": [CHUNKED + chunk(b"one") + END],
    "chunked, its end later": [CHUNKED + chunk(b"one"), END],
    "until it closes": [HEAD + b"\r\none"],
}


@pytest.mark.parametrize("kind", ENDS)
def test_the_end_of_a_body_is_seen_before_it_is_read(either, upstream, kind):
    either.answers(*ENDS[kind])
    with upstream.open(post(either.url), CancelScope(), "acme") as reply:
        assert next(reply.body()) == b"one"
        assert reply.goes_on_within(BOUND)
        assert list(reply.body()) == []


def test_a_stop_ends_the_look_for_more(provider, upstream):
    provider.hangs_after(CHUNKED + chunk(b"one"))
    scope = CancelScope()
    with upstream.open(post(provider.url), scope, "acme") as reply:
        next(reply.body())
        gevent.spawn_later(0.01, scope.cancel, Stopped)
        with gevent.Timeout(BOUND), pytest.raises(Stopped):
            reply.goes_on_within(2 * BOUND)


def test_half_a_chunk_is_handed_over_at_once(provider, upstream):
    taken = Event()

    def script(connection, request):
        connection.send(CHUNKED + b"6\r\none")
        assert taken.wait(BOUND)
        connection.send(b"two\r\n" + END)

    provider.script = script
    with upstream.open(post(provider.url), CancelScope(), "acme") as reply:
        body = reply.body()
        assert next(body) == b"one"
        taken.set()
        assert next(body) == b"two"


def test_a_large_body_arrives_whole(either, upstream):
    data = os.urandom(3_000_000)
    either.answers(CHUNKED, chunk(data) + chunk(data[:5]) + END)

    assert read(upstream, either.url) == data + data[:5]


WIRE = chunk(b"one") + chunk(b"two, longer") + END


@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.parametrize(
    "head", [CHUNKED, CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")], ids=["fast", "plain"]
)
def test_a_chunked_body_that_is_cut_anywhere_is_truncated(provider, upstream, head, how):
    """The last cut that shows is in the last chunk's head: after it nothing of the body is missing."""
    for cut in range(len(WIRE) - 4):

        def script(connection, request, cut=cut):
            connection.send(head + WIRE[:cut])
            if how == "reset":
                connection.reset()

        provider.script = script
        with pytest.raises(Truncated):
            read(upstream, provider.url)


def test_a_tls_body_that_is_cut_anywhere_is_truncated(tls_provider, upstream):
    for cut in range(len(WIRE) - 4):
        tls_provider.answers(CHUNKED + WIRE[:cut])
        with pytest.raises(Truncated):
            read(upstream, tls_provider.url)


def test_a_body_short_of_its_length_is_truncated(provider, upstream):
    for cut in range(6):
        provider.answers(HEAD + b"Content-Length: 6\r\n\r\n" + b"onetwo"[:cut])
        with pytest.raises(Truncated):
            read(upstream, provider.url)


@pytest.mark.parametrize("pause", range(1, len(CHUNKED + WIRE)))
def test_a_pause_anywhere_changes_nothing(provider, upstream, pause):
    def script(connection, request):
        connection.send((CHUNKED + WIRE)[:pause])
        gevent.idle()
        connection.send((CHUNKED + WIRE)[pause:])

    provider.script = script
    assert read(upstream, provider.url) == b"onetwo, longer"


@pytest.mark.parametrize(
    "bad", [b"xyz\r\n", b"-1\r\n", b"\r\n\r\n", b"5 five\r\nabc", b"f" * 5000, b"f" * 20 + b"\r\n"]
)
def test_a_bad_chunk_head_is_a_bad_reply(provider, upstream, bad):
    provider.answers(CHUNKED + chunk(b"one") + bad)

    with pytest.raises(BadReply):
        read(upstream, provider.url)


@pytest.mark.parametrize("tail", [b"0;last=1\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n"])
def test_extensions_and_trailers_are_left_out(provider, upstream, tail):
    provider.answers(CHUNKED + b"3;name=value\r\none\r\n" + tail)

    assert read(upstream, provider.url) == b"one"


# Reuse


def again(*pieces):
    def script(connection, request):
        for piece in pieces:
            connection.send(piece)
        return Provider.AGAIN

    return script


@pytest.mark.parametrize("head", [CHUNKED, HEAD + b"Content-Length: 3\r\n\r\n"], ids=["fast", "plain"])
def test_a_connection_whose_body_was_read_is_used_again(either, upstream, head):
    either.script = again(head, chunk(b"one") + END if head is CHUNKED else b"one")

    for _ in range(3):
        assert read(upstream, either.url) == b"one"
    assert either.connections == 1


def test_a_reply_that_ends_before_its_body_is_drained(provider, upstream):
    provider.script = again(CHUNKED + chunk(b"one"), END)

    for _ in range(3):
        with upstream.open(post(provider.url), CancelScope(), "acme") as reply:
            assert next(reply.body()) == b"one"
            reply.drain()
    assert provider.connections == 1


def test_draining_gives_up_on_a_body_without_an_end(provider, upstream):
    provider.hangs_after(CHUNKED + chunk(b"one"))

    with upstream.open(post(provider.url), CancelScope(), "acme") as reply:
        assert next(reply.body()) == b"one"
        reply.drain()
    assert provider.seen_close.get(timeout=BOUND)


@pytest.mark.parametrize("junk", [b"junk", CHUNKED + END])
def test_a_connection_with_something_behind_the_end_is_not_used_again(provider, upstream, junk):
    provider.script = again(CHUNKED + chunk(b"one") + END + junk)

    assert read(upstream, provider.url) == b"one"
    assert read(upstream, provider.url) == b"one"
    assert provider.connections == 2


def test_a_body_left_unread_closes_its_connection(provider, upstream):
    provider.hangs_after(CHUNKED + chunk(b"one"))

    with upstream.open(post(provider.url), CancelScope(), "acme") as reply:
        next(reply.body())
    assert provider.seen_close.get(timeout=BOUND)


# Stop


def calling(upstream, url, scope):
    return gevent.spawn(read, upstream, url, scope)


def assert_stops(call, scope, provider=None):
    """Stop the call, twice: it ends with the first reason, and the provider sees the connection close."""
    stopped = time.monotonic()
    scope.cancel(Stopped)
    scope.cancel(ValueError)
    with pytest.raises(Stopped):
        call.get(timeout=BOUND)
    assert time.monotonic() - stopped < 1
    if provider:
        assert provider.seen_close.get(timeout=BOUND) - stopped < 1


@pytest.fixture
def deaf():
    """Accepts connections and says nothing, not even TLS's first word."""
    deaf = Provider()

    def listen(sock, _address):
        deaf.connections += 1
        while sock.recv(1000):
            pass
        deaf.seen_close.set(time.monotonic())

    deaf._server.set_handle(listen)
    yield deaf
    deaf.close()


@pytest.fixture
def full_port():
    """A port whose backlog is full: the kernel drops what else comes, and a connection never gets through."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(2)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        yield port
        for sock in waiting:
            sock.close()


def connecting_to(port):
    """Whether the kernel waits for an answer to a SYN of ours."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        lines = [line.split() for line in table]
    return sum(line[2].endswith(f":{port:04X}") and line[3] == "02" for line in lines[1:]) > 0


# A socket that was connecting or shaking hands is let go of without a close, which the interpreter remarks on.
let_go = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@let_go
def test_stop_while_connecting(upstream, full_port):
    before = descriptors()
    scope = CancelScope()
    call = calling(upstream, f"http://127.0.0.1:{full_port}", scope)
    until(lambda: descriptors() > before and connecting_to(full_port))

    assert_stops(call, scope)
    assert descriptors() == before


def test_stop_while_the_name_is_looked_up(upstream, monkeypatch):
    asked, never = Event(), Event()

    def hang(*_args, **_named):
        asked.set()
        never.wait()

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    scope = CancelScope()
    call = calling(upstream, "http://provider.test", scope)
    assert asked.wait(BOUND)

    assert_stops(call, scope)


@let_go
def test_stop_in_the_tls_handshake(upstream, deaf):
    scope = CancelScope()
    call = calling(upstream, deaf.url.replace("http:", "https:"), scope)
    until(lambda: deaf.connections)

    assert_stops(call, scope, deaf)


def test_stop_before_the_headers(either, upstream):
    either.hangs_after()
    scope = CancelScope()
    call = calling(upstream, either.url, scope)
    until(lambda: either.requests)

    assert_stops(call, scope, either)


@pytest.mark.parametrize("head", [CHUNKED, HEAD + b"\r\n"], ids=["fast", "plain"])
def test_stop_in_a_silent_body(either, upstream, head):
    either.hangs_after(head, chunk(b"one"))
    scope = CancelScope()
    with upstream.open(post(either.url), scope, "acme") as reply:
        next(reply.body())
        call = gevent.spawn(next, reply.body())
        gevent.idle()
        assert_stops(call, scope)
    assert either.seen_close.get(timeout=BOUND)


@pytest.mark.parametrize("head", [CHUNKED, HEAD + b"\r\n"], ids=["fast", "plain"])
def test_stop_in_a_flowing_body(either, upstream, head):
    def script(connection, request):
        connection.send(head)
        while True:
            connection.send(chunk(b"one"))
            gevent.sleep(0.001)

    either.script = script
    scope, taken = CancelScope(), Event()

    def take():
        with upstream.open(post(either.url), scope, "acme") as reply:
            for _ in reply.body():
                taken.set()

    call = gevent.spawn(take)
    assert taken.wait(BOUND)
    assert_stops(call, scope, either)


def test_stop_on_a_connection_that_was_used_before(either, upstream):
    either.script = again(CHUNKED + chunk(b"one") + END)
    assert read(upstream, either.url) == b"one"
    either.hangs_after(CHUNKED)
    scope = CancelScope()
    call = calling(upstream, either.url, scope)
    until(lambda: len(either.requests) == 2)

    assert_stops(call, scope, either)
    assert either.connections == 1


def test_a_stop_that_came_before_opens_nothing(provider, upstream):
    scope = CancelScope()
    scope.cancel(Stopped)

    with pytest.raises(Stopped):
        read(upstream, provider.url, scope)
    assert provider.connections == 0


def test_closing_the_reply_is_a_stop_too(either, upstream):
    either.hangs_after(CHUNKED, chunk(b"one"))
    reply = upstream.open(post(either.url), CancelScope(), "acme")
    next(reply.body())
    reply.close()

    assert either.seen_close.get(timeout=BOUND)


def test_stops_leave_no_descriptor_and_a_healthy_pool(either, upstream):
    gc.disable()  # nothing may wait for it
    try:
        read_one = again(CHUNKED + chunk(b"one") + END)
        either.script = read_one
        assert read(upstream, either.url) == b"one"
        before = descriptors()
        for round in range(20):
            either.hangs_after(*([], [CHUNKED], [CHUNKED, chunk(b"one")], [HEAD + b"\r\n", b"x"])[round % 4])
            scope, seen = CancelScope(), len(either.requests)
            call = calling(upstream, either.url, scope)
            until(lambda seen=seen: len(either.requests) > seen)
            assert_stops(call, scope)
        either.script = read_one
        for _ in range(3):
            assert read(upstream, either.url) == b"one"
        until(lambda: descriptors() <= before)
    finally:
        gc.enable()


# Limits


def test_silence_before_the_headers_is_a_timeout(provider, limited):
    provider.hangs_after()

    with pytest.raises(UpstreamTimeout):
        read(limited(silence_timeout=0.1), provider.url)
    assert provider.seen_close.get(timeout=BOUND)


@pytest.mark.parametrize("head", [CHUNKED, HEAD + b"\r\n"], ids=["fast", "plain"])
def test_silence_in_the_body_is_a_timeout(either, limited, head):
    either.hangs_after(head, chunk(b"one"))

    with pytest.raises(UpstreamTimeout):
        read(limited(silence_timeout=0.1), either.url)
    assert either.seen_close.get(timeout=BOUND)


def test_dripping_headers_are_a_timeout(provider, limited):
    def script(connection, request):
        while True:
            connection.send(b"H")
            gevent.sleep(0.02)

    provider.script = script
    with pytest.raises(UpstreamError):
        read(limited(connect_timeout=0.1, silence_timeout=0.2), provider.url)


def test_a_name_that_is_looked_up_for_ever_is_a_timeout(limited, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: Event().wait())

    with pytest.raises(UpstreamTimeout):
        read(limited(connect_timeout=0.05, silence_timeout=0.05), "http://provider.test")


@let_go
def test_a_connection_that_never_comes_is_a_timeout(limited, full_port):
    with pytest.raises(UpstreamTimeout):
        read(limited(connect_timeout=0.1), f"http://127.0.0.1:{full_port}")


@pytest.mark.parametrize("head", [CHUNKED, HEAD + b"\r\n"], ids=["fast", "plain"])
def test_a_reply_that_never_ends_is_a_timeout(provider, limited, head):
    def script(connection, request):
        connection.send(head)
        while True:
            connection.send(chunk(b"one"))
            gevent.sleep(0.01)

    provider.script = script
    with pytest.raises(UpstreamTimeout):
        read(limited(total_timeout=0.2), provider.url)
    assert provider.seen_close.get(timeout=BOUND)


def test_a_timeout_leaves_the_runs_scope_alone(provider, limited):
    provider.hangs_after(CHUNKED)
    upstream, scope = limited(silence_timeout=0.1), CancelScope()
    with pytest.raises(UpstreamTimeout):
        read(upstream, provider.url, scope)

    provider.answers(CHUNKED + chunk(b"one") + END)
    assert read(upstream, provider.url, scope) == b"one"


def test_what_the_reader_does_meanwhile_is_not_the_providers_silence(provider, limited):
    go_on = Event()

    def script(connection, request):
        connection.send(CHUNKED + chunk(b"one"))
        assert go_on.wait(BOUND)
        connection.send(chunk(b"two") + END)

    provider.script = script
    with limited(silence_timeout=0.1).open(post(provider.url), CancelScope(), "acme") as reply:
        body = reply.body()
        assert next(body) == b"one"
        gevent.sleep(0.3)  # three times what is allowed
        go_on.set()
        assert b"".join(body) == b"two"


def test_a_call_that_pauses_often_is_silent_only_once_it_waits_for_long():
    call = Call(CancelScope(), "acme", 0.1, 60)
    for _ in range(20):
        call.run(gevent.sleep, 0.01)
    with pytest.raises(UpstreamTimeout):
        call.run(gevent.sleep, 10)
    call.close()


@pytest.mark.parametrize("head", [CHUNKED, HEAD + b"\r\n"], ids=["fast", "plain"])
def test_a_reply_without_bound_is_cut_off(provider, limited, head):
    def script(connection, request):
        connection.send(head)
        while True:
            connection.send(chunk(b"x" * 10_000))

    provider.script = script
    with pytest.raises(ReplyTooLarge):
        read(limited(max_reply_bytes=100_000), provider.url)
    assert provider.seen_close.get(timeout=BOUND)


def test_a_reply_that_unpacks_without_bound_is_cut_off(provider, limited):
    bomb = gzip.compress(b"\0" * 50_000_000)
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    provider.answers(head, bomb)

    with pytest.raises(ReplyTooLarge):
        read(limited(max_reply_bytes=1_000_000), provider.url)


# Errors


def rejection(upstream, url):
    with pytest.raises(Rejected) as raised:
        read(upstream, url)
    assert "acme" in raised.value.message
    return raised.value


def test_an_http_error_is_a_rejection_that_does_not_quote_it(provider, upstream):
    provider.answers(b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\nsensitive")
    error = rejection(upstream, provider.url)

    assert error.upstream_status == 500
    assert error.retryable
    assert "sensitive" not in error.message


def test_a_429_says_when_to_come_back(provider, upstream):
    provider.answers(b"HTTP/1.1 429 Slow\r\nRetry-After: 20\r\nContent-Length: 2\r\n\r\n{}")
    error = rejection(upstream, provider.url)

    assert isinstance(error, RateLimited)
    assert error.retry_after == 20


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(provider, upstream, status):
    provider.answers(b"HTTP/1.1 %d Moved\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n" % status)

    assert rejection(upstream, provider.url).upstream_status == status
    assert len(provider.requests) == 1


def test_the_body_of_an_error_is_not_waited_for(provider, upstream, monkeypatch):
    monkeypatch.setattr("chatapp.wire.upstream.ERROR_BODY_S", 0.05)
    provider.hangs_after(b"HTTP/1.1 404 No\r\nContent-Length: 1000\r\n\r\n{")

    assert rejection(upstream, provider.url).upstream_status == 404
    assert provider.seen_close.get(timeout=BOUND)


def test_the_body_of_an_error_is_bounded(provider, upstream):
    def script(connection, request):
        connection.send(b"HTTP/1.1 400 No\r\n\r\n")
        while True:
            connection.send(b"x" * 10_000)

    provider.script = script
    assert rejection(upstream, provider.url).upstream_status == 400
    assert provider.seen_close.get(timeout=BOUND)


def test_nobody_there_is_unreachable(upstream, closed_port):
    with pytest.raises(Unreachable) as raised:
        read(upstream, f"http://127.0.0.1:{closed_port}/{SECRET}")
    assert SECRET not in raised.value.message


def test_an_answer_of_nothing_is_unreachable(provider, upstream):
    provider.answers()
    with pytest.raises(Unreachable):
        read(upstream, provider.url)


def test_an_answer_that_is_not_http_is_an_error(provider, upstream):
    provider.answers(b"SSH-2.0-OpenSSH_9.2\r\n")
    with pytest.raises(UpstreamError):
        read(upstream, provider.url)


def test_a_certificate_of_nobody_we_trust_is_unreachable(tls_provider):
    upstream = Upstream()
    with pytest.raises(Unreachable, match="trusted"):
        read(upstream, tls_provider.url)
    upstream.close()


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://", "k"),
        ("nonsense", "k"),
        ("http://[::1", "k"),
        ("http://127.0.0.1:x", "k"),
        ("ftp://127.0.0.1", "k"),
        ("http://127.0.0.1:1", f"{SECRET}\nX: y"),
        ("http://127.0.0.1:1", f"{SECRET}\N{SNOWMAN}"),
    ],
)
def test_an_address_or_key_that_cannot_be_used_is_said_without_quoting_it(upstream, url, key):
    request = UpstreamRequest(url, {}, {"Authorization": f"Bearer {key}"})
    with pytest.raises(Unreachable) as raised:
        upstream.open(request, CancelScope(), "acme")
    assert SECRET not in raised.value.message
    assert SECRET not in repr(raised.value.__cause__)


# Sharing


def test_many_calls_at_once_do_not_wait_for_each_other(provider, upstream):
    everyone = Event()

    def script(connection, request):
        connection.send(CHUNKED + chunk(b"one"))
        if len(provider.requests) == 50:
            everyone.set()
        assert everyone.wait(BOUND)
        connection.send(END)
        return Provider.AGAIN

    provider.script = script
    calls = [calling(upstream, provider.url, CancelScope()) for _ in range(50)]

    assert [call.get(timeout=BOUND) for call in calls] == [b"one"] * 50
    assert provider.connections == 50


def test_all_connections_share_one_tls_context(tls_provider, upstream, monkeypatch):
    loads = []
    original = ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda *args, **named: loads.append(1) or original(*args, **named)
    )
    tls_provider.answers(CHUNKED + END)
    for _ in range(3):
        read(upstream, tls_provider.url)

    assert tls_provider.connections == 3
    assert loads == []


UNPATCHED = """
import socket, sys, threading
from chatapp.cancel import CancelScope
from chatapp.errors import Truncated, UpstreamTimeout
from chatapp.wire.upstream import Upstream, UpstreamRequest

HEAD = b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n3\\r\\none\\r\\n"
listener = socket.create_server(("127.0.0.1", 0))

def serve():
    kept = []
    for tail in (b"0\\r\\n\\r\\n", b"", None):
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(HEAD + (tail or b""))
        kept.append(connection)
        if tail is not None:
            connection.shutdown(socket.SHUT_WR)
    threading.Event().wait()

threading.Thread(target=serve, daemon=True).start()
upstream = Upstream(silence_timeout=0.2)
for expected in (None, Truncated, UpstreamTimeout):
    request = UpstreamRequest("http://127.0.0.1:%d" % listener.getsockname()[1], {})
    try:
        with upstream.open(request, CancelScope(), "acme") as reply:
            assert b"".join(reply.body()) == b"one"
            assert expected is None
    except Exception as error:
        assert expected and isinstance(error, expected), error
assert not hasattr(socket.socket, "hub")
print("done")
"""


def test_it_works_in_a_process_that_gevent_has_not_patched():
    script = subprocess.run([sys.executable, "-c", UNPATCHED], capture_output=True, text=True, timeout=60, check=False)
    assert (script.stdout, script.stderr) == ("done\n", "")
