"""How many requests an owner may make, in windows that processes share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatapp.errors import ConfigError, LimitExceeded
from chatapp.quotas.requests import RequestLimits, storage_for
from chatapp.storage.database import open_database
from chatapp.storage.rates import RateWindows


@pytest.fixture
def windows(tmp_path: Path) -> Iterator[RateWindows]:
    database = open_database("", tmp_path)
    yield RateWindows(database.engine)
    database.close()


def limits(rate: str, windows: RateWindows) -> RequestLimits:
    return RequestLimits(rate, storage_for("sqlite:", windows))


def allowed(limits: RequestLimits, owner: str = "ann", tries: int = 20) -> int:
    for number in range(tries):
        try:
            limits.hit(owner)
        except LimitExceeded:
            return number
    return tries


@pytest.mark.parametrize(
    ("rate", "number"),
    [("5/minute", 5), ("5 per minute", 5), ("3/second; 4/day", 3), ("9/hour,4/2 days", 4), ("", 20), ("  ", 20)],
)
def test_the_rate_is_as_the_library_writes_it(windows: RateWindows, rate: str, number: int) -> None:
    assert allowed(limits(rate, windows)) == number


@pytest.mark.parametrize("rate", ["5", "five/minute", "5/fortnight", "0/minute", ";", "5/minute;x"])
def test_a_rate_that_is_none_stops_the_start(windows: RateWindows, rate: str) -> None:
    with pytest.raises(ConfigError, match="request_rate: expected"):
        limits(rate, windows)


def test_owners_have_windows_of_their_own_and_processes_the_same(tmp_path: Path, windows: RateWindows) -> None:
    ours = limits("4/hour", windows)
    database = open_database("", tmp_path)
    theirs = limits("4/hour", RateWindows(database.engine))
    assert allowed(ours, tries=2) == 2 and allowed(theirs) == 2 and allowed(ours) == 0
    assert allowed(ours, "bob") == 4
    database.close()


def test_a_refused_owner_is_told_when_to_come_back(windows: RateWindows, monkeypatch: pytest.MonkeyPatch) -> None:
    limited, now = limits("2/minute", windows), 1000.0
    monkeypatch.setattr("time.time", lambda: now)
    assert allowed(limited) == 2
    now = 1040.0
    with pytest.raises(LimitExceeded, match=r"2 requests in a minute.*\(setting request_rate\)") as refused:
        limited.hit("ann")
    assert refused.value.retry_after == pytest.approx(20.0)
    (state,) = limited.states("ann")
    assert (state.allowed, state.remaining, state.window_s, round(state.reset_s)) == (2, 0, 60, 20)
    now = 1060.0
    assert allowed(limited) == 2


def test_a_window_that_is_over_begins_anew_and_can_be_removed(
    windows: RateWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.time", lambda: now)
    assert [windows.add("k", 60, 1), windows.add("k", 60, 2)] == [1, 3]
    assert windows.window("k") == (3, 1060.0)
    now = 1060.0
    assert windows.window("k")[0] == 0 and windows.add("k", 60, 1) == 1
    assert windows.remove("k") == 1 and windows.remove() == 0


def test_a_hit_that_waited_for_its_turn_does_not_begin_the_window_anew(
    windows: RateWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looked at the clock before the hit that began the window, and is counted after it."""
    counts = []
    for at in (1000.0, 999.5, 999.9, 1001.0):
        monkeypatch.setattr("time.time", lambda at=at: at)
        counts.append(windows.add("k", 3600, 1))
    assert counts == [1, 2, 3, 4]


def test_a_clock_that_is_set_back_shuts_nobody_out(windows: RateWindows, monkeypatch: pytest.MonkeyPatch) -> None:
    limited, now = limits("2/minute", windows), 100_000.0
    monkeypatch.setattr("time.time", lambda: now)
    assert allowed(limited) == 2
    now -= 86_400
    assert allowed(limited) == 2
    assert allowed(limited) == 0
