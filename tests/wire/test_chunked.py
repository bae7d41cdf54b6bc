"""Chunked bodies, read from real sockets, over HTTP and over TLS."""

import gzip
import os

import gevent
import pytest
from gevent.event import Event
from wire.calls import BOUND, CHUNKED, END, HEAD, chunk, post, read

from chatapp.errors import BadReply, Truncated
from chatapp.wire.chunked import Dechunker

WIRE = chunk(b"one") + chunk(b"two, longer") + END


def test_a_chunked_body_is_read_from_the_socket(either, upstream):
    either.answers(CHUNKED + chunk(b"one"), chunk(b"two") + END)

    with post(upstream, either.url) as response:
        assert b"".join(response.body()) == b"onetwo"
        assert response.from_socket


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
def test_every_other_body_is_read_through_urllib3(either, upstream, head, body):
    either.answers(HEAD + head, body)

    with post(upstream, either.url) as response:
        assert b"".join(response.body()) == b"onetwo"
        assert not response.from_socket


def test_half_a_chunk_is_handed_over_at_once(server, upstream):
    taken = Event()

    def script(connection, request):
        connection.send(CHUNKED + b"6\r\none")
        assert taken.wait(BOUND)
        connection.send(b"two\r\n" + END)

    server.script = script
    with post(upstream, server.url) as response:
        body = response.body()
        assert next(body) == b"one"
        taken.set()
        assert next(body) == b"two"


def test_a_large_body_arrives_whole(either, upstream):
    data = os.urandom(3_000_000)
    either.answers(CHUNKED, chunk(data) + chunk(data[:5]) + END)

    assert read(upstream, either.url) == data + data[:5]


@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.parametrize(
    "head", [CHUNKED, CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")], ids=["socket", "urllib3"]
)
def test_a_body_that_is_cut_anywhere_is_truncated(server, upstream, head, how):
    """A cut after the last chunk's head does not show: nothing of the body is missing then."""
    for cut in range(len(WIRE) - 4):

        def script(connection, request, cut=cut):
            connection.send(head + WIRE[:cut])
            if how == "reset":
                connection.reset()

        server.script = script
        with pytest.raises(Truncated):
            read(upstream, server.url)


def test_a_tls_body_that_is_cut_anywhere_is_truncated(tls_server, upstream):
    for cut in range(len(WIRE) - 4):
        tls_server.answers(CHUNKED + WIRE[:cut])
        with pytest.raises(Truncated):
            read(upstream, tls_server.url)


@pytest.mark.parametrize("pause", range(1, len(CHUNKED + WIRE)))
def test_a_pause_anywhere_changes_nothing(server, upstream, pause):
    def script(connection, request):
        connection.send((CHUNKED + WIRE)[:pause])
        gevent.idle()
        connection.send((CHUNKED + WIRE)[pause:])

    server.script = script
    assert read(upstream, server.url) == b"onetwo, longer"


@pytest.mark.parametrize(
    "bad", [b"xyz\r\n", b"-1\r\n", b"\r\n\r\n", b"5 five\r\nabc", b"f" * 5000, b"f" * 20 + b"\r\n"]
)
def test_a_malformed_chunk_head_is_a_bad_reply(server, upstream, bad):
    server.answers(CHUNKED + chunk(b"one") + bad)

    with pytest.raises(BadReply):
        read(upstream, server.url)


@pytest.mark.parametrize("tail", [b"0;last=1\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n"])
def test_extensions_and_trailers_are_left_out(server, upstream, tail):
    server.answers(CHUNKED + b"3;name=value\r\none\r\n" + tail)

    assert read(upstream, server.url) == b"one"


@pytest.mark.parametrize(("behind", "reusable"), [(b"", True), (b"HTTP/1.1 200", False)])
def test_what_follows_the_end_tells_whether_the_connection_can_be_used_again(behind, reusable):
    chunks = Dechunker("acme")

    assert chunks.feed(WIRE + behind) == b"onetwo, longer"
    assert chunks.ended
    assert chunks.reusable is reusable
