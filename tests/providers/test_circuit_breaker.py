from chatapp.providers.circuit_breaker import CircuitBreaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> CircuitBreaker:
    breaker = CircuitBreaker(3, 30, clock)
    for _ in range(3):
        trial = breaker.admit()
        assert trial is not None
        trial.failed()
    return breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = CircuitBreaker(3, 30)
    for outcome in ("failed", "failed", "succeeded", "failed", "failed"):
        trial = breaker.admit()
        assert trial is not None
        getattr(trial, outcome)()
    last = breaker.admit()
    assert last is not None
    last.failed()
    assert breaker.admit() is None


def test_it_says_how_long_it_stays_open() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 12
    assert breaker.admit() is None and breaker.wait_s == 18


def test_one_at_a_time_finds_out_whether_the_provider_is_back() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 30
    probe = breaker.admit()
    assert probe is not None and breaker.admit() is None
    probe.failed()
    assert breaker.admit() is None and breaker.wait_s == 30
    clock.now += 30
    probe = breaker.admit()
    assert probe is not None
    probe.succeeded()
    assert breaker.admit() is not None and breaker.admit() is not None


def test_the_first_event_of_a_probe_is_enough_for_the_others() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 30
    probe = breaker.admit()
    assert probe is not None
    probe.answered()
    assert breaker.admit() is not None


def test_a_probe_that_was_stopped_makes_way_for_another() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 30
    probe = breaker.admit()
    assert probe is not None
    probe.abandoned()
    assert breaker.admit() is not None


def test_a_try_from_before_it_opened_says_nothing_new() -> None:
    clock = Clock()
    breaker = CircuitBreaker(1, 30, clock)
    early, late = breaker.admit(), breaker.admit()
    assert early is not None and late is not None
    early.failed()
    clock.now += 30
    probe = breaker.admit()
    late.failed()
    assert probe is not None and breaker.admit() is None  # the probe is still under way
    probe.succeeded()
    assert breaker.admit() is not None
