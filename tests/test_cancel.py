"""A scope inside another: one wait in both, ended by either, each with its own reason."""

import gevent
import pytest

from chatapp.cancel import CancelScope


class Outer(Exception):
    pass


class Inner(Exception):
    pass


def wait_in(scope: CancelScope) -> "gevent.Greenlet[..., BaseException | None]":
    def wait() -> BaseException | None:
        try:
            scope.run(gevent.sleep, 60)
        except (Outer, Inner) as error:
            return error
        return None

    greenlet = gevent.spawn(wait)
    gevent.sleep(0.001)
    return greenlet


def test_the_outer_scope_ends_a_wait_in_an_inner_one() -> None:
    outer = CancelScope()
    waits = [wait_in(outer.inner()) for _ in range(2)]
    outer.cancel(Outer)
    assert [type(wait.get(timeout=5)) for wait in waits] == [Outer, Outer]


def test_an_inner_scope_ends_only_its_own_wait() -> None:
    outer = CancelScope()
    inner, other = outer.inner(), outer.inner()
    wait, another = wait_in(inner), wait_in(other)
    inner.cancel(Inner)
    assert isinstance(wait.get(timeout=5), Inner)
    outer.cancel(Outer)
    assert isinstance(another.get(timeout=5), Outer)
    with pytest.raises(Inner):  # the first reason wins
        inner.check()


def test_nothing_is_begun_inside_a_scope_that_was_cancelled() -> None:
    outer = CancelScope()
    outer.cancel(Outer)
    with pytest.raises(Outer):
        outer.inner().run(gevent.sleep, 60)


def test_a_closed_scope_is_forgotten() -> None:
    outer = CancelScope()
    inner = outer.inner()
    inner.close()
    inner.close()
    outer.cancel(Outer)
    inner.check()
    assert outer._inner == []
