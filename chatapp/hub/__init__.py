"""How a greenlet that has much to do lets the others, and their sockets, have their turns.

A turn takes a few milliseconds at most, so long work counts what it does. The counts are for work
that costs some microseconds an event, as reading, writing and rendering events do. `large_values`
works on one value in pieces; `stacks` calls what goes deep without keeping its memory.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import gevent
from gevent.event import AsyncResult
from gevent.threadpool import ThreadPool

T = TypeVar("T")

TURN_WORK = 65_536
"""In characters or bytes."""

ITEM_WORK = 128
"""An event costs as much as so many characters."""

TURN_ITEMS = 200
"""Messages of a request, for instance: a millisecond, for what is done with each in one place."""

# More than 0: that would run other greenlets, but not look whether a socket can be read, so that
# whatever waits for one waits until all work is done.
SHORTEST_S = 1e-6


def let_others_run() -> None:
    """Return once everything that can go on has had its turn, with the sockets that became
    ready."""
    gevent.sleep(SHORTEST_S)


def with_pauses(items: Iterable[T], every: int = TURN_ITEMS, weight: Callable[[T], int] | None = None) -> Iterator[T]:
    """The items, with a pause after each so many: for work on each of them that costs some µs.
    `weight` tells how many others an item counts for."""
    done = 0
    for item in items:
        if done >= every:
            let_others_run()
            done = 0
        yield item
        done += weight(item) if weight else 1


def on_thread(threads: ThreadPool, call: Callable[[], T]) -> T:
    """What `call` gives or raises on one of the threads. Whatever is thrown into the greenlet that
    waits, it waits until the call has returned.

    gevent prints what is raised there before it hands it over; if that cannot be written, as when
    the disk is full, it never does, and the greenlet waits for ever. So nothing is raised there.
    """
    running = threads.spawn(_outcome, call)
    try:
        outcome = running.get()
    except BaseException:
        _wait_out(running)  # if it was thrown into this greenlet, the call goes on
        raise
    assert outcome is not None  # there is no time limit
    made, error = outcome
    if error is None:
        return made  # type: ignore[return-value]  # None only if T is
    try:
        raise error
    finally:
        del error, outcome, running  # the traceback of the error has this frame


def _wait_out(running: "AsyncResult[T]") -> None:
    """Wait for the end of the call, whatever else is thrown into this greenlet; then raise that."""
    try:
        running.wait()
    except BaseException:
        _wait_out(running)
        raise


def _outcome(call: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    try:
        return call(), None
    except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
        return None, error
