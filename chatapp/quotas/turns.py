"""Turns at something that only a few may do at a time, of which one owner has only some: nobody
waits for all that another one brings."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from gevent.lock import BoundedSemaphore

from chatapp.errors import ChatappError, LimitExceeded, Overloaded

requester: ContextVar[str] = ContextVar("requester", default="")
"""Who sent the request that is answered here, also while the body is sent. Empty for what no
request needs, such as a run, which waits for no owner's turn: `trace.carrying` does not hand it on
to what a request begins."""


@dataclass
class _Own:
    """An owner's turns, and how many have one or wait for it."""

    turns: BoundedSemaphore
    count: int = 0


class OwnerTurns:
    """`at_once` turns in all, and `each` for one owner. Of one owner at most `waiting` may wait:
    each holds what it brought. `what` takes the turns, such as `file: PDFs`."""

    def __init__(self, at_once: int, each: int, waiting: int, what: str) -> None:
        self._turns = BoundedSemaphore(at_once)
        self._each = each
        self._waiting = waiting
        self._what = what
        self._owners: dict[str, _Own] = {}

    @contextmanager
    def turn(self, owner: str, timeout_s: float) -> Iterator[None]:
        """Wait for it. Raises LimitExceeded if the owner's own are in the way for so long, or too
        many, and Overloaded if others' are. Without an owner (`""`) it is only one of all."""
        with self._own(owner, timeout_s), _held(self._turns, timeout_s, self._late(Overloaded, "others")):
            yield

    @contextmanager
    def _own(self, owner: str, timeout_s: float) -> Iterator[None]:
        if not owner:
            yield
            return
        own = self._owners.setdefault(owner, _Own(BoundedSemaphore(self._each)))
        if own.count >= self._each + self._waiting:
            raise LimitExceeded(f"{self._what} of yours are waiting, {own.count} of them; try again in a moment")
        own.count += 1
        try:
            with _held(own.turns, timeout_s, self._late(LimitExceeded, "yours")):
                yield
        finally:
            own.count -= 1
            if not own.count:
                del self._owners[owner]

    def _late(self, kind: type[ChatappError], whose: str) -> ChatappError:
        return kind(f"{self._what} of {whose} come first; try again in a moment")


@contextmanager
def _held(turns: BoundedSemaphore, timeout_s: float, late: Exception) -> Iterator[None]:
    if not turns.acquire(timeout=timeout_s):
        raise late
    try:
        yield
    finally:
        turns.release()
