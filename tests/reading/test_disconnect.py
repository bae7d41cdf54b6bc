"""What a reader's leaving does to the run that it read."""

import logging
from collections.abc import Callable

import pytest

from chatapp.errors import DatabaseUnavailable, LogUnavailable, UnknownRun
from chatapp.reading.disconnect import DisconnectPolicy, OnLeave
from chatapp.reading.presence import Presence


class Elsewhere:
    """What other processes know: whether they have readers, and for which visit the run waits."""

    def __init__(self) -> None:
        self.has_readers = False
        self.awaited: int | None = None
        self.told: list[str] = []

    def attend(self, run_id: str) -> None:
        self.told.append(run_id)

    def leave(self, run_id: str, visit: int | None) -> int | None:
        self.told.remove(run_id)
        self._await(visit)
        return None if self.has_readers else self.awaited

    def attended(self, run_id: str, visit: int) -> bool:
        self._await(visit)
        return self.has_readers

    def _await(self, visit: int | None) -> None:
        if visit is not None:
            self.awaited = max(visit, self.awaited or 0)


class Run:
    """The policy of one run, "r", with its clock: `pass_time` lets the grace pass."""

    def __init__(self) -> None:
        self.elsewhere = Elsewhere()
        self.stopped = 0
        self.visits = 0
        self.failure: Exception | None = None
        self._later: list[tuple[Callable[..., None], tuple[object, ...]]] = []
        self._policy = DisconnectPolicy(Presence(), self.elsewhere, self._cancel, self._visits, 5.0, self._schedule)

    def open(self) -> None:
        self._policy.reader_opened(OnLeave("r"))

    def close(self, stops: bool = True, visit: int | None = None, early: bool = True) -> None:
        self._policy.reader_closed(OnLeave("r", stops, visit), early)

    def pass_time(self) -> None:
        while self._later:
            step, args = self._later.pop(0)
            step(*args)

    def _schedule(self, seconds: float, step: Callable[..., None], *args: object) -> None:
        assert seconds == 5.0
        self._later.append((step, args))

    def _cancel(self, run_id: str) -> None:
        assert run_id == "r"
        if self.failure:
            raise self.failure
        self.stopped += 1

    def _visits(self, run_id: str) -> int:
        if self.failure:
            raise self.failure
        return self.visits


@pytest.fixture
def run() -> Run:
    return Run()


def test_a_reader_whose_leaving_stops_the_run_stops_it_at_once(run: Run) -> None:
    run.open()
    run.close()
    assert run.stopped == 1


@pytest.mark.parametrize(("stops", "early"), [(False, True), (True, False), (False, False)])
def test_a_reader_that_may_leave_or_has_seen_the_end_stops_nothing(run: Run, stops: bool, early: bool) -> None:
    for visit in (None, 0):
        run.open()
        run.close(stops, visit, early)
    run.pass_time()
    assert not run.stopped


def test_a_client_that_returns_in_time_stops_nothing_until_it_leaves_for_good(run: Run) -> None:
    run.open()
    run.close(visit=0)
    run.visits = 1
    run.open()
    run.pass_time()
    assert not run.stopped
    run.close(visit=1)
    run.pass_time()
    assert run.stopped == 1


def test_a_client_that_returned_to_another_worker_stops_nothing(run: Run) -> None:
    run.open()
    run.close(visit=0)
    run.visits = 1
    run.pass_time()
    assert not run.stopped


def test_a_second_tab_that_closes_stops_nothing_while_the_first_one_reads(run: Run) -> None:
    run.open()
    run.visits = 1
    run.open()
    run.close(visit=1)
    run.pass_time()
    assert not run.stopped
    run.close(visit=0)
    run.pass_time()
    assert run.stopped == 1


def test_the_last_reader_of_all_stops_it_even_if_its_own_leaving_would_not(run: Run) -> None:
    run.open()
    run.open()
    run.close(visit=0)
    run.pass_time()
    assert not run.stopped
    run.close(stops=False)
    run.pass_time()
    assert run.stopped == 1


def test_a_run_that_cannot_be_stopped_is_logged_and_raises_nothing(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "chatapp"):
        run.failure = UnknownRun("gone")
        run.open()
        run.close()
        assert not caplog.records  # it ended long ago
        run.failure = LogUnavailable("away")
        run.open()
        run.close()
        assert "was not stopped" in caplog.text


def test_a_run_whose_visits_cannot_be_read_goes_on(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    run.failure = DatabaseUnavailable("away")
    with caplog.at_level(logging.WARNING, "chatapp"):
        run.open()
        run.close(visit=0)
        run.pass_time()
    assert not run.stopped and "goes on" in caplog.text


def test_a_tab_that_closes_here_stops_nothing_that_is_read_elsewhere(run: Run) -> None:
    run.elsewhere.has_readers = True
    run.open()
    run.visits = 1
    run.close(visit=1)
    run.pass_time()
    assert not run.stopped and run.elsewhere.awaited == 1


def test_the_last_reader_of_all_workers_stops_it(run: Run) -> None:
    run.elsewhere.awaited = run.visits = 1  # that client left at another worker
    run.open()
    run.close(visit=0)
    run.pass_time()
    assert run.stopped == 1


def test_somebody_who_comes_to_another_worker_in_time_keeps_it(run: Run) -> None:
    run.open()
    run.close(visit=0)
    run.elsewhere.has_readers = True
    run.pass_time()
    assert not run.stopped


def test_other_workers_hear_of_readers_whose_leaving_may_matter_there(run: Run) -> None:
    policy = run._policy
    bound, follower = OnLeave("r", stops=True), OnLeave("r")
    policy.reader_opened(bound)
    assert run.elsewhere.told == []
    for _ in range(2):
        policy.reader_opened(follower)
        assert run.elsewhere.told == ["r"]
    for _ in range(2):
        policy.reader_closed(follower, early=True)
    policy.reader_closed(bound, early=False)
    assert run.elsewhere.told == []
