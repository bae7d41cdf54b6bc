"""How a greenlet that has much to do lets the others, and their sockets, have their turns.

A turn takes a few milliseconds at most, so long work counts what it does. The counts are for work
that costs some microseconds an event, as reading, writing and rendering events do.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import gevent

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
