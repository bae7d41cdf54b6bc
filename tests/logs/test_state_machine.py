"""A log against a model of it: whatever is appended, read, cut, resumed, trimmed and killed."""

import gc
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import gevent
import pytest
from drivers import BOUND_S, END, append, read_all
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from invariants import check_entries, check_logs
from servers import Redis, redis_server

from chatapp.cancel import CancelScope
from chatapp.errors import LogError, UnknownRun
from chatapp.events import Entry, RunEnd
from chatapp.ids import new_id
from chatapp.logs import EventLog
from chatapp.logs.memory import MemoryLog
from chatapp.logs.redis.log import RedisLog
from chatapp.logs.redis.tuning import Tuning as RedisTuning
from chatapp.logs.sqlite.log import SQLiteLog
from chatapp.logs.sqlite.tuning import Tuning

QUICK_LEASE = RedisTuning(beat_s=0.02, lease_s=0.2, block_s=0.1, answer_s=1.0, retry_s=0.02, sweep_s=0.05)
QUICK = Tuning(tick_s=0.005, fold_age_s=0.0, sweep_s=0.02)


class Cut(Exception):
    pass


class Run:
    """What the model knows: `appended` by its writer, of which so many are `durable`."""

    def __init__(self) -> None:
        self.id = new_id("run")
        self.appended: list[Entry] = []
        self.durable = 0
        self.settled = False

    @property
    def ended(self) -> bool:
        return bool(self.appended) and isinstance(self.appended[-1].event, RunEnd)

    def saw(self, upto: int) -> None:
        self.durable = max(self.durable, upto)


class Reader:
    def __init__(self, run: Run, after: int) -> None:
        self.run = run
        self.at = after


class LogMachine(RuleBasedStateMachine):
    """The log `open` gives; with `crashes`, its process may die and another one takes over."""

    runs = Bundle("runs")
    readers = Bundle("readers")
    crashes = False

    def __init__(self) -> None:
        super().__init__()
        self.model: list[Run] = []
        self.log = self.open()
        self.log.start()

    def open(self) -> EventLog:
        return MemoryLog()

    def crash(self) -> None:
        """What a kill -9 leaves: nothing more is written, and nobody is told."""

    def take_over(self) -> None:
        """Get the runs of the process that died."""
        self.log.adopt()

    @rule(target=runs)
    def begin(self) -> Run:
        run = Run()
        self.log.create(run.id)
        self.model.append(run)
        return run

    @rule(run=runs, texts=st.lists(st.text(max_size=20), min_size=1, max_size=30))
    def append(self, run: Run, texts: list[str]) -> None:
        if run.ended:
            with pytest.raises(LogError):
                append(self.log, run.id, *texts)
        else:
            run.appended += append(self.log, run.id, *texts)

    @rule(run=runs)
    def sync(self, run: Run) -> None:
        if not run.settled:
            self.log.sync(run.id)
            run.saw(len(run.appended))

    @rule(run=runs)
    def close(self, run: Run) -> None:
        if not run.ended:
            run.appended += append(self.log, run.id, END)

    @rule(run=runs)
    def settle(self, run: Run) -> None:
        if run.ended:
            self.sync(run)
            self.log.settle(run.id)
            run.settled = True

    @rule()
    def trim(self) -> None:
        """Settled logs may go; the others stay."""
        kept, self.log.retention = self.log.retention, 0.0  # type: ignore[attr-defined]
        gevent.sleep(0.001)
        for run in self.model:
            assert run.settled or self.log.exists(run.id)
        self.log.retention = kept  # type: ignore[attr-defined]

    @rule(target=readers, run=runs, share=st.floats(0, 1))
    def subscribe(self, run: Run, share: float) -> Reader:
        """Anywhere in what is durable, as a client that resumes."""
        return Reader(run, int(share * run.durable))

    @rule(reader=readers)
    def read(self, reader: Reader) -> None:
        try:
            entries = list(self.log.read(reader.run.id, reader.at))
        except UnknownRun:
            assert reader.run.settled, "a run that was not settled is unknown"
            return
        assert entries == reader.run.appended[reader.at : reader.at + len(entries)]
        if reader.at < reader.run.durable:
            assert entries, f"{reader.run.durable} entries are durable, and nothing came after {reader.at}"
        reader.at += len(entries)
        reader.run.saw(reader.at)

    @rule(reader=consumes(readers), target=readers)
    def cut_and_resume(self, reader: Reader) -> Reader:
        """A client goes away while it waits, and comes back with what it has."""
        scope = CancelScope()
        waiting = gevent.spawn(scope.run, self.log.read, reader.run.id, len(reader.run.appended), BOUND_S)
        gevent.sleep(0)
        scope.cancel(Cut)
        with suppress(Cut, UnknownRun):
            assert not waiting.get(timeout=BOUND_S)
        return Reader(reader.run, reader.at)

    @rule()
    def turn(self) -> None:
        gevent.sleep(0.006)

    @precondition(lambda self: self.crashes and self.model)
    @rule()
    def die(self) -> None:
        self.crash()
        self.log = self.open()
        self.log.start()
        self.take_over()
        for run in self.model:
            self._lose_what_nobody_saw(run)

    @invariant()
    def works(self) -> None:
        self.log.ping()

    def teardown(self) -> None:
        for run in self.model:
            self.close(run)
        left = {run.id: run.appended for run in self.model if not run.settled}
        for entries in left.values():
            check_entries(entries)
        check_logs(left, lambda run_id: read_all(self.log, run_id))
        self.log.close()

    def _lose_what_nobody_saw(self, run: Run) -> None:
        if run.settled:
            return
        left: list[Entry] = []
        while entries := self.log.read(run.id, len(left)):
            left += entries
        assert left == run.appended[: len(left)] and len(left) >= run.durable
        run.appended = left
        run.saw(len(left))


