from chatapp.providers.circuit_breaker import Circuit


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Circuit:
    circuit = Circuit(3, 30, clock)
    for _ in range(3):
        attempt = circuit.admit()
        assert attempt is not None
        attempt.failed()
    return circuit


def test_it_opens_after_failures_in_a_row_only() -> None:
    circuit = Circuit(3, 30)
    for outcome in ("failed", "failed", "succeeded", "failed", "failed"):
        attempt = circuit.admit()
        assert attempt is not None
        getattr(attempt, outcome)()
    last = circuit.admit()
    assert last is not None
    last.failed()
    assert circuit.admit() is None


def test_it_says_how_long_it_stays_open() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += 12
    assert circuit.admit() is None and circuit.wait_s == 18


def test_one_at_a_time_finds_out_whether_the_provider_is_back() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += 30
    probe = circuit.admit()
    assert probe is not None and circuit.admit() is None
    probe.failed()
    assert circuit.admit() is None and circuit.wait_s == 30
    clock.now += 30
    probe = circuit.admit()
    assert probe is not None
    probe.succeeded()
    assert circuit.admit() is not None and circuit.admit() is not None


def test_the_first_event_of_a_probe_is_enough_for_the_others() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += 30
    probe = circuit.admit()
    assert probe is not None
    probe.answered()
    assert circuit.admit() is not None


def test_a_probe_that_was_stopped_makes_way_for_another() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.now += 30
    probe = circuit.admit()
    assert probe is not None
    probe.left()
    assert circuit.admit() is not None


def test_a_try_from_before_it_opened_says_nothing_new() -> None:
    clock = Clock()
    circuit = Circuit(1, 30, clock)
    early, late = circuit.admit(), circuit.admit()
    assert early is not None and late is not None
    early.failed()
    clock.now += 30
    probe = circuit.admit()
    late.failed()
    assert probe is not None and circuit.admit() is None  # the probe is still the one
    probe.succeeded()
    assert circuit.admit() is not None
