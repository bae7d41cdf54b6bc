"""What a run says of time and tokens."""

import pytest
from drivers import a_chat, a_start
from msgspec import UNSET

from chatapp.events import (
    AttemptReset,
    Entry,
    PlanStep,
    Raw,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    Timing,
    ToolCall,
    ToolInputDelta,
    Usage,
)
from chatapp.generation.meter import Answering, RunMeter
from chatapp.prices import Price, PriceTable
from chatapp.transcript import Transcript

MESSAGES = a_chat("x" * 40).messages  # ten tokens


PRICES = PriceTable({"dear": {"*": Price(prompt=1e6, completion=1e6)}}, "EUR")  # one a token


class Course:
    """A run that is measured: each event takes 100 ms to come."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.transcript = Transcript()
        self.meter = RunMeter(MESSAGES, self.transcript, lambda: self.seconds, Answering("up", "m"), PRICES)

    def reply_begins(self, provider: str = "up") -> None:
        self.seconds += 0.1
        self.meter.reply_began(Answering(provider, "m"))

    def event(self, event: StreamEvent) -> None:
        self.seconds += 0.1
        self.meter.event_came(event)
        self.transcript.add(Entry(self.transcript.last_seq + 1, event))


@pytest.fixture
def run() -> Course:
    return Course()


def test_nothing_is_said_of_what_did_not_happen(run: Course) -> None:
    run.seconds = 0.25
    assert run.meter.timing() == Timing(None, None, 250)
    assert run.meter.reasoning_ms() is None


@pytest.mark.parametrize(
    "token",
    [TextDelta("a"), ReasoningDelta("a"), ToolInputDelta("c", "add", "{}"), ToolCall("c", "function", "add", {})],
)
def test_the_first_byte_and_the_first_token_are_timed(run: Course, token: StreamEvent) -> None:
    run.reply_begins()
    run.event(Raw(b"{}"))
    run.event(PlanStep(1, "Think"))
    run.event(token)
    run.event(TextDelta("b"))
    assert run.meter.timing() == Timing(100, 400, 500)


def test_how_long_closing_took_is_said_of_runs_that_were_stopped(run: Course) -> None:
    run.meter.upstream_closed()
    assert run.meter.timing().upstream_closed_ms is UNSET
    run.meter.stop_asked()
    run.seconds += 0.02
    run.meter.stop_asked()  # by a second tab
    run.seconds += 0.01
    run.meter.upstream_closed()
    assert run.meter.timing().upstream_closed_ms == 30


def test_a_second_reply_of_the_run_has_no_first_byte(run: Course) -> None:
    run.reply_begins()
    run.reply_begins()
    assert run.meter.timing().first_byte_ms == 100


def test_thinking_lasts_from_its_first_piece_to_what_follows_the_last(run: Course) -> None:
    for event in (ReasoningDelta("a"), Raw(b"{}"), PlanStep(1, "Think"), ReasoningDelta("b"), TextDelta("c")):
        run.event(event)
    run.seconds += 5
    assert run.meter.reasoning_ms() == 400


def test_thinking_that_comes_in_parts_is_added_up(run: Course) -> None:
    for event in (ReasoningDelta("a"), TextDelta("b"), TextDelta("c"), ReasoningDelta("d"), TextDelta("e")):
        run.event(event)
    assert run.meter.reasoning_ms() == 200


def test_a_run_that_ends_in_thought_thought_to_its_end(run: Course) -> None:
    run.event(ReasoningDelta("a"))
    run.seconds += 0.3
    assert run.meter.reasoning_ms() == 300


def test_the_thinking_of_an_attempt_that_is_void_does_not_count(run: Course) -> None:
    for event in (ReasoningDelta("a"), AttemptReset("again"), TextDelta("b")):
        run.event(event)
    assert run.meter.reasoning_ms() is None


def test_what_the_provider_counted_is_used_as_it_is(run: Course) -> None:
    assert run.meter.usage(Usage(3, 2, 5)) == Usage(3, 2, 5)


def test_the_usage_of_all_requests_is_added_up(run: Course) -> None:
    run.meter.request_ended(Usage(10, 5, 15))
    run.meter.request_ended(Usage(20, 5, 25))
    assert run.meter.usage(Usage(30, 1, 31)) == Usage(60, 11, 71)


def test_what_was_not_counted_is_estimated_from_its_length(run: Course) -> None:
    run.event(a_start())
    run.event(ReasoningDelta("y" * 8))
    run.event(TextDelta("z" * 12))
    assert run.meter.usage(None) == Usage(10, 5, 15, 2, 0, estimated=True)


def test_an_estimate_leaves_out_the_text_of_requests_that_were_counted(run: Course) -> None:
    run.event(a_start())
    run.event(ReasoningDelta("y" * 400))
    run.event(TextDelta("z" * 400))
    run.meter.request_ended(Usage(10, 5, 15))
    run.event(ReasoningDelta("y" * 4))
    run.event(TextDelta("z" * 4))
    assert run.meter.usage(None) == Usage(20, 7, 27, 1, 0, estimated=True)


def test_each_request_costs_what_its_own_provider_asks(run: Course) -> None:
    run.reply_begins("dear")
    run.meter.request_ended(Usage(2, 1, 3))
    run.reply_begins()
    assert run.meter.usage(Usage(5, 5, 10)) == Usage(7, 6, 13, cost=3.0, currency="EUR")


def test_an_attempt_that_broke_off_is_paid_for_too(run: Course) -> None:
    run.reply_begins("dear")
    run.event(TextDelta("x" * 20))
    run.reply_begins("spare")  # it has begun before it voids what was shown
    run.event(AttemptReset("cut"))
    run.event(TextDelta("y"))
    assert run.meter.usage(Usage(10, 1, 11)) == Usage(20, 6, 26, estimated=True, cost=15.0, currency="EUR")


def test_a_request_that_was_refused_used_nothing(run: Course) -> None:
    assert run.meter.usage(None, refused=True) == Usage(estimated=True)
    assert run.meter.usage(None).prompt == 10  # a stop: the provider was at work on it
    run.reply_begins()
    run.meter.request_ended(Usage(10, 2, 12))
    assert run.meter.usage(None, refused=True) == Usage(10, 2, 12, estimated=True)
    run.reply_begins()
    assert run.meter.usage(None, refused=True).prompt == 20
