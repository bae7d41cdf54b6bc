"""Turns at something that only a few may do at a time, of which one owner has one at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gevent.lock import BoundedSemaphore

from chatapp.errors import ChatappError, LimitExceeded, Overloaded


@dataclass
class _Own:
    """An owner's turn, and how many of his have it or wait for it."""

    turn: BoundedSemaphore = field(default_factory=BoundedSemaphore)
    count: int = 0


class OwnerTurns:
    """`at_once` turns in all, and one for each owner, so that nobody waits for all that another one
    brings. Of one owner at most `waiting` may wait: each holds what it brought. `what` takes the
    turns, such as `file: PDFs`."""

    def __init__(self, at_once: int, waiting: int, what: str) -> None:
        self._turns = BoundedSemaphore(at_once)
        self._waiting = waiting
        self._what = what
        self._owners: dict[str, _Own] = {}

    @contextmanager
    def turn(self, owner: str, timeout_s: float) -> Iterator[None]:
        """Wait for it. Raises LimitExceeded if the owner's own are in the way for so long, or too
        many, and Overloaded if others' are."""
        own = self._owners.setdefault(owner, _Own())
        if own.count > self._waiting:
            raise LimitExceeded(f"{self._what} of yours are waiting, {own.count} of them; try again in a moment")
        own.count += 1
        try:
            mine, others = self._late(LimitExceeded, "yours"), self._late(Overloaded, "others")
            with _held(own.turn, timeout_s, mine), _held(self._turns, timeout_s, others):
                yield
        finally:
            own.count -= 1
            if not own.count:
                del self._owners[owner]

    def _late(self, kind: type[ChatappError], whose: str) -> ChatappError:
        return kind(f"{self._what} of {whose} are being read; try again in a moment")


@contextmanager
def _held(turn: BoundedSemaphore, timeout_s: float, late: Exception) -> Iterator[None]:
    if not turn.acquire(timeout=timeout_s):
        raise late
    try:
        yield
    finally:
        turn.release()
