"""A response's body: as it arrives, to its end, stopped, limited; and its connection afterwards."""

import gc
import gzip
import os

import gevent
import pytest
from gevent.event import Event
from waiting import soon
from wire.calls import (
    BOUND,
    CHUNKED,
    END,
    HEAD,
    UNBOUNDED,
    again,
    assert_stops,
    chunk,
    post,
    read,
    reading,
)

from chatapp.cancel import CancelScope
from chatapp.errors import ReplyTooLarge, Truncated, UpstreamTimeout

both_ways = pytest.mark.parametrize("head", [CHUNKED, UNBOUNDED], ids=["socket", "urllib3"])


@both_ways
def test_a_piece_is_there_before_the_next_is_sent(either, upstream, head):
    taken = Event()

    def script(connection, request):
        connection.send(head)
        connection.send(chunk(b"one"))
        assert taken.wait(BOUND)
        connection.send(chunk(b"two") + END)

    either.script = script
    with post(upstream, either.url) as response:
        body = response.body()
        assert b"one" in next(body)
        taken.set()
        assert b"two" in b"".join(body)


def test_a_body_short_of_its_length_is_truncated(server, upstream):
    for cut in range(6):
        server.answers(HEAD + b"Content-Length: 6\r\n\r\n" + b"onetwo"[:cut])
        with pytest.raises(Truncated):
            read(upstream, server.url)


# The connection afterwards


@pytest.mark.parametrize("head", [CHUNKED, HEAD + b"Content-Length: 3\r\n\r\n"], ids=["socket", "urllib3"])
def test_a_connection_whose_body_was_read_is_used_again(either, upstream, head):
    either.script = again(head, chunk(b"one") + END if head is CHUNKED else b"one")

    for _ in range(3):
        assert read(upstream, either.url) == b"one"
    assert either.connections == 1


def test_a_reply_that_ends_before_its_body_is_drained(server, upstream):
    server.script = again(CHUNKED + chunk(b"one"), END)

    for _ in range(3):
        with post(upstream, server.url) as response:
            assert next(response.body()) == b"one"
            response.drain()
    assert server.connections == 1


def test_draining_gives_up_on_a_body_without_an_end(server, upstream):
    server.hangs_after(CHUNKED + chunk(b"one"))

    with post(upstream, server.url) as response:
        assert next(response.body()) == b"one"
        response.drain()
    assert server.seen_close.get(timeout=BOUND)


@pytest.mark.parametrize("junk", [b"junk", CHUNKED + END])
def test_a_connection_with_something_behind_the_end_is_not_used_again(server, upstream, junk):
    server.script = again(CHUNKED + chunk(b"one") + END + junk)

    assert read(upstream, server.url) == b"one"
    assert read(upstream, server.url) == b"one"
    assert server.connections == 2


def test_a_body_left_unread_closes_its_connection(server, upstream):
    server.hangs_after(CHUNKED + chunk(b"one"))

    with post(upstream, server.url) as response:
        next(response.body())
    assert server.seen_close.get(timeout=BOUND)


def test_closing_the_response_is_a_stop_too(either, upstream):
    either.hangs_after(CHUNKED, chunk(b"one"))
    response = post(upstream, either.url)
    next(response.body())
    response.close()

    assert either.seen_close.get(timeout=BOUND)


# Stop


@both_ways
def test_stop_in_a_silent_body(either, upstream, head):
    either.hangs_after(head, chunk(b"one"))
    scope = CancelScope()
    with post(upstream, either.url, scope) as response:
        next(response.body())
        call = gevent.spawn(next, response.body())
        gevent.idle()
        assert_stops(call, scope)
    assert either.seen_close.get(timeout=BOUND)


@both_ways
def test_stop_in_a_flowing_body(either, upstream, head):
    def script(connection, request):
        connection.send(head)
        while True:
            connection.send(chunk(b"one"))
            gevent.sleep(0.001)

    either.script = script
    scope, taken = CancelScope(), Event()

    def take():
        with post(upstream, either.url, scope) as response:
            for _ in response.body():
                taken.set()

    call = gevent.spawn(take)
    assert taken.wait(BOUND)
    assert_stops(call, scope, either)


def test_stops_leave_no_descriptor_and_a_healthy_pool(either, upstream):
    def descriptors():
        return len(os.listdir("/proc/self/fd"))

    gc.disable()  # nothing may depend on it
    try:
        read_one = again(CHUNKED + chunk(b"one") + END)
        either.script = read_one
        assert read(upstream, either.url) == b"one"
        before = descriptors()
        for round in range(20):
            either.hangs_after(*([], [CHUNKED], [CHUNKED, chunk(b"one")], [UNBOUNDED, b"x"])[round % 4])
            scope, seen = CancelScope(), len(either.requests)
            call = reading(upstream, either.url, scope)
            soon(lambda seen=seen: len(either.requests) > seen)
            assert_stops(call, scope)
        either.script = read_one
        for _ in range(3):
            assert read(upstream, either.url) == b"one"
        soon(lambda: descriptors() <= before)
    finally:
        gc.enable()


# Limits


@both_ways
def test_silence_in_the_body_is_a_timeout(either, limited, head):
    either.hangs_after(head, chunk(b"one"))

    with pytest.raises(UpstreamTimeout):
        read(limited(silence_timeout=0.1), either.url)
    assert either.seen_close.get(timeout=BOUND)


@both_ways
def test_a_reply_that_never_ends_is_a_timeout(server, limited, head):
    def script(connection, request):
        connection.send(head)
        while True:
            connection.send(chunk(b"one"))
            gevent.sleep(0.01)

    server.script = script
    with pytest.raises(UpstreamTimeout):
        read(limited(total_timeout=0.2), server.url)
    assert server.seen_close.get(timeout=BOUND)


def test_what_the_reader_does_meanwhile_is_not_the_providers_silence(server, limited):
    go_on = Event()

    def script(connection, request):
        connection.send(CHUNKED + chunk(b"one"))
        assert go_on.wait(BOUND)
        connection.send(chunk(b"two") + END)

    server.script = script
    with post(limited(silence_timeout=0.1), server.url) as response:
        body = response.body()
        assert next(body) == b"one"
        gevent.sleep(0.3)  # three times what is allowed
        go_on.set()
        assert b"".join(body) == b"two"


@both_ways
def test_a_reply_without_bound_is_cut_off(server, limited, head):
    def script(connection, request):
        connection.send(head)
        while True:
            connection.send(chunk(b"x" * 10_000))

    server.script = script
    with pytest.raises(ReplyTooLarge, match="more than 100000 bytes .setting max_stream_bytes.$"):
        read(limited(max_stream_bytes=100_000), server.url)
    assert server.seen_close.get(timeout=BOUND)


def test_a_reply_that_unpacks_without_bound_is_cut_off(server, limited):
    bomb = gzip.compress(b"\0" * 50_000_000)
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    server.answers(head, bomb)

    with pytest.raises(ReplyTooLarge):
        read(limited(max_stream_bytes=1_000_000), server.url)
