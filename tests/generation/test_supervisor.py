"""Exactly one `run-end` for each run, whatever happens; and the answer is kept."""

from collections.abc import Iterator, Sequence

import gevent
import pytest
from drivers import Answers, ScriptedProvider, a_chat, events_of, hang
from waiting import soon

from chatapp.errors import LogUnavailable, Overloaded, UnknownRun
from chatapp.events import RunEnd, RunStart, StreamEvent, TextDelta, Usage
from chatapp.generation.supervisor import RunSupervisor
from chatapp.logs.memory import MemoryLog
from chatapp.providers import AttemptFailed, Finished, Started
from chatapp.quotas.places import OwnerPlaces
from chatapp.transcript import Transcript

COMPLETE = [
    Started(),
    AttemptFailed("scripted", "rate_limited"),
    TextDelta("fi"),
    TextDelta("ne"),
    Finished("stop", Usage(3, 2, 5)),
]


class Heard:
    """An observer that notes what it is told."""

    def __init__(self) -> None:
        self.started_runs: list[str] = []
        self.ended_runs: list[tuple[str | None, list[AttemptFailed], str | None]] = []

    def started(self, start: RunStart) -> None:
        self.started_runs.append(start.run_id)

    def ended(self, transcript: Transcript, attempts: Sequence[AttemptFailed], answered_by: str | None) -> None:
        assert transcript.end is not None
        self.ended_runs.append((transcript.end.reason, list(attempts), answered_by))


class Broken:
    """An observer that fails."""

    def started(self, start: RunStart) -> None:
        raise ZeroDivisionError

    def ended(self, transcript: Transcript, attempts: Sequence[AttemptFailed], answered_by: str | None) -> None:
        raise ZeroDivisionError


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def runs(log: MemoryLog, answers: Answers, heard: Heard) -> Iterator[RunSupervisor]:
    runs = RunSupervisor(
        log, answers, OwnerPlaces(3, 1.0, "running answers", "max_live_runs"), observers=[Broken(), heard]
    )
    yield runs
    runs.drain(0)


def begin(runs: RunSupervisor, run_id: str, provider: ScriptedProvider | None = None) -> None:
    runs.begin(run_id, "trace", provider or ScriptedProvider(COMPLETE), a_chat())


def silent() -> ScriptedProvider:
    return ScriptedProvider([hang])


def end_of(log: MemoryLog, run_id: str) -> RunEnd:
    start, *middle, end = events_of(log, run_id)
    assert isinstance(start, RunStart) and isinstance(end, RunEnd)
    assert not [event for event in middle if isinstance(event, RunEnd)]
    return end


def kept(answers: Answers, run_id: str) -> Transcript:
    return soon(lambda: answers.kept.get(run_id))


def refuse(log: MemoryLog, monkeypatch: pytest.MonkeyPatch, *refusals: bool) -> None:
    """Let the log refuse the events for which `refusals` is true."""
    left, append = iter(refusals), log.append

    def flaky(run_id: str, event: StreamEvent) -> int:
        if next(left, False):
            raise LogUnavailable("full")
        return append(run_id, event)

    monkeypatch.setattr(log, "append", flaky)


def test_a_run_is_logged_and_its_answer_kept(runs: RunSupervisor, log: MemoryLog, answers: Answers) -> None:
    begin(runs, "r")
    end = end_of(log, "r")
    assert (end.reason, end.usage, end.error) == ("stop", Usage(3, 2, 5), None)
    assert answers.kept["r"].content == "fine" and answers.kept["r"].end == end


def test_the_run_can_be_read_as_soon_as_it_has_begun(runs: RunSupervisor, log: MemoryLog) -> None:
    begin(runs, "r", silent())
    assert isinstance(log.read("r", wait=1)[0].event, RunStart)


