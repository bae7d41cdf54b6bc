"""What happens when a provider fails: before anything was shown, and after."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import gevent
import pytest
from drivers import ScriptedProvider, Step
from garbage import left_by

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message
from chatapp.errors import (
    BadReply,
    ChatappError,
    EmptyReply,
    FrameTooLarge,
    InvalidField,
    RateLimited,
    Rejected,
    Reported,
    Truncated,
    Unavailable,
    Unreachable,
    UpstreamError,
    UpstreamTimeout,
)
from chatapp.events import AttemptReset, Raw, ReasoningDelta, RunQueued, TextDelta
from chatapp.providers import AttemptFailed, Finished, ReplyItem, Started
from chatapp.providers.circuit_breaker import CircuitBreaker
from chatapp.providers.fallback import Candidate, FallbackProvider, Retries

CHAT = Chat(model="large", messages=[Message("user", "hi")])


class Stopped(Exception):
    pass


def scripted(name: str, *scripts: Iterable[Step], models: Sequence[str] = ("large",)) -> ScriptedProvider:
    return ScriptedProvider(*scripts, name=name, models=models)


def candidate(
    provider: ScriptedProvider, times: int = 0, max_wait_s: float = 10, breaker: CircuitBreaker | None = None
) -> Candidate:
    return Candidate(provider, breaker or CircuitBreaker(100, 30), Retries(times, max_wait_s))


def outcome(provider: FallbackProvider, chat: Chat = CHAT) -> tuple[list[ReplyItem], ChatappError | None]:
    items: list[ReplyItem] = []
    try:
        items.extend(provider.stream(chat, CancelScope()))
    except ChatappError as error:
        return items, error
    return items, None


def good(text: str = "fine") -> list[Step]:
    return [Started(), TextDelta(text), Finished("stop")]


def shown(name: str, text: str = "fine") -> list[ReplyItem]:
    return [Started(name, "large"), TextDelta(text), Finished("stop")]


def test_a_wait_for_a_turn_shows_nothing_yet_and_ends_before_another_is_asked() -> None:
    first, second = scripted("a", [RunQueued(), Unreachable("gone")]), scripted("b", good())
    items, error = outcome(FallbackProvider(candidate(first), [candidate(second)]))
    waited = [RunQueued(), RunQueued(waiting=False), AttemptFailed("a", "upstream_unreachable")]
    assert (items, error) == ([*waited, *shown("b")], None)


def test_a_good_reply_passes_through() -> None:
    first = scripted("a", good())
    provider = FallbackProvider(candidate(first))
    assert (provider.name, provider.models()) == ("a", ("large",))
    assert outcome(provider) == (shown("a"), None)


def test_a_failure_that_time_may_heal_is_tried_again_with_growing_pauses() -> None:
    waits: list[float] = []
    first = scripted("a", [Unreachable("no")], [Rejected("no", 503)], [Started(), Truncated("no")], good())
    items, error = outcome(FallbackProvider(candidate(first, times=3), sleep=waits.append))
    assert error is None
    assert items == [
        AttemptFailed("a", "upstream_unreachable", again=True),
        AttemptFailed("a", "upstream_rejected", again=True),
        Started("a", "large"),
        AttemptFailed("a", "upstream_truncated", again=True),
        *shown("a"),
    ]
    assert [0.25 <= waits[0] <= 0.5, 0.5 <= waits[1] <= 1, 1 <= waits[2] <= 2] == [True] * 3


def test_pauses_are_bounded_and_so_are_tries() -> None:
    waits: list[float] = []
    first = scripted("a", *[[Unreachable(str(n))] for n in range(9)])
    items, error = outcome(FallbackProvider(candidate(first, times=8, max_wait_s=2), sleep=waits.append))
    assert len(items) == 9 and error is not None and error.message == "8"
    assert len(waits) == 8 and max(waits) <= 2


@pytest.mark.parametrize(
    "error",
    [
        UpstreamTimeout("no"),
        Rejected("no", 400),
        Rejected("no", 401),
        Rejected("no credit", 429),
        Rejected("no", 501),
        BadReply("no"),
        FrameTooLarge("no"),
    ],
)
def test_a_failure_that_would_come_again_is_not_tried_again(error: UpstreamError) -> None:
    first, second = scripted("a", [error]), scripted("b", good())
    assert outcome(FallbackProvider(candidate(first, times=3), [candidate(second)])) == (
        [AttemptFailed("a", error.code), *shown("b")],
        None,
    )


def test_retry_after_is_honoured() -> None:
    waits: list[float] = []
    first = scripted("a", [RateLimited("no", 429, 7.0)], good())
    items, _ = outcome(FallbackProvider(candidate(first, times=1), sleep=waits.append))
    assert items[-1] == Finished("stop") and waits == [7.0]


def test_retry_after_beyond_the_bound_is_not_waited_for() -> None:
    waits: list[float] = []
    first, second = scripted("a", [RateLimited("no", 429, 60.0)]), scripted("b", good())
    items, _ = outcome(FallbackProvider(candidate(first, times=5), [candidate(second)], sleep=waits.append))
    assert items == [AttemptFailed("a", "rate_limited"), *shown("b")] and waits == []


def test_fallbacks_are_asked_in_order_and_the_first_failure_is_told() -> None:
    providers = [scripted(name, [Rejected(f"{name} refused the key", 401)]) for name in "abc"]
    first, *fallbacks = [candidate(provider) for provider in providers]
    items, error = outcome(FallbackProvider(first, fallbacks))
    assert items == [AttemptFailed(name, "upstream_rejected") for name in "abc"]
    assert error is not None and error.message == "a refused the key"


def test_a_model_that_a_fallback_does_not_have_becomes_its_default() -> None:
    first = scripted("a", [Unreachable("no")])
    second = scripted("b", [Unreachable("no")], models=("small", "tiny"))
    third = scripted("c", good(), models=("small", "large"))
    outcome(FallbackProvider(candidate(first), [candidate(second), candidate(third)]))
    assert [provider.asked[0].model for provider in (first, second, third)] == ["large", "small", "large"]


def test_what_the_client_did_wrong_is_asked_of_nobody_else() -> None:
    first, second = scripted("a", [InvalidField("images: not here")]), scripted("b", good())
    items, error = outcome(FallbackProvider(candidate(first, times=3), [candidate(second)]))
    assert isinstance(error, InvalidField) and second.asked == [] and items == []


def test_a_fallback_that_cannot_carry_the_chat_is_passed_over() -> None:
    first, second = scripted("a", [Unreachable("no")]), scripted("b", [InvalidField("images: not here")])
    items, error = outcome(FallbackProvider(candidate(first), [candidate(second), candidate(scripted("c", good()))]))
    assert error is None and items == [
        AttemptFailed("a", "upstream_unreachable"),
        AttemptFailed("b", "invalid_field"),
        *shown("c"),
    ]


@pytest.mark.parametrize("event", [TextDelta("half"), ReasoningDelta("half"), Raw(b"half")])
def test_after_the_first_event_there_is_no_second_try(event: ReplyItem) -> None:
    first, second = scripted("a", [Started(), event, Truncated("cut")]), scripted("b", good())
    items, error = outcome(FallbackProvider(candidate(first, times=3), [candidate(second)]))
    assert items == [Started("a", "large"), event, AttemptFailed("a", "upstream_truncated")]
    assert isinstance(error, Truncated) and second.asked == []


def test_midway_the_run_goes_on_elsewhere_where_that_is_wanted_and_says_so() -> None:
    first = scripted("a", [Started(), TextDelta("half"), Reported("broken")])
    second = scripted("b", [Unreachable("no")])
    third = scripted("c", good())
    items, error = outcome(FallbackProvider(candidate(first), [candidate(second), candidate(third)], midway=True))
    assert error is None
    assert items == [
        Started("a", "large"),
        TextDelta("half"),
        AttemptFailed("a", "upstream_reported_error"),
        AttemptFailed("b", "upstream_unreachable"),
        Started("c", "large"),
        AttemptReset("upstream_reported_error"),
        TextDelta("fine"),
        Finished("stop"),
    ]


def test_midway_what_was_shown_stays_where_nobody_else_answers() -> None:
    first = scripted("a", [Started(), TextDelta("half"), Truncated("cut")])
    second = scripted("b", [Started(), Unreachable("no")])
    items, error = outcome(FallbackProvider(candidate(first), [candidate(second)], midway=True))
    assert not any(isinstance(item, AttemptReset) for item in items)
    assert isinstance(error, Truncated)


def test_midway_an_empty_answer_stands_in_the_place_of_a_half_one() -> None:
    first = scripted("a", [Started(), TextDelta("half"), Truncated("cut")])
    second = scripted("b", [Started(), Finished("content_filter")])
    items, _ = outcome(FallbackProvider(candidate(first), [candidate(second)], midway=True))
    assert items[-2:] == [AttemptReset("upstream_truncated"), Finished("content_filter")]


def test_midway_it_may_break_off_again() -> None:
    half: list[Step] = [Started(), TextDelta("half"), Truncated("cut")]
    candidates = [candidate(scripted(name, half)) for name in "ab"]
    items, _ = outcome(FallbackProvider(candidates[0], [candidates[1], candidate(scripted("c", good()))], midway=True))
    assert [item for item in items if isinstance(item, (AttemptReset, TextDelta))] == [
        TextDelta("half"),
        AttemptReset("upstream_truncated"),
        TextDelta("half"),
        AttemptReset("upstream_truncated"),
        TextDelta("fine"),
    ]


def test_midway_the_last_one_has_nowhere_to_go() -> None:
    first = scripted("a", [Unreachable("no")])
    second = scripted("b", [Started(), TextDelta("half"), Truncated("cut")])
    items, error = outcome(FallbackProvider(candidate(first), [candidate(second)], midway=True))
    assert AttemptReset("upstream_truncated") not in items and isinstance(error, Truncated)


def test_midway_raw_bytes_of_one_body_are_not_followed_by_anothers() -> None:
    first, second = scripted("a", [Started(), Raw(b"half"), Truncated("cut")]), scripted("b", good())
    raw = Chat(model="m", messages=CHAT.messages, raw=True)
    _, error = outcome(FallbackProvider(candidate(first), [candidate(second)], midway=True), raw)
    assert isinstance(error, Truncated) and second.asked == []


def test_a_provider_that_forgets_its_end_is_truncated() -> None:
    _, error = outcome(FallbackProvider(candidate(scripted("a", [Started(), TextDelta("half")]))))
    assert isinstance(error, Truncated)


def test_a_provider_that_keeps_failing_is_left_alone() -> None:
    first = scripted("a", *[[Rejected("no", 500)]] * 3)
    second = scripted("b", *[good()] * 3)
    provider = FallbackProvider(candidate(first, breaker=CircuitBreaker(2, 30)), [candidate(second)])
    codes = [outcome(provider)[0][0] for _ in range(3)]
    assert codes == [AttemptFailed("a", "upstream_rejected")] * 2 + [AttemptFailed("a", "upstream_unavailable")]
    assert len(first.asked) == 2


def test_without_another_provider_it_is_asked_whatever_its_circuit() -> None:
    first = scripted("a", *[[Rejected("no", 500)]] * 5, good())
    provider = FallbackProvider(candidate(first, breaker=CircuitBreaker(1, 30)))
    assert [type(outcome(provider)[1]) for _ in range(5)] == [Rejected] * 5
    assert outcome(provider) == (shown("a"), None)


def test_one_that_was_passed_over_is_asked_after_all_if_nobody_else_answers() -> None:
    first = scripted("a", [Rejected("no", 500)], good("back"))
    second = scripted("b", good(), [Rejected("no", 500)])
    provider = FallbackProvider(candidate(first, breaker=CircuitBreaker(1, 30)), [candidate(second)])
    outcome(provider)
    assert outcome(provider) == (
        [AttemptFailed("a", "upstream_unavailable"), AttemptFailed("b", "upstream_rejected"), *shown("a", "back")],
        None,
    )


def test_if_all_circuits_are_open_all_are_asked_and_the_real_failure_is_told() -> None:
    providers = [scripted(name, *[[Rejected(f"{name} failed", 500)]] * 2) for name in "ab"]
    candidates = [candidate(each, breaker=CircuitBreaker(1, 30)) for each in providers]
    provider = FallbackProvider(candidates[0], candidates[1:])
    for _ in range(2):
        _, error = outcome(provider)
        assert error is not None and error.message == "a failed"
    assert [len(each.asked) for each in providers] == [2, 2]


def test_a_provider_that_named_a_time_is_left_alone_for_it() -> None:
    now = [0.0]
    first = scripted("a", [Rejected("no", 503, 20.0)], good())
    provider = FallbackProvider(candidate(first, breaker=CircuitBreaker(1, 30, lambda: now[0])))
    outcome(provider)
    items, error = outcome(provider)
    assert isinstance(error, Unavailable) and error.retryable and "20 s" in error.message
    assert items == [AttemptFailed("a", "upstream_unavailable")] and len(first.asked) == 1
    now[0] = 20.0
    assert outcome(provider) == (shown("a"), None)


def test_the_real_failure_of_a_fallback_says_more_than_that_the_first_was_left_alone() -> None:
    first = scripted("a", [Rejected("no", 503, 20.0)])
    second = scripted("b", *[[Rejected("b refused the key", 401)]] * 2)
    provider = FallbackProvider(candidate(first, breaker=CircuitBreaker(1, 30)), [candidate(second)])
    outcome(provider)
    _, error = outcome(provider)
    assert error is not None and error.message == "b refused the key"


def test_a_circuit_that_opens_during_the_retries_does_not_hide_why_they_failed() -> None:
    breaker = CircuitBreaker(1, 30)
    first = scripted("a", *[[Rejected(f"failure {n}", 503)] for n in range(3)])

    def meanwhile(seconds: float) -> None:
        breaker.ask_anyway("large", "another").failed()

    items, error = outcome(FallbackProvider(candidate(first, times=2, breaker=breaker), sleep=meanwhile))
    assert items == [AttemptFailed("a", "upstream_rejected", again=again) for again in (True, True, False)]
    assert error is not None and error.message == "failure 2"


def test_a_run_counts_once_however_often_it_is_retried() -> None:
    first = scripted("a", *[[Rejected("no", 503)]] * 4)
    provider = FallbackProvider(
        candidate(first, times=3, breaker=CircuitBreaker(2, 30)), [candidate(scripted("b", good()))], sleep=id
    )
    outcome(provider)
    assert provider._candidates[0].breaker.admit("large", "") is not None


def test_what_one_owner_breaks_is_not_taken_from_another() -> None:
    bad: list[Step] = [Rejected("no", 500)]
    first, second = scripted("a", *[bad] * 5, good()), scripted("b", *[good()] * 6)
    provider = FallbackProvider(candidate(first, breaker=CircuitBreaker(5, 30)), [candidate(second)])
    ann, bob = (Chat(model="large", messages=CHAT.messages, owner=owner) for owner in ("ann", "bob"))
    for _ in range(6):
        outcome(provider, ann)
    assert len(first.asked) == 5
    assert outcome(provider, bob) == (shown("a"), None)


@pytest.mark.parametrize("error", [RateLimited("no"), RateLimited("no", 429, 60.0), Rejected("no credit", 429)])
def test_too_many_requests_are_no_outage(error: UpstreamError) -> None:
    first = scripted("a", *[[error]] * 20)
    provider = FallbackProvider(
        candidate(first, breaker=CircuitBreaker(1, 30)), [candidate(scripted("b", *[good()] * 20))]
    )
    for _ in range(20):
        outcome(provider)
    assert len(first.asked) == 20


def test_replies_that_break_off_count_and_refused_requests_do_not() -> None:
    broken: list[Step] = [Started(), TextDelta("half"), Truncated("cut")]
    first = scripted("a", broken, [Rejected("no", 400)], broken, broken)
    second = scripted("b", good(), good())
    provider = FallbackProvider(candidate(first, breaker=CircuitBreaker(2, 30)), [candidate(second)])
    errors = [type(outcome(provider)[1]) for _ in range(5)]
    assert errors == [Truncated, type(None), Truncated, Truncated, type(None)]
    assert len(first.asked) == 4


def test_a_stop_during_a_pause_ends_it_and_blames_nobody() -> None:
    first = scripted("a", [RateLimited("no", 429, 1000.0)], good())
    breaker = CircuitBreaker(2, 30)
    scope = CancelScope()
    items = FallbackProvider(candidate(first, times=1, max_wait_s=2000, breaker=breaker)).stream(CHAT, scope)
    assert next(items) == AttemptFailed("a", "rate_limited", again=True)
    gevent.spawn(scope.cancel, Stopped)
    with gevent.Timeout(5), pytest.raises(Stopped):
        next(items)
    assert len(first.asked) == 1


def test_a_probe_that_is_stopped_makes_way() -> None:
    first = scripted("a", [Unreachable("no")], [Started(), TextDelta("half")], good())
    now = [0.0]
    provider = FallbackProvider(candidate(first, breaker=CircuitBreaker(1, 30, lambda: now[0])))
    outcome(provider)
    now[0] = 31
    items = provider.stream(CHAT, CancelScope())
    assert next(items) == Started("a", "large")
    items.close()
    assert first.closed == 2
    assert outcome(provider) == (shown("a"), None)


def test_the_iterator_that_is_closed_closes_the_providers() -> None:
    first = scripted("a", good())
    items = FallbackProvider(candidate(first)).stream(CHAT, CancelScope())
    next(items)
    items.close()
    assert first.closed == 1


def test_a_reply_without_anything_understood_is_tried_again() -> None:
    first = scripted("a", [Started(), EmptyReply("nothing")], good())
    items, error = outcome(FallbackProvider(candidate(first, times=1), sleep=lambda seconds: None))
    assert error is None and items[-1] == Finished("stop")


class Failing(ScriptedProvider):
    def stream(self, chat: Chat, scope: CancelScope) -> Iterator[ReplyItem]:
        yield Started()
        raise Reported("no")


def test_a_failure_leaves_no_circles() -> None:
    """Its traceback holds the frames that it came through, and what these hold: the whole chat."""

    def fail() -> None:
        provider = FallbackProvider(candidate(Failing(name="a")), [candidate(Failing(name="b"))])
        with suppress(Reported):
            list(provider.stream(CHAT, CancelScope()))

    assert not left_by(fail)
