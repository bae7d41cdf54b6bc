"""When a model of a provider is left alone, for whom, and how it comes back."""

import pytest

from chatapp.providers.circuit_breaker import LONGEST_NAMED_S, MODELS_KEPT, CircuitBreaker, Trial


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def admitted(breaker: CircuitBreaker, model: str = "m", owner: str = "ann") -> Trial:
    trial = breaker.admit(model, owner)
    assert trial is not None
    return trial


def is_open(breaker: CircuitBreaker, model: str = "m", owner: str = "ann") -> bool:
    trial = breaker.admit(model, owner)
    if trial is not None:
        trial.abandoned()
    return trial is None


def fail(breaker: CircuitBreaker, *owners: str, model: str = "m", named_s: float = 0.0) -> None:
    for owner in owners:
        breaker.ask_anyway(model, owner).failed(named_s)


def opened(clock: Clock) -> CircuitBreaker:
    breaker = CircuitBreaker(3, 30, clock)
    fail(breaker, "ann", "bob", "eve")
    assert is_open(breaker)
    return breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = CircuitBreaker(3, 30)
    for outcome in ("failed", "failed", "succeeded", "failed", "failed"):
        getattr(admitted(breaker), outcome)()
    assert not is_open(breaker)
    admitted(breaker).failed()
    assert is_open(breaker)


def test_each_model_has_a_circuit_of_its_own() -> None:
    breaker = CircuitBreaker(1, 30)
    fail(breaker, "ann", model="broken")
    assert is_open(breaker, "broken") and not is_open(breaker, "m")
    admitted(breaker, "m").succeeded()
    assert is_open(breaker, "broken")


def test_one_owners_failures_open_it_for_that_owner_alone() -> None:
    breaker = CircuitBreaker(5, 30)
    fail(breaker, *["ann"] * 50)
    assert is_open(breaker, owner="ann") and not is_open(breaker, owner="bob")
    fail(breaker, "bob", "bob")
    assert not is_open(breaker, owner="bob")  # two of one and two of another are not five


@pytest.mark.parametrize("owners", [["ann", "ann", "bob", "bob", "eve"], list("abcde")])
def test_failures_of_several_owners_open_it_for_everybody(owners: list[str]) -> None:
    breaker = CircuitBreaker(5, 30)
    fail(breaker, *owners[:-1])
    assert not is_open(breaker, owner="zoe")
    fail(breaker, owners[-1])
    assert is_open(breaker, owner="zoe")


def test_a_success_of_anybody_closes_it() -> None:
    breaker = CircuitBreaker(2, 30)
    fail(breaker, "ann", "ann")
    admitted(breaker, owner="bob").succeeded()
    assert not is_open(breaker, owner="ann")


def test_one_at_a_time_finds_out_whether_the_provider_is_back() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 29
    assert is_open(breaker)
    clock.now += 1
    probe = admitted(breaker)
    assert is_open(breaker) and is_open(breaker, owner="zoe")
    probe.failed()
    clock.now += 29
    assert is_open(breaker)
    clock.now += 1
    admitted(breaker).succeeded()
    assert not is_open(breaker) and not is_open(breaker)


def test_the_first_event_of_a_probe_is_enough_for_the_others() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 30
    admitted(breaker).answered()
    assert not is_open(breaker)


def test_a_probe_that_was_stopped_makes_way_for_another() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 30
    admitted(breaker).abandoned()
    assert not is_open(breaker)


def test_a_try_from_before_it_opened_says_nothing_new() -> None:
    clock = Clock()
    breaker = CircuitBreaker(1, 30, clock)
    early, late = admitted(breaker), admitted(breaker)
    early.failed()
    clock.now += 30
    probe = admitted(breaker)
    late.failed()
    assert is_open(breaker)  # the probe is still under way
    probe.succeeded()
    assert not is_open(breaker)


def test_it_keeps_the_time_that_the_provider_named() -> None:
    clock = Clock()
    breaker = CircuitBreaker(1, 30, clock)
    fail(breaker, "ann", named_s=7)
    assert (breaker.named_s("m", "ann"), breaker.named_s("other", "ann")) == (7, 0)
    clock.now += 7
    assert breaker.named_s("m", "ann") == 0
    admitted(breaker).failed()  # names none this time
    assert is_open(breaker) and breaker.named_s("m", "ann") == 0


def test_a_time_without_end_is_not_believed() -> None:
    breaker = CircuitBreaker(1, 30, Clock())
    fail(breaker, "ann", named_s=86_400)
    assert breaker.named_s("m", "ann") == LONGEST_NAMED_S


def test_names_that_clients_invent_are_bounded() -> None:
    breaker = CircuitBreaker(1, 30)
    for number in range(MODELS_KEPT + 1):
        fail(breaker, "ann", model=str(number))
    assert not is_open(breaker, "0") and is_open(breaker, "1") and is_open(breaker, str(MODELS_KEPT))
