"""A block that another greenlet, or another thread, can stop while it waits.

A run uses it for everything it waits for: a provider's connection, headers and body, or a pause of
the mock. A reader uses it to wait for the next event. It knows nothing about the blocks it stops.

The throw happens *inside the hub*, in the same callback that sees the greenlet inside the block. So
it can land nowhere else: not in a parser, not in `log.append`. Measurements showed that
`greenlet.kill` and closing the socket from outside are not safe (docs/decisions/0002-stop.md).
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from gevent import get_hub, getcurrent

P = ParamSpec("P")
T = TypeVar("T")


class _Stop(BaseException):
    """Thrown into the waiting greenlet. Not an Exception: urllib3 must not wrap or retry it."""


class CancelScope:
    """Runs blocking calls for one greenlet; `cancel` ends the current one and all later ones.

    Create the scope in the process that uses it. `reason` is None until the scope is cancelled. It
    is a class or a function that creates the exception, never an instance: an instance would keep
    the stopped frames, and their sockets, alive.

    Scopes nest: a wait in an `inner` scope is stopped by either, each with its own reason. So a
    time limit can end one call while the run, whose scope is the outer one, remains free to make
    another. `outer.run(inner.run, block)` nests two scopes that know nothing of each other.
    """

    def __init__(self, outer: "CancelScope | None" = None) -> None:
        self.reason: Callable[[], BaseException] | None = None
        self._outer = outer
        self._inner: list[CancelScope] = []
        self._waiting: Any = None
        self._loop = get_hub().loop

    def inner(self) -> "CancelScope":
        """A scope that this one stops too: one wait in it is a wait in both. Its maker closes
        it."""
        scope = CancelScope(self)
        self._inner.append(scope)
        scope.reason = self.reason  # read last: a thread may cancel meanwhile
        return scope

    def close(self) -> None:
        """Nothing waits in this scope any more: let the outer one forget it. Idempotent."""
        if self._outer is not None and self in self._outer._inner:
            self._outer._inner.remove(self)

    def cancel(self, reason: Callable[[], BaseException]) -> None:
        """Stop the block in the scope with the exception `reason()`. The first reason wins.

        It may be called from any greenlet and any thread.
        """
        if self.reason is None:
            self.reason = reason
            for inner in tuple(self._inner):
                inner.cancel(reason)
            self._loop.run_callback_threadsafe(self._throw)

    def check(self) -> None:
        """Raise the reason if cancelled. Call it before a step that does not wait in the scope."""
        if self.reason is not None:
            raise self.reason()

    def run(self, block: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `block`, which may wait; raise the reason as soon as the scope is cancelled."""
        if self.reason is not None:
            raise self.reason()
        self._waiting = getcurrent()
        try:
            return block(*args, **kwargs)
        except _Stop:
            if self.reason is None:
                raise  # meant for a scope around this one
            # The reason is raised below, outside: the handled exception would keep a half-open
            # socket alive.
        finally:
            self._waiting = None
        raise self.reason()

    def _throw(self) -> None:
        """Runs in the hub, so the greenlet cannot move between the test and the throw."""
        greenlet, self._waiting = self._waiting, None
        if greenlet is not None:
            greenlet.throw(_Stop)
