"""One generation, from the provider's reply to how it ended."""

import logging
from collections.abc import Iterator

import gevent
import pytest
from drivers import ScriptedProvider, Step, a_chat, hang

from chatapp.cancel import CancelScope
from chatapp.errors import LogUnavailable, Rejected
from chatapp.events import Entry, ReasoningDelta, RunEnd, RunStart, StreamEvent, TextDelta, Usage
from chatapp.generation.run import Run, cancelled, interrupted
from chatapp.logs.memory import MemoryLog
from chatapp.providers import AttemptFailed, Finished, Started, StepFinished

COMPLETE = [Started(), ReasoningDelta("hm"), TextDelta("fi"), TextDelta("ne"), Finished("stop", Usage(3, 2, 5))]


class Refusing:
    """A log that refuses the events for which `refusals` is true."""

    def __init__(self, *refusals: bool) -> None:
        self.events: list[StreamEvent] = []
        self._refusals: Iterator[bool] = iter(refusals)

    def append(self, run_id: str, event: StreamEvent) -> int:
        if next(self._refusals, False):
            raise LogUnavailable("full")
        self.events.append(event)
        return len(self.events)


def a_run_of(*script: Step) -> tuple[Run, Refusing]:
    log = Refusing()
    return Run("r", "trace", ScriptedProvider(script), a_chat(), log), log


def test_the_end_says_at_which_sequence_the_reply_ended() -> None:
    run, _ = a_run_of(Started(), TextDelta("a"), Finished("stop", stop_sequence="END"))
    assert run.generate().stop_sequence == "END"


def test_a_run_writes_its_start_and_the_events_and_returns_its_end() -> None:
    run, log = a_run_of(*COMPLETE)
    end = run.generate()
    start, *middle = log.events
    assert isinstance(start, RunStart)
    assert (start.run_id, start.trace_id, start.provider, start.model) == ("r", "trace", "scripted", "m")
    assert middle == [ReasoningDelta("hm"), TextDelta("fi"), TextDelta("ne")]
    assert (end.reason, end.usage, end.error) == ("stop", Usage(3, 2, 5), None)
    assert end.timing.first_byte_ms is not None and end.timing.first_token_ms is not None
    assert end.reasoning_ms is not None
    assert run.transcript.content == "fine" and run.rest(end) == [end]


def test_much_that_is_there_at_once_lets_others_run() -> None:
    run, log = a_run_of(Started(), *[TextDelta("word " * 20)] * 9_000, Finished("stop"))
    turns = 0

    def count() -> None:
        nonlocal turns
        while True:
            gevent.sleep(0)
            turns += 1

    counter = gevent.spawn(count)
    run.generate()
    counter.kill()
    assert turns >= 10 and len(log.events) == 9_001


def test_it_knows_who_answered_and_which_attempts_failed() -> None:
    failed = AttemptFailed("first", "rate_limited")
    run, log = a_run_of(Started(), failed, Started("second"), TextDelta("fine"), Finished("stop"))
    run.generate()
    assert (run.answered_by, run.attempts) == ("second", [failed])
    assert log.events[1:] == [TextDelta("fine")]


def test_the_provider_that_was_asked_answers_unless_it_names_another() -> None:
    run, _ = a_run_of(*COMPLETE)
    assert run.answered_by is None
    run.generate()
    assert run.answered_by == "scripted"


def test_the_usage_of_all_its_requests_is_added_up() -> None:
    run, _ = a_run_of(
        Started(), TextDelta("a"), StepFinished(Usage(10, 5, 15)), Started(), Finished("stop", Usage(20, 3, 23))
    )
    assert run.generate().usage == Usage(30, 8, 38)


def test_a_run_can_be_stopped_before_the_first_token() -> None:
    provider = ScriptedProvider([hang])
    run = Run("r", "trace", provider, a_chat(), Refusing())
    gevent.spawn(run.scope.cancel, cancelled)
    with gevent.Timeout(5):
        end = run.generate()
    assert end.reason == "cancelled" and end.error is None
    assert end.usage.estimated and end.usage.prompt > 0
    assert provider.closed == 1


def test_a_shutdown_is_an_error_that_a_client_may_answer_by_asking_again() -> None:
    run, _ = a_run_of(TextDelta("half"), hang)
    gevent.spawn(run.scope.cancel, interrupted)
    with gevent.Timeout(5):
        end = run.generate()
    assert end.reason == "interrupted" and end.error is not None
    assert (end.error.code, end.error.retryable, end.error.trace_id) == ("interrupted", True, "trace")


def test_a_stop_after_the_last_wait_is_not_forgotten() -> None:
    def stop(scope: CancelScope) -> None:
        scope.cancel(cancelled)
        gevent.sleep(0)  # outside the scope: nothing can be thrown here

    run, _ = a_run_of(TextDelta("last"), stop, Finished("stop"))
    assert run.generate().reason == "cancelled"


@pytest.mark.parametrize(
    ("error", "code"),
    [(Rejected("no", 500), "upstream_rejected"), (ZeroDivisionError("secret detail"), "internal_error")],
)
def test_a_failing_provider_ends_the_run_with_an_error(error: Exception, code: str) -> None:
    run, log = a_run_of(TextDelta("half"), error)
    end = run.generate()
    assert end.reason == "error" and end.error is not None
    assert (end.error.code, end.error.retryable, end.error.trace_id) == (code, True, "trace")
    assert "secret" not in end.error.message
    assert log.events[1:] == [TextDelta("half")]


def test_a_provider_that_just_stops_has_not_finished() -> None:
    run, _ = a_run_of(TextDelta("half"))
    end = run.generate()
    assert end.error is not None and end.error.code == "upstream_truncated"


def test_a_log_that_refuses_an_event_ends_the_run() -> None:
    log = Refusing(False, True)
    run = Run("r", "trace", ScriptedProvider(COMPLETE), a_chat(), log)
    end = run.generate()
    assert end.error is not None and end.error.code == "log_unavailable"
    assert run.rest(end) == [end]


def test_a_log_that_refuses_the_first_event_lacks_the_start_too() -> None:
    log = Refusing(True)
    run = Run("r", "trace", ScriptedProvider(COMPLETE), a_chat(), log)
    end = run.generate()
    assert log.events == [] and run.rest(end) == [run.start, end]


def test_its_transcript_is_what_the_log_holds(log: MemoryLog) -> None:
    log.create("r")
    run = Run("r", "trace", ScriptedProvider(COMPLETE), a_chat(), log)
    run.append(run.generate())
    *_, last = log.read("r")
    assert isinstance(last, Entry) and isinstance(last.event, RunEnd)
    assert (run.transcript.last_seq, run.transcript.end) == (last.seq, last.event)


def test_what_was_left_out_of_its_replies_is_in_the_log_of_the_process(caplog: pytest.LogCaptureFixture) -> None:
    run, _ = a_run_of(
        Started("acme"),
        StepFinished(Usage(), {"unknown frame": 1}),
        Finished("stop", skipped={"unknown frame": 2, "item new": 1}),
    )
    with caplog.at_level(logging.WARNING, "chatapp"):
        run.generate()
    [record] = [record for record in caplog.records if record.getMessage() == "parts of the reply were left out"]
    skipped = {"unknown frame": 3, "item new": 1}
    assert record.fields == {"run_id": "r", "trace_id": "trace", "provider": "acme", "skipped": skipped}  # type: ignore[attr-defined]


def test_nothing_left_out_is_not_worth_a_line(caplog: pytest.LogCaptureFixture) -> None:
    run, _ = a_run_of(*COMPLETE)
    run.generate()
    assert not caplog.records
