import gc
import weakref
from collections.abc import Iterator

import gevent
import pytest

from chatapp.errors import BadReply, Truncated
from chatapp.providers.push_decoder import Stepwise


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
    stepwise = Stepwise(lines)
    assert [stepwise.feed(piece) for piece in (b"a", b"b\n", b"c\nd\ne")] == [[], [b"ab"], [b"c", b"d"]]
    assert not stepwise.done
    assert stepwise.end() == [b"e"] and stepwise.done


def test_a_decoder_that_has_enough_is_done() -> None:
    stepwise = Stepwise(lines)
    assert stepwise.feed(b"a\n.\nb\n") == [b"a"] and stepwise.done
    stepwise.check()


def test_what_came_before_a_failure_is_given_before_it() -> None:
    stepwise = Stepwise(lines)
    assert stepwise.feed(b"a\n!\n") == [b"a"] and stepwise.done
    with pytest.raises(BadReply):
        stepwise.check()


def test_a_body_that_breaks_off_is_the_decoders_to_judge() -> None:
    forgiven, blamed = Stepwise(lines), Stepwise(lines)
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

    stepwise = Stepwise(broken)
    with pytest.raises(ZeroDivisionError):
        stepwise.feed(b"a")


def test_another_greenlet_may_read_on() -> None:
    stepwise = Stepwise(lines)
    pieces = [gevent.spawn(stepwise.feed, piece).get() for piece in (b"a", b"b\n", b".\n")]
    assert pieces == [[], [b"ab"], []] and stepwise.done


def test_a_decoder_left_in_the_middle_is_ended() -> None:
    ended = []

    def watched(body: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from lines(body)
        finally:
            ended.append(True)

    for pieces in ([], [b"a\n"], [b"a\n", b".\n"]):
        stepwise = Stepwise(watched)
        for piece in pieces:
            stepwise.feed(piece)
        stepwise.close()
        stepwise.close()
    assert len(ended) == 2


def test_a_failure_keeps_nothing_alive() -> None:
    gc.collect()
    gc.disable()
    try:
        stepwise = Stepwise(lines)
        stepwise.feed(b"!\n")
        with pytest.raises(BadReply):
            stepwise.check()
        gone = weakref.ref(stepwise)
        del stepwise
        assert gone() is None
    finally:
        gc.enable()
