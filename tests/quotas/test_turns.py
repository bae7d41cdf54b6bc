"""One owner has one turn at a time, and waits behind nobody but himself while there are others."""

from collections.abc import Iterator
from contextlib import ExitStack

import gevent
import pytest
from gevent.event import Event

from chatapp.errors import LimitExceeded, Overloaded
from chatapp.quotas.turns import OwnerTurns

SOON_S = 0.02


class Worker:
    """Takes turns, and keeps each until it is let go."""

    def __init__(self, turns: OwnerTurns) -> None:
        self.turns = turns
        self.working: list[str] = []
        self.done = Event()

    def begin(self, owner: str, timeout_s: float = 10.0) -> "gevent.Greenlet[..., None]":
        started = gevent.spawn(self._work, owner, timeout_s)
        gevent.idle()
        return started

    def _work(self, owner: str, timeout_s: float) -> None:
        with self.turns.turn(owner, timeout_s):
            self.working.append(owner)
            self.done.wait()


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker(OwnerTurns(at_once=2, each=1, waiting=2, what="file: PDFs"))
    yield made
    made.done.set()


def test_an_owner_has_one_of_the_turns_whatever_he_brings(worker: Worker) -> None:
    waiting = [worker.begin("ann") for _ in range(3)]
    worker.begin("bob")
    assert worker.working == ["ann", "bob"]
    worker.done.set()
    gevent.joinall(waiting, raise_error=True)
    assert worker.working == ["ann", "bob", "ann", "ann"]


def test_who_waits_too_long_is_told_for_whom(worker: Worker) -> None:
    worker.begin("ann")
    with pytest.raises(LimitExceeded, match="^file: PDFs of yours come first"), worker.turns.turn("ann", SOON_S):
        pass
    worker.begin("bob")
    with pytest.raises(Overloaded, match="^file: PDFs of others come first"), worker.turns.turn("cid", SOON_S):
        pass


def test_only_so_many_of_an_owner_wait(worker: Worker) -> None:
    for _ in range(3):
        worker.begin("ann")
    with (
        pytest.raises(LimitExceeded, match="^file: PDFs of yours are waiting, 3 of them"),
        worker.turns.turn("ann", 10),
    ):
        pass


def test_nothing_is_kept_of_an_owner_who_is_done() -> None:
    turns = OwnerTurns(1, 1, 1, "file: PDFs")
    with ExitStack() as stack:
        stack.enter_context(turns.turn("ann", SOON_S))
        with pytest.raises(Overloaded), turns.turn("bob", SOON_S):
            pass
    assert not turns._owners
    with turns.turn("bob", SOON_S):
        pass


def test_nobodys_work_waits_for_its_place_alone(worker: Worker) -> None:
    for owner in ("ann", "", "ann"):
        worker.begin(owner)
    assert worker.working == ["ann", ""]
