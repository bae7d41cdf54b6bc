"""The places that a reader reads from: a log that lives, one that is gone, and what was kept of it."""

from collections.abc import Sequence

import gevent
import pytest
from reading.runs import START, numbered

from chatapp.cancel import CancelScope
from chatapp.errors import UnknownRun
from chatapp.events import Entry, RunEnd, TextDelta, Timing, Usage
from chatapp.reading.sources import Interruptible, KeptAnswer, LiveLog, Source, follow, transcript_of_source

END = RunEnd("stop", Usage(), Timing())
ENTRIES = numbered([START, TextDelta("a"), TextDelta("b"), END])
KEPT = [ENTRIES[0], Entry(3, TextDelta("ab")), ENTRIES[3]]


class Stopped(Exception):
    pass


class Log:
    """Gives so many entries at a time; it is gone once it has given `until`."""

    def __init__(self, at_once: int = 2, until: int = 9) -> None:
        self._at_once = at_once
        self._until = until

    def read(self, run_id: str, after: int, wait: float, take: object = None) -> Sequence[Entry]:
        if after >= self._until:
            raise UnknownRun("no such run")
        return ENTRIES[after : after + self._at_once]


class Silent:
    """A run of which nothing comes."""

    def read(self, after: int, wait: float, take: object = None) -> Sequence[Entry]:
        gevent.sleep(wait)
        return []

    def kept(self) -> Source | None:
        return self


def live(log: Log, kept: list[Entry] | None = KEPT) -> LiveLog:
    return LiveLog(log, "run", lambda: kept)  # type: ignore[arg-type]


@pytest.mark.parametrize("after", range(5))
@pytest.mark.parametrize("at_once", [1, 2, 9])
def test_a_run_is_followed_from_any_entry_to_its_end(at_once: int, after: int) -> None:
    assert list(follow(live(Log(at_once)), after)) == ENTRIES[after:]


def test_what_was_kept_is_read_from_where_the_reader_was() -> None:
    kept = live(Log()).kept()
    assert kept is not None and list(follow(kept, 1)) == KEPT[1:] and list(follow(kept, 4)) == []
    assert live(Log(), None).kept() is None and KeptAnswer(KEPT).kept() is None


def test_a_log_that_goes_away_is_read_as_it_was_kept() -> None:
    assert transcript_of_source(live(Log(until=2))).content == "ab"
    with pytest.raises(UnknownRun):
        transcript_of_source(live(Log(until=2), None))


def test_a_reader_that_is_stopped_waits_no_longer() -> None:
    scope = CancelScope()
    source = Interruptible(Silent(), scope)
    for waits in (source, source.kept()):
        assert waits is not None
        following = gevent.spawn(lambda waits=waits: list(follow(waits, live=True)))
        scope.cancel(Stopped)
        with pytest.raises(Stopped):
            following.get(timeout=5)
