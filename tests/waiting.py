"""How tests wait: for what they expect, with a bound."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import gevent

BOUND_S = 10.0  # for what takes milliseconds
START_S = 60.0  # for a process that starts on a busy machine

T = TypeVar("T")


def soon(
    look: Callable[[], T],
    *despite: type[Exception],
    within: float = BOUND_S,
    failure: Callable[[], str] = lambda: "waited in vain",
) -> T:
    """The first true value of `look`, which may raise `despite` before. After `within` seconds it fails
    with what `failure` then says."""
    late = gevent.Timeout(within)
    try:
        with late:
            while True:
                with suppress(*despite):
                    if seen := look():
                        return seen
                gevent.sleep(0.01)
    except gevent.Timeout as timeout:
        if timeout is not late:
            raise
        raise AssertionError(f"after {within} s: {failure()}") from None
