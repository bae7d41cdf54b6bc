"""A run's end is written, and its answer kept, in an order that survives a crash in between."""

import time

import gevent
import msgspec
import pytest
from drivers import END, Answers, a_run, a_start, append, events_of, numbered
from waiting import soon

from chatapp.errors import LogLost, LogUnavailable, UnknownRun
from chatapp.events import Entry, RunEnd, RunStart, StreamEvent, TextDelta
from chatapp.generation.finish import (
    finish_lost,
    finish_run,
    finish_without_log,
    interrupted_end,
    lost_run,
    stopped_error,
)
from chatapp.logs.memory import MemoryLog
from chatapp.prices import PriceTable
from chatapp.transcript import Transcript, transcript_of


class WitnessedAnswers(Answers):
    """Notes what of the log could be seen when an answer was kept."""

    def __init__(self, log: MemoryLog) -> None:
        super().__init__()
        self.seen: list[Entry] = []
        self._log = log

    def finish(self, answer_id: str, transcript: Transcript) -> None:
        super().finish(answer_id, transcript)
        self.seen = list(self._log.read(answer_id))


def begin(log: MemoryLog, *events: StreamEvent | str) -> Transcript:
    log.create("run")
    return transcript_of(append(log, "run", a_start(), *events))


def test_the_answer_is_kept_before_its_end_is_seen(log: MemoryLog) -> None:
    answers, transcript = WitnessedAnswers(log), begin(log, "fine")
    finish_run(log, answers, "run", transcript, [END])
    assert answers.seen == numbered([a_start(), TextDelta("fine")])
    assert events_of(log, "run") == [a_start(), TextDelta("fine"), END]
    assert answers.kept["run"].end == END


def test_readers_do_not_wait_for_a_database_that_is_away(log: MemoryLog) -> None:
    answers, transcript = WitnessedAnswers(log), begin(log, "fine")
    answers.failures = 1
    finish_run(log, answers, "run", transcript, [END])
    assert answers.seen[-1].event == END
    assert answers.kept["run"].content == "fine"


def test_a_log_that_is_away_is_tried_until_it_is_back(log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, transcript = Answers(), begin(log, "fine")
    sync, refusals = log.sync, iter([True])

    def flaky(run_id: str) -> None:
        if next(refusals, False):
            raise LogUnavailable("away")
        sync(run_id)

    monkeypatch.setattr(log, "sync", flaky)
    with gevent.Timeout(5):
        finish_run(log, answers, "run", transcript, [END])
    assert events_of(log, "run")[-1] == END


def test_a_finished_log_goes_after_the_retention() -> None:
    log, answers = MemoryLog(retention=0.01), Answers()
    finish_run(log, answers, "run", begin(log), [END])
    soon(lambda: not log.exists("run"))
    log.close()


def test_a_run_that_another_process_has_taken_over_is_left_to_it(log: MemoryLog) -> None:
    answers = Answers()
    with pytest.raises(UnknownRun):
        finish_run(log, answers, "taken", transcript_of(numbered([a_start("taken")])), [END])
    assert not answers.kept


@pytest.mark.parametrize("lost_at", ["sync", "append"])
def test_a_run_whose_log_was_lost_is_kept_all_the_same(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch, lost_at: str
) -> None:
    answers, transcript = Answers(), begin(log, "fine")
    answers.failures = 1

    def lose(*_: object) -> int:
        raise LogLost("lost")

    monkeypatch.setattr(log, lost_at, lose)
    with gevent.Timeout(5):
        finish_run(log, answers, "run", transcript, [END])
    assert answers.kept["run"].content == "fine" and answers.kept["run"].end == END


def test_an_answer_can_be_kept_without_a_log() -> None:
    answers = Answers()
    answers.failures = 1
    finish_without_log(answers, "run", [entry.event for entry in a_run("fine")])
    assert answers.kept["run"].content == "fine"


def test_an_interrupted_run_has_used_what_it_said_and_lasted_until_now() -> None:
    end = interrupted_end(transcript_of(numbered([a_start(), TextDelta("x" * 40)])), PriceTable())
    assert (end.reason, end.usage.completion, end.usage.estimated) == ("interrupted", 10, True)
    assert end.timing.total_ms and end.timing.total_ms > 0
    assert end.error == stopped_error("interrupted", "trace")


def test_a_run_of_a_host_whose_clock_is_ahead_lasted_no_time() -> None:
    start = msgspec.structs.replace(a_start(), created=time.time() + 3600)
    assert interrupted_end(transcript_of(numbered([start])), PriceTable()).timing.total_ms == 0


def test_a_run_that_its_owner_stopped_has_no_error() -> None:
    assert stopped_error("cancelled", "trace") is None


def test_a_run_that_left_nothing_begins_and_is_interrupted() -> None:
    start, end = lost_run("run")
    assert isinstance(start, RunStart) and start.run_id == "run"
    assert isinstance(end, RunEnd) and end.reason == "interrupted"
    answers = Answers()
    finish_lost(answers, "run")
    kept = answers.kept["run"].end
    assert kept is not None and kept.reason == "interrupted"
