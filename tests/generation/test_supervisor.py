"""Exactly one `run-end`, whatever happens; and the answer is kept."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence

import gevent
import pytest
from gevent.event import Event

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message
from chatapp.errors import DatabaseUnavailable, LogUnavailable, Overloaded, Rejected
from chatapp.events import Entry, ReasoningDelta, RunEnd, RunStart, StreamEvent, TextDelta, Timing, Usage
from chatapp.generation.supervisor import RunSupervisor
from chatapp.logs.memory import MemoryLog
from chatapp.ops.json_logging import JSONFormatter
from chatapp.providers import Finished, ReplyItem, Started
from chatapp.transcript import Transcript, transcript_of

CHAT = Chat(model="m", messages=[Message("user", "how are you")])
Script = Callable[[CancelScope], Iterator[ReplyItem]]


class ScriptedProvider:
    name = "scripted"

    def __init__(self, script: Script) -> None:
        self._script = script
        self.closed = Event()

    def models(self) -> Sequence[str]:
        return ["m"]

    def stream(self, chat: Chat, scope: CancelScope) -> Iterator[ReplyItem]:
        try:
            yield from self._script(scope)
        finally:
            self.closed.set()


class Answers:
    """Keeps transcripts; fails as often as told."""

    def __init__(self) -> None:
        self.kept: dict[str, Transcript] = {}
        self.lost: list[str] = []
        self.failures = 0

    def finish(self, answer_id: str, transcript: Transcript) -> None:
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable("away")
        self.kept[answer_id] = transcript
        self.lost = [lost for lost in self.lost if lost != answer_id]

    def kept_end(self, answer_id: str) -> RunEnd | None:
        return self.kept[answer_id].end if answer_id in self.kept else None

    def unfinished(self, before: float) -> Sequence[str]:
        return self.lost


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    log = MemoryLog()
    yield log
    log.close()


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def runs(log: MemoryLog, answers: Answers) -> Iterator[RunSupervisor]:
    runs = RunSupervisor(log, answers, max_live=3)
    runs.start()
    yield runs
    runs.drain(0)


def entries_of(log: MemoryLog, run_id: str) -> list[Entry]:
    """All of a run, to its end."""
    entries: list[Entry] = []
    with gevent.Timeout(5):
        while not (entries and isinstance(entries[-1].event, RunEnd)):
            entries += log.read(run_id, len(entries), wait=1)
    return entries


def events_of(log: MemoryLog, run_id: str) -> list[StreamEvent]:
    entries = entries_of(log, run_id)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert log.read(run_id, len(entries), wait=1) == []
    return [entry.event for entry in entries]


def end_of(log: MemoryLog, run_id: str) -> RunEnd:
    events = events_of(log, run_id)
    ends = [event for event in events if isinstance(event, RunEnd)]
    assert isinstance(events[0], RunStart)
    assert len(ends) == 1
    return ends[0]


def kept(answers: Answers, run_id: str) -> Transcript:
    with gevent.Timeout(5):
        while run_id not in answers.kept:
            gevent.sleep(0.001)
    return answers.kept[run_id]


def complete(scope: CancelScope) -> Iterator[ReplyItem]:
    yield Started()
    yield ReasoningDelta("hm")
    yield TextDelta("fi")
    yield TextDelta("ne")
    yield Finished("stop", Usage(3, 2, 5))


def silent(scope: CancelScope) -> Iterator[ReplyItem]:
    scope.run(gevent.sleep, 1000)
    yield Started()


def test_a_run_is_logged_from_start_to_end(runs: RunSupervisor, log: MemoryLog, answers: Answers) -> None:
    runs.begin("r", "trace", ScriptedProvider(complete), CHAT)
    start, *middle, end = events_of(log, "r")
    assert isinstance(start, RunStart) and (start.run_id, start.trace_id, start.provider) == ("r", "trace", "scripted")
    assert middle == [ReasoningDelta("hm"), TextDelta("fi"), TextDelta("ne")]
    assert isinstance(end, RunEnd) and (end.reason, end.usage, end.error) == ("stop", Usage(3, 2, 5), None)
    assert end.timing.first_byte_ms is not None and end.timing.first_token_ms is not None
    assert end.reasoning_ms is not None
    assert kept(answers, "r").content == "fine"


def test_the_run_can_be_followed_as_soon_as_it_was_started(runs: RunSupervisor, log: MemoryLog) -> None:
    runs.begin("r", "trace", ScriptedProvider(silent), CHAT)
    assert isinstance(log.read("r", wait=1)[0].event, RunStart)


def test_a_run_is_stopped_before_the_first_token(runs: RunSupervisor, log: MemoryLog, answers: Answers) -> None:
    provider = ScriptedProvider(silent)
    runs.begin("r", "trace", provider, CHAT)
    gevent.sleep(0)
    runs.cancel("r")
    end = end_of(log, "r")
    assert end.reason == "cancelled" and end.error is None
    assert end.usage.estimated and end.usage.prompt > 0
    assert provider.closed.is_set()


def test_a_stop_between_two_waits_is_not_forgotten(runs: RunSupervisor, log: MemoryLog) -> None:
    def stopped_by_its_own_token(scope: CancelScope) -> Iterator[ReplyItem]:
        yield TextDelta("last")
        runs.cancel("r")
        gevent.sleep(0.01)  # outside the scope: nothing can be thrown here
        yield Finished("stop")

    runs.begin("r", "trace", ScriptedProvider(stopped_by_its_own_token), CHAT)
    assert end_of(log, "r").reason == "cancelled"


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [(Rejected("no", 500), "upstream_rejected", True), (ZeroDivisionError("secret detail"), "internal_error", True)],
)
def test_a_failing_provider_ends_the_run_with_an_error(
    runs: RunSupervisor, log: MemoryLog, error: Exception, code: str, retryable: bool
) -> None:
    def failing(scope: CancelScope) -> Iterator[ReplyItem]:
        yield TextDelta("half")
        raise error

    runs.begin("r", "trace", ScriptedProvider(failing), CHAT)
    end = end_of(log, "r")
    assert end.reason == "error" and end.error is not None
    assert (end.error.code, end.error.retryable, end.error.trace_id) == (code, retryable, "trace")
    assert "secret" not in end.error.message


def test_a_provider_that_just_stops_is_not_taken_for_done(runs: RunSupervisor, log: MemoryLog) -> None:
    runs.begin("r", "trace", ScriptedProvider(lambda scope: iter([TextDelta("half")])), CHAT)
    end = end_of(log, "r")
    assert end.error is not None and end.error.code == "upstream_truncated"


def test_an_answer_is_kept_once_the_database_is_back(
    runs: RunSupervisor, log: MemoryLog, answers: Answers, caplog: pytest.LogCaptureFixture
) -> None:
    answers.failures = 1
    runs.begin("r", "trace", ScriptedProvider(complete), CHAT)
    assert kept(answers, "r").content == "fine"
    assert "cannot be written" in caplog.text


def test_a_log_that_refuses_events_ends_the_run_once_it_takes_them_again(
    runs: RunSupervisor, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = iter([False, True, True])
    append = log.append

    def flaky(run_id: str, event: StreamEvent) -> int:
        if next(refusals, False):
            raise LogUnavailable("full")
        return append(run_id, event)

    monkeypatch.setattr(log, "append", flaky)
    runs.begin("r", "trace", ScriptedProvider(complete), CHAT)
    end = end_of(log, "r")
    assert end.error is not None and end.error.code == "log_unavailable"


def test_a_run_whose_first_event_is_refused_still_begins_and_ends(
    runs: RunSupervisor, log: MemoryLog, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = iter([True])
    append = log.append

    def flaky(run_id: str, event: StreamEvent) -> int:
        if next(refusals, False):
            raise LogUnavailable("away")
        return append(run_id, event)

    monkeypatch.setattr(log, "append", flaky)
    runs.begin("r", "trace", ScriptedProvider(complete), CHAT)
    start, end = events_of(log, "r")
    assert isinstance(start, RunStart) and isinstance(end, RunEnd)
    assert end.error is not None and end.error.code == "log_unavailable"
    assert kept(answers, "r").end == end


def test_an_answer_that_can_have_no_log_is_ended_all_the_same(
    runs: RunSupervisor, log: MemoryLog, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(run_id: str) -> None:
        raise LogUnavailable("away")

    monkeypatch.setattr(log, "create", refuse)
    with pytest.raises(LogUnavailable):
        runs.begin("r", "trace", ScriptedProvider(complete), CHAT)
    end = kept(answers, "r").end
    assert end is not None and end.error is not None and end.error.code == "log_unavailable"


def test_one_more_run_than_allowed_is_refused(runs: RunSupervisor) -> None:
    for number in range(3):
        runs.admit()
        runs.begin(f"r{number}", "trace", ScriptedProvider(silent), CHAT)
    with pytest.raises(Overloaded):
        runs.admit()


def test_draining_lets_runs_end_and_interrupts_the_rest(runs: RunSupervisor, log: MemoryLog) -> None:
    runs.begin("quick", "trace", ScriptedProvider(complete), CHAT)
    runs.begin("stuck", "trace", ScriptedProvider(silent), CHAT)
    runs.drain(0.1)
    assert end_of(log, "quick").reason == "stop"
    end = end_of(log, "stuck")
    assert end.reason == "interrupted" and end.error is not None and end.error.retryable
    with pytest.raises(Overloaded):
        runs.admit()


def test_a_run_left_by_a_dead_process_is_ended_as_interrupted(
    runs: RunSupervisor, log: MemoryLog, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.create("left")
    log.append("left", RunStart("left", "trace", "mock", "words", "disabled", 0.0))
    log.append("left", TextDelta("half"))
    log.create("empty")
    found = [["left", "empty"]]
    monkeypatch.setattr(log, "adopt", lambda: found.pop() if found else [])
    runs.recover()
    assert end_of(log, "left").reason == "interrupted"
    assert end_of(log, "empty").reason == "interrupted"
    assert kept(answers, "left").content == "half"


def test_the_answer_is_kept_before_its_end_is_seen(runs: RunSupervisor, log: MemoryLog, answers: Answers) -> None:
    runs.begin("r", "trace", ScriptedProvider(complete), CHAT)
    end = end_of(log, "r")
    assert answers.kept["r"].end == end


def test_a_process_that_died_between_keeping_and_ending_is_not_contradicted(
    runs: RunSupervisor, log: MemoryLog, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, text = RunStart("left", "trace", "mock", "words", "disabled", 0.0), TextDelta("whole")
    end = RunEnd("stop", Usage(1, 1, 2), Timing())
    log.create("left")
    log.append("left", start)
    log.append("left", text)
    answers.kept["left"] = transcript_of([Entry(1, start), Entry(2, text), Entry(3, end)])
    found = [["left"]]
    monkeypatch.setattr(log, "adopt", lambda: found.pop() if found else [])
    runs.recover()
    assert end_of(log, "left") == end


def test_a_left_run_that_cannot_be_read_keeps_no_other_from_its_end(
    runs: RunSupervisor,
    log: MemoryLog,
    answers: Answers,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for run_id in ("broken", "left"):
        log.create(run_id)
        log.append(run_id, RunStart(run_id, "trace", "mock", "words", "disabled", 0.0))
    found, read, refusals = [["broken", "left"]], log.read, iter([True])

    def flaky(run_id: str, after: int = 0, wait: float = 0.0) -> Sequence[Entry]:
        if run_id == "broken" and next(refusals, False):
            raise LogUnavailable("unreadable")
        return read(run_id, after, wait)

    monkeypatch.setattr(log, "adopt", lambda: found.pop() if found else [])
    monkeypatch.setattr(log, "read", flaky)
    monkeypatch.setattr("chatapp.generation.supervisor.LEFT_S", 0)
    runs.recover()
    assert kept(answers, "left").end is not None and "cannot be ended now" in caplog.text
    runs.recover()
    assert kept(answers, "broken").end is not None


def test_an_answer_without_a_log_is_ended_too(runs: RunSupervisor, answers: Answers) -> None:
    answers.lost = ["never-began"]
    runs.recover()
    end = kept(answers, "never-began").end
    assert end is not None and end.reason == "interrupted"


def test_one_line_a_run_and_nothing_of_what_was_said(
    runs: RunSupervisor, log: MemoryLog, answers: Answers, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "chatapp.run"):
        runs.begin("r", "trace", ScriptedProvider(complete), CHAT)
        kept(answers, "r")
        gevent.sleep(0.01)
    (record,) = [record for record in caplog.records if record.name == "chatapp.run"]
    text = JSONFormatter().format(record)
    line = json.loads(text)
    assert (line["run_id"], line["finish"], line["tokens"]["completion"]) == ("r", "stop", 2)
    assert "fine" not in text and "how are you" not in text
