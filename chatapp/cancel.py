"""A block that another greenlet, or another thread, can stop while it waits.

Used for everything a run waits for: a provider's connection, headers and body, a pause of the mock; and for a
reader's wait for the next event. It knows nothing of what it stops.

How: the throw happens *inside the hub*, in the same callback that sees the greenlet standing inside the block.
So it can land nowhere else: not in a parser, not in `log.append`. `greenlet.kill` and closing the socket from
outside were measured and are not safe (docs/decisions/0002-stop.md).
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from gevent import get_hub, getcurrent

P = ParamSpec("P")
T = TypeVar("T")


class _Stop(BaseException):
    """Thrown into the waiting greenlet. Not an Exception, so that urllib3 neither wraps nor retries it."""


class CancelScope:
    """Runs blocking calls for one greenlet; `cancel` from anywhere ends the one under way, and all later ones.

    Make it in the process that uses it. `reason` is None until cancelled; it is a class or a function that makes
    the exception, never an instance: an instance would keep the stopped frames, and their sockets, alive.

    Scopes nest: `outer.run(inner.run, block)` is stopped by either, each with its own reason. That is how a time
    limit ends one call and leaves the run, whose scope is the outer one, free to make another.
    """

    def __init__(self) -> None:
        self.reason: Callable[[], BaseException] | None = None
        self._waiting: Any = None
        self._loop = get_hub().loop

    def cancel(self, reason: Callable[[], BaseException]) -> None:
        """Stop what runs in the scope with the exception `reason()`. The first reason wins; safe from any thread."""
        if self.reason is None:
            self.reason = reason
            self._loop.run_callback_threadsafe(self._throw)

    def check(self) -> None:
        """Raise the reason if cancelled: to be asked before a step that does not wait in the scope."""
        if self.reason is not None:
            raise self.reason()

    def run(self, block: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `block`, which may wait; raise the reason at once when cancelled."""
        self.check()
        self._waiting = getcurrent()
        try:
            return block(*args, **kwargs)
        except _Stop:
            if self.reason is None:
                raise  # meant for a scope around this one
            # The reason is raised below, outside: the handled exception would keep a half-open socket alive.
        finally:
            self._waiting = None
        assert self.reason is not None
        raise self.reason()

    def _throw(self) -> None:
        """In the hub: the greenlet cannot move between the test and the throw."""
        greenlet, self._waiting = self._waiting, None
        if greenlet is not None:
            greenlet.throw(_Stop)
