"""However much is read of a long log, other greenlets and their sockets have their turns meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent
import pytest
from drivers import END, a_start, append
from gevent import socket

from chatapp.dialects.openai_responses.events import ResponsesDialect
from chatapp.dialects.token import TokenDialect
from chatapp.events import Raw, StreamEvent, TextDelta
from chatapp.logs import EventLog
from chatapp.logs.memory import MemoryLog
from chatapp.logs.sqlite.log import SQLiteLog
from chatapp.reading.pace import Spread
from chatapp.reading.reader import open_reader
from chatapp.reading.sources import LiveLog, follow, transcript_of_source

EVENTS = 10_000
ENTRIES_PER_TURN = 1024  # at 5 µs each, 5 ms


class Pings:
    """Two greenlets that send each other a byte: `count` is how often one came back."""

    def __init__(self) -> None:
        self.count = 0
        self._here, self._there = socket.socketpair()
        self._greenlets = [gevent.spawn(self._ping), gevent.spawn(self._answer)]

    def close(self) -> None:
        gevent.killall(self._greenlets)
        self._here.close()
        self._there.close()

    def _ping(self) -> None:
        while True:
            self._here.sendall(b"!")
            self._here.recv(1)
            self.count += 1

    def _answer(self) -> None:
        while data := self._there.recv(1):
            self._there.sendall(data)


@pytest.fixture(params=["memory", "sqlite"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventLog]:
    log: EventLog = MemoryLog() if request.param == "memory" else SQLiteLog(tmp_path / "log.db")
    yield log
    log.close()


@contextmanager
def pings() -> Iterator[Pings]:
    pings = Pings()
    gevent.sleep(0.01)  # so that both wait for a byte
    pings.count = 0
    yield pings
    pings.close()


def written(log: EventLog, *events: StreamEvent) -> LiveLog:
    log.create("run")
    append(log, "run", a_start(), *events, END)
    log.sync("run")
    return LiveLog(log, "run", lambda: None)


def read_whole(source: LiveLog) -> None:
    for _ in open_reader(source, TokenDialect()).follow(15.0, "trace"):
        pass


def read_spread(source: LiveLog) -> None:
    for _ in open_reader(Spread(source, 0.001), TokenDialect()).follow(15.0, "trace"):
        pass


def resume_at_the_end(source: LiveLog) -> None:
    open_reader(source, ResponsesDialect(), EVENTS)


def fold(source: LiveLog) -> None:
    transcript_of_source(source)


def iterate(source: LiveLog) -> None:
    for _ in follow(source):
        pass


@pytest.mark.parametrize("read", [read_whole, read_spread, resume_at_the_end, fold, iterate])
def test_sockets_have_their_turns_while_a_long_log_is_read(log: EventLog, read: Callable[[LiveLog], None]) -> None:
    source = written(log, *[TextDelta("word ")] * EVENTS)
    with pings() as beside:
        read(source)
        assert beside.count >= EVENTS / ENTRIES_PER_TURN / 2  # a byte goes and comes back in two turns


def test_few_large_events_take_as_many_turns_as_many_small_ones(log: EventLog) -> None:
    source = written(log, *[Raw(b"x" * 100_000)] * 100)
    with pings() as beside:
        iterate(source)
        assert beside.count >= 100 / 2