class SQLiteMachine(LogMachine):
    crashes = True

    def open(self) -> EventLog:
        if not hasattr(self, "folder"):
            self.folder = TemporaryDirectory()
        return SQLiteLog(Path(self.folder.name) / "log.db", tuning=QUICK)

    def crash(self) -> None:
        log = self.log
        assert isinstance(log, SQLiteLog)
        log._writer._flush_set = False
        for alarm in (log._writer._flush_alarm, log._tick_alarm, log._sweep_alarm, log._expire_alarm):
            alarm.clear()
        log._follower.close()
        log._checkpointer.close()
        log._store.close()
        os.close(log._lock._file)  # as the kernel does; the file stays

    def teardown(self) -> None:
        elsewhere = SQLiteLog(Path(self.folder.name) / "log.db", tuning=QUICK)
        try:
            for run in self.model:
                self.close(run)
            left = {run.id: run.appended for run in self.model if not run.settled}
            check_logs(left, lambda run_id: read_all(elsewhere, run_id))
            super().teardown()
        finally:
            elsewhere.close()
            self.folder.cleanup()


def check(machine: type[LogMachine], examples: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_memory_does_as_the_model_does() -> None:
    check(LogMachine, 15)


def test_sqlite_does_as_the_model_does() -> None:
    check(SQLiteMachine, 15)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    with redis_server(tmp_path / "redis") as server:
        yield server


class RedisMachine(LogMachine):
    """Redis's own clock decides that a process is gone: its lease must run out."""

    crashes = True
    url = ""

    def open(self) -> EventLog:
        return RedisLog(self.url, tuning=QUICK_LEASE)

    def crash(self) -> None:
        log = self.log
        assert isinstance(log, RedisLog)
        log._sweep_alarm.clear()
        parts = (log._pulse, log._follower, log._writer, log._commander)
        gevent.killall([part._greenlet for part in parts if part._greenlet is not None])
        for part in (log._follower, log._writer, log._commander):
            part._connection.close()  # as the kernel does

    def take_over(self) -> None:
        left = {run.id for run in self.model if not run.settled}
        taken: set[str] = set()
        while not left <= taken:
            taken |= set(self.log.adopt())
            gevent.sleep(0.01)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed.*socket:ResourceWarning")
def test_redis_does_as_the_model_does(redis: Redis) -> None:
    """What crashes while it connects has a socket that only the kernel would close."""

    class Here(RedisMachine):
        url = redis.url

    check(Here, 8)
    gc.collect()  # here, and not in a test that may leave no socket