def test_a_run_is_cancelled_through_the_log(runs: RunSupervisor, log: MemoryLog) -> None:
    provider = silent()
    begin(runs, "r", provider)
    gevent.sleep(0)
    runs.cancel("r")
    end = end_of(log, "r")
    assert end.reason == "cancelled" and isinstance(end.timing.upstream_closed_ms, int)
    assert provider.closed == 1


def test_a_run_that_another_process_has_taken_over_is_left_to_it(
    runs: RunSupervisor,
    log: MemoryLog,
    answers: Answers,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As the log says with each call, once this process was taken for dead."""
    provider = silent()
    begin(runs, "r", provider)
    gevent.sleep(0)

    def fenced(run_id: str) -> None:
        raise UnknownRun("this process is not writing this run")

    monkeypatch.setattr(log, "sync", fenced)
    runs.cancel("r")
    soon(lambda: "another process's" in caplog.text)
    assert provider.closed == 1 and not answers.kept


def test_an_answer_is_kept_once_the_database_is_back(
    runs: RunSupervisor, answers: Answers, caplog: pytest.LogCaptureFixture
) -> None:
    answers.failures = 1
    begin(runs, "r")
    assert kept(answers, "r").content == "fine"
    assert "cannot be written" in caplog.text


def test_a_log_that_refuses_events_gets_the_end_once_it_takes_them_again(
    runs: RunSupervisor, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(log, monkeypatch, False, True, True)
    begin(runs, "r")
    end = end_of(log, "r")
    assert end.error is not None and end.error.code == "log_unavailable"


def test_a_run_whose_first_event_is_refused_still_begins_and_ends(
    runs: RunSupervisor, log: MemoryLog, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(log, monkeypatch, True)
    begin(runs, "r")
    end = end_of(log, "r")
    assert end.error is not None and end.error.code == "log_unavailable"
    assert kept(answers, "r").end == end


def test_an_answer_that_can_have_no_log_is_ended_all_the_same(
    runs: RunSupervisor, log: MemoryLog, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(run_id: str) -> None:
        raise LogUnavailable("away")

    monkeypatch.setattr(log, "create", refuse)
    with pytest.raises(LogUnavailable):
        begin(runs, "r")
    end = kept(answers, "r").end
    assert end is not None and end.error is not None and end.error.code == "log_unavailable"


def test_one_more_run_than_allowed_is_refused(runs: RunSupervisor) -> None:
    for number in range(3):
        runs.admit("ann")
        begin(runs, f"r{number}", silent())
    with pytest.raises(Overloaded, match="limit of 3 running answers"):
        runs.admit("ann")


def test_a_run_that_has_ended_makes_room(runs: RunSupervisor, log: MemoryLog) -> None:
    for number in range(3):
        begin(runs, f"r{number}", silent())
    runs.cancel("r0")
    assert end_of(log, "r0").reason == "cancelled"
    runs.admit("ann")


def test_draining_lets_runs_end_and_interrupts_the_rest(runs: RunSupervisor, log: MemoryLog) -> None:
    begin(runs, "quick")
    begin(runs, "stuck", silent())
    runs.drain(0.1)
    assert end_of(log, "quick").reason == "stop"
    end = end_of(log, "stuck")
    assert end.reason == "interrupted" and end.error is not None and end.error.retryable
    with pytest.raises(Overloaded, match="shutting down"):
        runs.admit("ann")


def test_observers_hear_of_each_run_and_one_that_fails_harms_nothing(
    runs: RunSupervisor, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    begin(runs, "r")
    soon(lambda: heard.ended_runs)
    assert heard.started_runs == ["r"]
    assert heard.ended_runs == [("stop", [AttemptFailed("scripted", "rate_limited")], "scripted")]
    assert caplog.text.count("an observer of runs failed") == 2


def test_runs_of_dead_processes_are_recovered_from_the_start_on(runs: RunSupervisor, answers: Answers) -> None:
    answers.lost = ["never-began"]
    gevent.sleep(0)
    assert not answers.kept
    runs.start()
    end = kept(answers, "never-began").end
    assert end is not None and end.reason == "interrupted"
