"""A call on a stack of its own is like any other: its result, its errors, its context, and what is
thrown into it while it waits."""

from contextvars import ContextVar

import gevent
import pytest
from garbage import left_by
from gevent.event import Event
from greenlet import getcurrent

from chatapp.cancel import CancelScope
from chatapp.hub.stacks import on_own_stack

named: ContextVar[str] = ContextVar("named", default="")


class Stopped(Exception):
    pass


def test_it_gives_the_result_of_a_call_that_waits() -> None:
    def call(first: int, *, second: int) -> tuple[int, bool]:
        gevent.sleep(0.001)
        return first + second, getcurrent() is caller

    caller = getcurrent()
    assert on_own_stack(call, 1, second=2) == (3, False)


def test_it_raises_what_the_call_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        on_own_stack(lambda: 1 // 0)


def test_they_share_a_context() -> None:
    def caller() -> tuple[str, str]:
        named.set("by the caller")
        seen = on_own_stack(call)
        return seen, named.get()

    def call() -> str:
        seen = named.get()
        named.set("by the call")
        return seen

    assert gevent.spawn(caller).get() == ("by the caller", "by the call")


def test_a_context_begins_with_the_call_if_there_was_none() -> None:
    def caller() -> str:
        on_own_stack(named.set, "by the call")
        return named.get()

    assert gevent.spawn(caller).get() == "by the call"


@pytest.mark.parametrize("outside", [True, False])
def test_a_scope_ends_the_call_whether_it_is_around_it_or_inside(outside: bool) -> None:
    scope, ended = CancelScope(), Event()

    def wait() -> None:
        try:
            gevent.sleep(60)
        finally:
            ended.set()

    gevent.spawn(scope.cancel, Stopped)
    with pytest.raises(Stopped):
        scope.run(on_own_stack, wait) if outside else on_own_stack(scope.run, wait)
    assert ended.is_set()


def test_a_call_that_is_ended_leaves_no_circles() -> None:
    def call() -> None:
        scope = CancelScope()
        gevent.spawn(scope.cancel, Stopped)
        with pytest.raises(Stopped):
            scope.run(on_own_stack, gevent.sleep, 60)

    assert not left_by(call)


def test_a_killed_caller_ends_the_call() -> None:
    waiting, ended = Event(), Event()

    def wait() -> None:
        try:
            waiting.set()
            gevent.sleep(60)
        finally:
            gevent.sleep(0.001)
            ended.set()

    caller = gevent.spawn(on_own_stack, wait)
    assert waiting.wait(10)
    caller.kill()
    assert ended.is_set() and isinstance(caller.value, gevent.GreenletExit)


def test_a_call_that_catches_what_is_thrown_goes_on() -> None:
    def call() -> str:
        try:
            gevent.sleep(60)
        except gevent.Timeout:
            gevent.sleep(0.001)
        return "went on"

    with gevent.Timeout(0.01):
        assert on_own_stack(call) == "went on"
