"""Opening a response: the request, a stop before the headers, limits, errors, what calls share."""

import os
import socket
import ssl
import subprocess
import sys
import time

import gevent
import pytest
import urllib3.util.wait
from gevent.event import Event
from waiting import soon
from wire.calls import (
    AGAIN,
    BOUND,
    CHUNKED,
    END,
    HEAD,
    SECRET,
    ScriptedServer,
    Stopped,
    again,
    assert_stops,
    chunk,
    read,
    reading,
)

from chatapp.cancel import CancelScope
from chatapp.errors import RateLimited, Rejected, Unreachable, UpstreamError, UpstreamTimeout
from chatapp.wire.upstream import Upstream, UpstreamRequest

# The request


def test_the_request_is_json_with_our_headers_only(server, upstream, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login thief password thief")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # not for this machine
    server.answers(HEAD + b"Set-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok")

    assert read(upstream, server.url + "/x") == read(upstream, server.url + "/x") == b"ok"

    for request in server.requests:
        lines = request.lower().split(b"\r\n")
        assert lines[0] == b"post /x http/1.1"
        assert b"authorization: bearer sk-secret" in lines
        assert b"accept-encoding: identity" in lines
        assert b"content-type: application/json" in lines
        assert not any(line.startswith(b"cookie:") for line in lines)
        assert request.endswith(b'{"x":1}')


def test_a_name_and_a_password_in_the_address_are_sent_as_http_has_them(server, upstream):
    server.answers(CHUNKED + END)
    with upstream.open(
        UpstreamRequest(server.url.replace("//", "//me:p%40ss@") + "/v1"), CancelScope(), "acme"
    ) as response:
        b"".join(response.body())
    assert b"\r\nAuthorization: Basic bWU6cEBzcw==\r\n" in server.requests[0]
    assert server.requests[0].startswith(b"GET /v1 HTTP/1.1\r\n")


def test_a_request_without_a_body_is_a_get(server, upstream):
    server.answers(HEAD + b"Content-Length: 2\r\n\r\nok")
    with upstream.open(UpstreamRequest(server.url + "/models"), CancelScope(), "acme") as response:
        assert b"".join(response.body()) == b"ok"
    assert server.requests[0].startswith(b"GET /models ")


def test_the_repr_of_a_request_hides_its_headers():
    assert SECRET not in repr(UpstreamRequest("http://x", {}, {"Authorization": f"Bearer {SECRET}"}))


# Stop


@pytest.fixture
def deaf():
    """Accepts connections and sends nothing, not even a TLS handshake."""

    def listen(sock, _address):
        deaf.connections += 1
        while sock.recv(1000):
            pass
        deaf.seen_close.set(time.monotonic())

    deaf = ScriptedServer(listen)
    yield deaf
    deaf.close()


def descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def full_port():
    """A port whose backlog is full: the kernel drops further connections, which never get through."""
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


# A socket in its handshake is dropped without a close, which Python warns of.
let_go = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


def test_stop_while_connecting(upstream, full_port):
    before = descriptors()
    scope = CancelScope()
    call = reading(upstream, f"http://127.0.0.1:{full_port}", scope)
    soon(lambda: descriptors() > before and connecting_to(full_port))

    assert_stops(call, scope)
    assert descriptors() == before


def test_stop_while_the_name_is_looked_up(upstream, monkeypatch):
    asked, never = Event(), Event()

    def hang(*_args, **_named):
        asked.set()
        never.wait()

    monkeypatch.setattr(gevent.socket, "getaddrinfo", hang)
    scope = CancelScope()
    call = reading(upstream, "http://provider.test", scope)
    assert asked.wait(BOUND)

    assert_stops(call, scope)


@let_go
def test_stop_in_the_tls_handshake(upstream, deaf):
    scope = CancelScope()
    call = reading(upstream, deaf.url.replace("http:", "https:"), scope)
    soon(lambda: deaf.connections)

    assert_stops(call, scope, deaf)


def test_stop_before_the_headers(either, upstream):
    either.hangs_after()
    scope = CancelScope()
    call = reading(upstream, either.url, scope)
    soon(lambda: either.requests)

    assert_stops(call, scope, either)


def test_stop_on_a_connection_that_was_used_before(either, upstream):
    either.script = again(CHUNKED + chunk(b"one") + END)
    assert read(upstream, either.url) == b"one"
    either.hangs_after(CHUNKED)
    scope = CancelScope()
    call = reading(upstream, either.url, scope)
    soon(lambda: len(either.requests) == 2)

    assert_stops(call, scope, either)
    assert either.connections == 1


def test_close_ends_the_calls_that_wait(server, limited):
    server.hangs_after()
    upstream = limited()
    call = reading(upstream, server.url, CancelScope())
    soon(lambda: server.requests)

    upstream.close()
    with pytest.raises(Unreachable, match="going down"):
        call.get(timeout=BOUND)
    assert server.seen_close.get(timeout=BOUND)


def test_a_stop_that_came_before_opens_nothing(server, upstream):
    scope = CancelScope()
    scope.cancel(Stopped)

    with pytest.raises(Stopped):
        read(upstream, server.url, scope)
    assert server.connections == 0


# Limits


def test_silence_before_the_headers_is_a_timeout(server, limited):
    server.hangs_after()

    with pytest.raises(UpstreamTimeout):
        read(limited(silence_timeout=0.1), server.url)
    assert server.seen_close.get(timeout=BOUND)


def test_dripping_headers_are_a_timeout(server, limited):
    def script(connection, request):
        while True:
            connection.send(b"H")
            gevent.sleep(0.02)

    server.script = script
    with pytest.raises(UpstreamError):
        read(limited(connect_timeout=0.1, silence_timeout=0.2), server.url)


def test_a_name_that_is_looked_up_for_ever_is_a_timeout(limited, monkeypatch):
    monkeypatch.setattr(gevent.socket, "getaddrinfo", lambda *_args, **_named: Event().wait())

    with pytest.raises(UpstreamTimeout):
        read(limited(connect_timeout=0.05, silence_timeout=0.05), "http://provider.test")


@let_go
def test_a_connection_that_never_comes_is_a_timeout(limited, full_port):
    with pytest.raises(UpstreamTimeout):
        read(limited(connect_timeout=0.1), f"http://127.0.0.1:{full_port}")


def test_a_timeout_leaves_the_runs_scope_alone(server, limited):
    server.hangs_after(CHUNKED)
    upstream, scope = limited(silence_timeout=0.1), CancelScope()
    with pytest.raises(UpstreamTimeout):
        read(upstream, server.url, scope)

    server.answers(CHUNKED + chunk(b"one") + END)
    assert read(upstream, server.url, scope) == b"one"


# Errors


def rejection(upstream, url):
    with pytest.raises(Rejected) as raised:
        read(upstream, url)
    assert "acme" in raised.value.message
    return raised.value


def test_an_http_error_is_a_rejection_that_does_not_quote_it(server, upstream):
    server.answers(b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\nsensitive")
    error = rejection(upstream, server.url)

    assert error.upstream_status == 500
    assert error.retryable
    assert "sensitive" not in error.message


def test_a_429_says_when_to_come_back(server, upstream):
    server.answers(b"HTTP/1.1 429 Slow\r\nRetry-After: 20\r\nContent-Length: 2\r\n\r\n{}")
    error = rejection(upstream, server.url)

    assert isinstance(error, RateLimited)
    assert error.retry_after == 20


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(server, upstream, status):
    server.answers(b"HTTP/1.1 %d Moved\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n" % status)

    assert rejection(upstream, server.url).upstream_status == status
    assert len(server.requests) == 1


def test_the_body_of_an_error_is_not_waited_for(server, limited):
    server.hangs_after(b"HTTP/1.1 404 No\r\nContent-Length: 1000\r\n\r\n{")

    assert rejection(limited(error_body_timeout=0.05), server.url).upstream_status == 404
    assert server.seen_close.get(timeout=BOUND)


def test_the_body_of_an_error_is_bounded(server, upstream):
    def script(connection, request):
        connection.send(b"HTTP/1.1 400 No\r\n\r\n")
        while True:
            connection.send(b"x" * 10_000)

    server.script = script
    assert rejection(upstream, server.url).upstream_status == 400
    assert server.seen_close.get(timeout=BOUND)


def test_nobody_there_is_unreachable(upstream, closed_port):
    with pytest.raises(Unreachable) as raised:
        read(upstream, f"http://127.0.0.1:{closed_port}/{SECRET}")
    assert SECRET not in raised.value.message


def test_an_answer_of_nothing_is_unreachable(server, upstream):
    server.answers()
    with pytest.raises(Unreachable):
        read(upstream, server.url)


def test_an_answer_that_is_not_http_is_an_error(server, upstream):
    server.answers(b"SSH-2.0-OpenSSH_9.2\r\n")
    with pytest.raises(UpstreamError):
        read(upstream, server.url)


def test_a_certificate_of_nobody_we_trust_is_unreachable(tls_server):
    upstream = Upstream()
    with pytest.raises(Unreachable, match="trusted"):
        read(upstream, tls_server.url)
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


@pytest.mark.parametrize(
    ("url", "key", "told"),
    [
        ("nonsense", "k", "the base URL of acme is not valid"),
        ("http://127.0.0.1:1", f"{SECRET}\nX: y", "the API key of acme has characters that no header can carry"),
        ("http://127.0.0.1:1", f"{SECRET}\N{SNOWMAN}", "the API key of acme has characters that no header can carry"),
        ("http://127.0.0.1:1", "k", "cannot connect to acme: check that it is running, its base URL"),
        ("http://acme.invalid", "k", "cannot connect to acme: its host is not found; check its base URL"),
    ],
)
def test_a_call_that_cannot_begin_tells_what_to_change(upstream, url, key, told):
    with pytest.raises(Unreachable) as raised:
        upstream.open(UpstreamRequest(url, {}, {"Authorization": f"Bearer {key}"}), CancelScope(), "acme")
    assert raised.value.message.startswith(told)


def test_tls_that_fails_tells_what_to_change(tls_server, upstream):
    plain = ScriptedServer(lambda sock, _: sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with pytest.raises(Unreachable, match="does not speak TLS; its base URL should begin with http://"):
        read(upstream, plain.url.replace("http:", "https:"))
    plain.close()
    with pytest.raises(Unreachable, match="its certificate is for another host; check its base URL"):
        read(upstream, tls_server.url.replace("127.0.0.1", "localhost"))
    stranger = Upstream()
    with pytest.raises(Unreachable, match="an authority that is not known here; name that in SSL_CERT_DIR or REQ"):
        read(stranger, tls_server.url)
    stranger.close()


@pytest.mark.parametrize("url", ["http://acme.test/v1", "https://acme.test/v1"])
@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("407 Proxy Authentication Required", "proxy.*wants a user name and a password; write them"),
        ("403 Forbidden", "proxy in HTTPS_PROXY refuses|HTTP 403"),
        ("502 Bad Gateway", "proxy in HTTPS_PROXY refuses|HTTP 502"),
    ],
)
def test_a_proxy_that_refuses_is_told_from_the_provider(server, upstream, monkeypatch, url, status, told):
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, server.url.replace("//", f"//me:{SECRET}@"))
        monkeypatch.delenv(name.lower(), raising=False)
    server.answers(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
    with pytest.raises(UpstreamError, match=told) as raised:
        read(upstream, url)
    assert "acme" in raised.value.message and SECRET not in raised.value.message


def test_a_proxy_that_is_not_there_is_named_by_its_variable(upstream, monkeypatch, closed_port):
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{closed_port}")
    with pytest.raises(Unreachable, match="cannot reach acme: the proxy in https_proxy is not there; check its host"):
        read(upstream, "https://acme.test/v1")


# Sharing


def test_many_calls_at_once_do_not_wait_for_each_other(server, upstream):
    everyone = Event()

    def script(connection, request):
        connection.send(CHUNKED + chunk(b"one"))
        if len(server.requests) == 50:
            everyone.set()
        assert everyone.wait(BOUND)
        connection.send(END)
        return AGAIN

    server.script = script
    calls = [reading(upstream, server.url, CancelScope()) for _ in range(50)]

    assert [call.get(timeout=BOUND) for call in calls] == [b"one"] * 50
    assert server.connections == 50


def test_all_connections_share_one_tls_context(tls_server, upstream, monkeypatch):
    loads = []
    original = ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda *args, **named: loads.append(1) or original(*args, **named)
    )
    tls_server.answers(CHUNKED + END)
    for _ in range(3):
        read(upstream, tls_server.url)

    assert tls_server.connections == 3
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
        with upstream.open(request, CancelScope(), "acme") as response:
            assert b"".join(response.body()) == b"one"
            assert expected is None
    except Exception as error:
        assert expected and isinstance(error, expected), error
assert not hasattr(socket.socket, "hub")
print("done")
"""


def test_it_works_in_a_process_that_gevent_has_not_patched():
    script = subprocess.run([sys.executable, "-c", UNPATCHED], capture_output=True, text=True, timeout=60, check=False)
    assert (script.stdout, script.stderr) == ("done\n", "")


def test_urllib3_waits_by_poll_which_knows_no_most_number_of_a_socket() -> None:
    here, there = socket.socketpair()
    with here, there:
        assert not urllib3.util.wait.wait_for_read(here, timeout=0)
    assert urllib3.util.wait.wait_for_socket is urllib3.util.wait.poll_wait_for_socket
