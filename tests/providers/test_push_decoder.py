import gc
import weakref
from collections.abc import Iterator

import gevent
import pytest

from chatapp.errors import BadReply, Truncated
from chatapp.providers.push_decoder import PushDecoder


def lines(body: Iterator[bytes]) -> Iterator[bytes]:
    """A decoder: the lines of a body, the last without its end; `!` fails, `.` is the last."""
    rest = b""
    try:
        for piece in body:
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                if line == b"!":
                    raise BadReply("!")
                if line == b".":
                    return
                yield line
    except Truncated:
        if rest:
            raise
    if rest:
        yield rest


def test_each_piece_gives_what_it_completes() -> None:
    decoder = PushDecoder(lines)
    assert [decoder.feed(piece) for piece in (b"a", b"b\n", b"c\nd\ne")] == [[], [b"ab"], [b"c", b"d"]]
    assert not decoder.done
    assert decoder.end() == [b"e"] and decoder.done


def test_a_decoder_that_has_enough_is_done() -> None:
    decoder = PushDecoder(lines)
    assert decoder.feed(b"a\n.\nb\n") == [b"a"] and decoder.done
    decoder.check()


def test_what_came_before_a_failure_is_given_before_it() -> None:
    decoder = PushDecoder(lines)
    assert decoder.feed(b"a\n!\n") == [b"a"] and decoder.done
    with pytest.raises(BadReply):
        decoder.check()


def test_a_body_that_breaks_off_is_the_decoders_to_judge() -> None:
    forgiven, blamed = PushDecoder(lines), PushDecoder(lines)
    forgiven.feed(b"a\n")
    blamed.feed(b"a\nb")
    assert forgiven.end(Truncated("cut")) == blamed.end(Truncated("cut")) == []
    forgiven.check()
    with pytest.raises(Truncated):
        blamed.check()


def test_a_bug_in_a_decoder_is_not_hidden() -> None:
    def broken(body: Iterator[bytes]) -> Iterator[bytes]:
        yield next(body)
        raise ZeroDivisionError

    decoder = PushDecoder(broken)
    with pytest.raises(ZeroDivisionError):
        decoder.feed(b"a")


def test_another_greenlet_may_read_on() -> None:
    decoder = PushDecoder(lines)
    pieces = [gevent.spawn(decoder.feed, piece).get() for piece in (b"a", b"b\n", b".\n")]
    assert pieces == [[], [b"ab"], []] and decoder.done


def test_a_decoder_left_in_the_middle_is_ended() -> None:
    ended = []

    def watched(body: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from lines(body)
        finally:
            ended.append(True)

    for pieces in ([], [b"a\n"], [b"a\n", b".\n"]):
        decoder = PushDecoder(watched)
        for piece in pieces:
            decoder.feed(piece)
        decoder.close()
        decoder.close()
    assert len(ended) == 2


def test_a_failure_keeps_nothing_alive() -> None:
    gc.collect()
    gc.disable()
    try:
        decoder = PushDecoder(lines)
        decoder.feed(b"!\n")
        with pytest.raises(BadReply):
            decoder.check()
        gone = weakref.ref(decoder)
        del decoder
        assert gone() is None
    finally:
        gc.enable()
