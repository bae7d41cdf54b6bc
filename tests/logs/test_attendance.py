"""Processes that share a log know of each other's readers: the same over SQLite and Redis."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from drivers import END
from servers import redis_server
from waiting import soon

from chatapp.logs import EventLog
from chatapp.logs.memory import MemoryLog
from chatapp.logs.redis.log import RedisLog
from chatapp.logs.sqlite.log import SQLiteLog

OpenLog = Callable[[], EventLog]


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.slow)])
def open_log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenLog]:
    opened: list[EventLog] = []

    def run(make: Callable[[], EventLog]) -> Iterator[OpenLog]:
        def open_log() -> EventLog:
            opened.append(make())
            return opened[-1]

        yield open_log
        for log in opened:
            log.close()

    if request.param == "sqlite":
        yield from run(lambda: SQLiteLog(tmp_path / "log.db"))
    else:
        with redis_server(tmp_path) as server:
            yield from run(lambda: RedisLog(server.url))


def test_a_run_without_readers_elsewhere_waits_for_the_client_that_left(open_log: OpenLog) -> None:
    here = open_log()
    here.create("run_1")
    assert not here.attended("run_1", 0)
    here.attend("run_1")
    assert here.leave("run_1", None) is None
    here.attend("run_1")
    assert not here.attended("run_1", 0)
    assert here.leave("run_1", 3) == 3


def test_the_last_of_all_processes_is_told_for_whom_the_run_waits(open_log: OpenLog) -> None:
    here, there = open_log(), open_log()
    here.create("run_1")
    for log in (here, there, there):
        log.attend("run_1")
    soon(lambda: here.attended("run_1", 0))
    assert there.attended("run_1", 0)
    assert there.leave("run_1", 2) is None
    assert here.leave("run_1", 1) == 2
    assert not there.attended("run_1", 2)


def test_readers_of_a_process_that_is_gone_do_not_count(open_log: OpenLog) -> None:
    here, gone = open_log(), open_log()
    here.create("run_1")
    here.attend("run_1")
    gone.attend("run_1")
    soon(lambda: here.attended("run_1", 0))
    gone.close()
    assert not here.attended("run_1", 1)
    here.append("run_1", END)
    here.sync("run_1")
    assert here.leave("run_1", 1) == 1


def test_a_log_of_one_process_has_no_readers_elsewhere() -> None:
    log = MemoryLog()
    log.create("run_1")
    log.attend("run_1")
    assert not log.attended("run_1", 1) and log.leave("run_1", 1) == 1
