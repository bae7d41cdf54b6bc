"""A run whose process died gets its end, and its answer is kept."""

from collections.abc import Iterator, Sequence

import gevent
import pytest
from drivers import Answers, a_run, a_start, an_answer, append, events_of, read_all
from gevent.event import Event
from waiting import BOUND_S, soon

from chatapp.errors import LogUnavailable
from chatapp.events import Entry, RunEnd, RunStart, TextDelta
from chatapp.generation.observer import Observers
from chatapp.generation.recovery import Recovery
from chatapp.logs.memory import MemoryLog
from chatapp.providers import AttemptFailed
from chatapp.transcript import Transcript


class SharedLog(MemoryLog):
    """A log in which dead processes `left` runs. One that is `unreadable` fails to be read once."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[str] = []
        self.unreadable = ""

    def adopt(self) -> Sequence[str]:
        left, self.left = self.left, []
        return left

    def read(self, run_id: str, after: int = 0, wait: float = 0.0, take: object = None) -> Sequence[Entry]:
        if run_id == self.unreadable:
            self.unreadable = ""
            raise LogUnavailable("unreadable")
        return super().read(run_id, after, wait)


class Ended:
    """An observer; `runs` are those that have ended."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, str, int, str | None]] = []

    def started(self, start: RunStart) -> None:
        pytest.fail("a run that is recovered began in another process")

    def ended(self, transcript: Transcript, attempts: Sequence[AttemptFailed], answered_by: str | None) -> None:
        assert transcript.start is not None and transcript.end is not None
        self.runs.append((transcript.start.run_id, transcript.end.reason, len(attempts), answered_by))


@pytest.fixture
def log() -> Iterator[SharedLog]:
    log = SharedLog()
    yield log
    log.close()


@pytest.fixture
def ended() -> Ended:
    return Ended()


@pytest.fixture
def recovery(log: SharedLog, answers: Answers, ended: Ended) -> Iterator[Recovery]:
    recovery = Recovery(log, answers, Observers([ended]), lambda run_id: run_id == "live", retry_s=0.0, creates_s=0.0)
    yield recovery
    recovery.stop()


def leave(log: SharedLog, run_id: str, *texts: str) -> None:
    log.create(run_id)
    append(log, run_id, a_start(run_id), *texts)
    log.left.append(run_id)


def end_of(log: MemoryLog, run_id: str) -> RunEnd:
    start, *_, end = events_of(log, run_id)
    assert isinstance(start, RunStart) and isinstance(end, RunEnd)
    return end


def test_a_left_run_is_ended_as_interrupted(recovery: Recovery, log: SharedLog, answers: Answers, ended: Ended) -> None:
    leave(log, "left", "half")
    recovery.recover()
    assert end_of(log, "left").reason == "interrupted"
    assert answers.kept["left"].content == "half"
    assert ended.runs == [("left", "interrupted", 0, None)]


def test_a_left_run_of_which_nothing_was_written_begins_and_ends(recovery: Recovery, log: SharedLog) -> None:
    log.create("empty")
    log.left.append("empty")
    recovery.recover()
    assert end_of(log, "empty").reason == "interrupted"


def test_an_end_that_was_kept_is_not_contradicted(recovery: Recovery, log: SharedLog, answers: Answers) -> None:
    leave(log, "left", "whole")
    answers.kept["left"] = an_answer("whole", run_id="left")
    recovery.recover()
    assert end_of(log, "left") == answers.kept["left"].end


def test_an_end_that_was_written_is_kept(recovery: Recovery, log: SharedLog, answers: Answers) -> None:
    log.create("left")
    entries = append(log, "left", *[entry.event for entry in a_run("whole", run_id="left")])
    log.left.append("left")
    recovery.recover()
    assert read_all(log, "left") == entries
    assert answers.kept["left"].end == entries[-1].event


def test_a_run_that_cannot_be_read_keeps_no_other_from_its_end(
    recovery: Recovery, log: SharedLog, answers: Answers, caplog: pytest.LogCaptureFixture
) -> None:
    leave(log, "broken")
    leave(log, "left")
    log.unreadable = "broken"
    recovery.recover()
    assert answers.kept.keys() == {"left"} and "cannot be ended now" in caplog.text
    recovery.recover()
    assert answers.kept.keys() == {"left", "broken"}


def test_an_answer_without_a_log_is_ended_too(recovery: Recovery, answers: Answers) -> None:
    answers.lost = ["never-began"]
    recovery.recover()
    end = answers.kept["never-began"].end
    assert end is not None and end.reason == "interrupted"


def test_no_answer_without_a_log_is_ended_once_it_is_stopped(
    log: SharedLog, answers: Answers, ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers.lost = ["never-began"]
    recovery = Recovery(log, answers, Observers([ended]), lambda _: False, creates_s=30.0)
    settled = Event()
    monkeypatch.setattr(log, "settle", lambda _: settled.set())
    recovery.start()
    assert settled.wait(BOUND_S)
    with gevent.Timeout(2.0):  # less than it waits for a store that stands still
        recovery.stop()
    assert answers.lost == ["never-began"] and not answers.kept


def test_an_answer_whose_run_is_made_or_has_a_log_is_no_lost_one(
    recovery: Recovery, log: SharedLog, answers: Answers
) -> None:
    log.create("elsewhere")
    answers.lost = ["live", "elsewhere"]
    recovery.recover()
    assert not answers.kept


def test_an_answer_is_not_lost_while_the_log_takes_no_run(
    recovery: Recovery, log: SharedLog, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may have begun the run, and wait for the log to create it."""
    answers.lost = ["waits"]

    def held(run_id: str) -> None:
        raise LogUnavailable("held")

    with monkeypatch.context() as locked:
        locked.setattr(log, "settle", held)
        with pytest.raises(LogUnavailable):
            recovery.recover()
    assert not answers.kept


def test_it_recovers_from_its_start_on_and_survives_a_store_that_is_away(
    recovery: Recovery,
    log: SharedLog,
    answers: Answers,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    adopt, refusals = log.adopt, iter([True])

    def flaky() -> Sequence[str]:
        if next(refusals, False):
            raise LogUnavailable("away")
        return adopt()

    monkeypatch.setattr(log, "adopt", flaky)
    leave(log, "left", "half")
    recovery.start()
    soon(lambda: "left" in answers.kept)
    assert "recovery failed" in caplog.text
    assert TextDelta("half") in events_of(log, "left")


def test_an_answer_that_the_database_lost_is_kept_again_from_its_log(
    log: SharedLog, answers: Answers, recovery: Recovery
) -> None:
    log.create("run_1")
    for entry in a_run("hello", run_id="run_1"):
        log.append("run_1", entry.event)
    log.settle("run_1")
    log.create("run_2")
    append(log, "run_2", a_start("run_2"), "another process makes it")
    answers.lost = ["run_1", "run_2"]
    recovery.recover()
    assert answers.kept["run_1"].content == "hello" and answers.lost == ["run_2"]
