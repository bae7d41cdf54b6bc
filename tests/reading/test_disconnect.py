"""What a reader's leaving does to the run that it read."""

import logging
from collections.abc import Callable

import pytest

from chatapp.errors import DatabaseUnavailable, LogUnavailable, UnknownRun
from chatapp.reading.disconnect import DisconnectPolicy, OnLeave
from chatapp.reading.presence import Presence


class Run:
    """The policy of one run, "r", with its clock: `pass_time` lets the grace pass."""

    def __init__(self) -> None:
        self.stopped = 0
        self.visits = 0
        self.failure: Exception | None = None
        self._later: list[tuple[Callable[..., None], tuple[object, ...]]] = []
        self._policy = DisconnectPolicy(Presence(), self._cancel, self._visits, 5.0, self._schedule)

    def open(self) -> None:
        self._policy.reader_opened("r")

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
