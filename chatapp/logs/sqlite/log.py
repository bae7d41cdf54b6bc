"""The log of one machine: a SQLite file that several worker processes write and read. The default.

Choose it unless several machines must share the log. It survives `kill -9`. After a power failure
the last commits may be missing, unless `synchronous` is FULL: then each flush waits in the hub for
the disk.

    append ─> Writer ─ 5 ms ─> journal ─ 2 s ─> chunks ─ retention ─> gone
                └─> readers here  └─> Follower ─> readers in other processes

This file joins the parts and does what is left: it cancels, takes over, and lets old logs go.
"""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import ParamSpec, TypeVar

import msgspec
from gevent import get_hub

from chatapp.errors import ConfigError, LogError, LogUnavailable, UnknownRun
from chatapp.events import Entry, StreamEvent
from chatapp.logs import LogObserver, Take
from chatapp.logs.offer import Offer
from chatapp.logs.sqlite.follower import Follower
from chatapp.logs.sqlite.lock import WriterLock
from chatapp.logs.sqlite.schema import StoreError, Synchronous
from chatapp.logs.sqlite.store import Store
from chatapp.logs.sqlite.tail import Tail, WrittenTail
from chatapp.logs.sqlite.tuning import Tuning
from chatapp.logs.sqlite.writer import Writer
from chatapp.logs.waiting import Alarm
from chatapp.sqlite import PATIENCE_S, Checkpointer, is_busy, retry_while_busy

P = ParamSpec("P")
T = TypeVar("T")

MORE_S = 0.05  # until the next part of what is too much to delete at once

logger = logging.getLogger(__name__)


class SQLiteLog:
    """See `EventLog`. `retention` is in seconds. Make it in the process that uses it, after a fork.

    Raises ConfigError, or LogUnavailable if the file cannot be opened. Once closed, it raises
    LogUnavailable for every call that needs the store, and for the readers that were waiting.

    Until `start`, no thread runs and no timer but those of the runs that are written and read: no
    log expires, the WAL grows, and runs that ended stay in memory.
    """

    def __init__(
        self,
        path: Path,
        *,
        flush_ms: float = 5,
        retention: float = 3600.0,
        synchronous: Synchronous = "NORMAL",
        tuning: Tuning | None = None,
        checkpointer: Checkpointer | None = None,
        observer: LogObserver | None = None,
    ) -> None:
        self.retention = retention
        self._tuning = tuning or Tuning()
        self._on_cancel: Callable[[str], None] = lambda run_id: None
        self._closed = False
        self._store, self._lock = _open(path, synchronous)
        self._checkpointer = checkpointer or Checkpointer(path)
        self._writer = Writer(self._store, self._lock.id, flush_ms / 1000, self._tuning, observer)
        self._follower = Follower(self._store, self._lock.id, self._horizon)
        self._tick_alarm = Alarm(self._tick)
        self._sweep_alarm = Alarm(self._sweep)
        self._expire_alarm = Alarm(self._expire)

    def start(self) -> None:
        self._check_open()
        self._checkpointer.start()
        self._sweep_alarm.set(self._tuning.sweep_s)

    def create(self, run_id: str) -> None:
        """While another process holds the file, the run begins here alone, and for the others once
        the file is free."""
        try:
            key = retry_while_busy(partial(self._create, run_id), self._tuning.create_patience_s)
        except StoreError as error:
            if not is_busy(error):
                raise LogUnavailable(f"the event log does not answer: {error}") from error
            self._begin_unseen(run_id)
        else:
            self._write(WrittenTail(run_id, key))

    def append(self, run_id: str, event: StreamEvent) -> int:
        return self._writer.append(run_id, event)

    def sync(self, run_id: str) -> None:
        self._writer.sync(run_id)

    def read(self, run_id: str, after: int = 0, wait: float = 0.0, take: Take | None = None) -> Sequence[Entry]:
        deadline = monotonic() + wait
        offer = take and Offer(take, after)
        while True:
            after = offer.after if offer else after
            tail = self._tail(run_id)
            tail.used = True
            entries = tail.since(after)
            if entries is None:
                entries = self._read_store(tail, after)
            if entries or tail.durable == tail.end:
                return entries
            if failure := self._failure(tail):
                raise LogUnavailable(failure)
            left = deadline - monotonic()
            if left <= 0:
                return entries
            tail.readers.wait(left, offer.of(tail.since) if offer else None)

    def exists(self, run_id: str) -> bool:
        if run_id in self._writer.tails or run_id in self._follower.tails:
            return True
        return self._patiently(self._store.find, run_id, self._horizon()) is not None

    def cancel(self, run_id: str) -> None:
        if run_id in self._writer.tails:
            self._cancel_here(run_id)
        elif not self._patiently(self._store.cancel, run_id):
            raise UnknownRun("no such run")

    def listen(self, on_cancel: Callable[[str], None]) -> None:
        self._on_cancel = on_cancel

    def settle(self, run_id: str) -> None:
        self._patiently(self._store.settle, run_id, time.time())

    def adopt(self) -> Sequence[str]:
        adopted: list[str] = []
        try:
            for writer in self._lock.others().union(self._patiently(self._store.writers)) - {self._lock.id}:
                with self._lock.claim(writer) as gone:
                    if gone:
                        adopted += self._take_over(writer)
        except (OSError, LogUnavailable) as error:
            if not adopted:  # else they must be returned: nobody will be given them again
                raise LogUnavailable(f"cannot take over runs: {error}") from error
        return adopted

    def attend(self, run_id: str) -> None:
        self._try(self._tuning.create_patience_s, self._store.readers.add, run_id, self._lock.id)

    def leave(self, run_id: str, visit: int | None) -> int | None:
        self._patiently(self._store.readers.remove, run_id, self._lock.id)
        noted = self._patiently(self._store.readers.awaited, run_id)
        awaited = max((one for one in (visit, noted) if one is not None), default=None)
        return None if self._has_others(run_id, awaited) else awaited

    def attended(self, run_id: str, visit: int) -> bool:
        return self._has_others(run_id, visit)

    def ping(self) -> None:
        if failure := self._writer.failure or self._follower.failure or self._checkpointer.failure:
            raise LogUnavailable(failure)
        self._patiently(self._store.ping)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        self._follower.close()
        for alarm in (self._tick_alarm, self._sweep_alarm, self._expire_alarm):
            alarm.clear()
        self._checkpointer.close()
        self._store.close()
        self._lock.release()

    def _has_others(self, run_id: str, visit: int | None) -> bool:
        """Whether other processes have readers; the run then waits for the visit after them."""
        others = self._patiently(self._store.readers.processes, run_id) - {self._lock.id}
        if all(self._lock.is_gone(process) for process in others):
            return False
        if visit is not None:
            self._patiently(self._store.readers.wait_for, run_id, visit)
        return True

    def _tail(self, run_id: str) -> Tail:
        tail = self._writer.tails.get(run_id) or self._follower.tails.get(run_id)
        if tail is None or self._closed:
            tail = self._patiently(self._follower.follow, run_id)
        return tail

    def _failure(self, tail: Tail) -> str | None:
        return self._writer.failure if isinstance(tail, WrittenTail) else self._follower.failure

    def _create(self, run_id: str) -> int:
        self._check_open()
        return self._store.create(run_id, self._lock.id)

    def _begin_unseen(self, run_id: str) -> None:
        if self.exists(run_id):
            raise LogError("this run has a log already")
        tail = WrittenTail(run_id, key=0)
        self._writer.begin_later(tail)
        self._write(tail)

    def _read_store(self, tail: Tail, after: int) -> list[Entry]:
        entries = self._patiently(self._store.read, tail.key, after)
        if not entries or entries[0].seq != after + 1:
            raise UnknownRun("this part of the log is gone")
        return entries

    def _write(self, tail: WrittenTail) -> None:
        self._writer.tails[tail.run_id] = tail
        if not self._tick_alarm.is_set:
            self._tick_alarm.set(self._tuning.tick_s)

    def _take_over(self, writer: str) -> list[str]:
        runs = self._patiently(self._store.take_over, writer, self._lock.id)
        for run in runs:
            self._write(WrittenTail(run.id, run.key, run.folded, run.end))
            self._follower.drop(run.id)
        return [run.id for run in runs]

    def _tick(self) -> None:
        self._look_for_cancels()
        self._writer.fold()
        if self._writer.active:
            self._tick_alarm.set(self._tuning.tick_s)

    def _look_for_cancels(self) -> None:
        """Repeats itself at each tick until the run has ended."""
        try:
            cancelled = self._store.cancelled(self._lock.id)
        except StoreError:  # the flush meets it too, and reports it
            return
        for run_id in cancelled:
            self._cancel_here(run_id)

    def _cancel_here(self, run_id: str) -> None:
        tail = self._writer.tails.get(run_id)
        if tail is not None and tail.end is None:
            get_hub().loop.run_callback(self._on_cancel, run_id)

    def _sweep(self) -> None:
        self._writer.retire()
        self._follower.sweep()
        self._store.journal.forget()
        self._sweep_alarm.set(self._tuning.sweep_s)
        self._expire()

    def _expire(self) -> None:
        try:
            if self._store.expire(self._horizon(), self._tuning.expire_chunks):
                self._expire_alarm.set(MORE_S)
        except StoreError as error:  # the next sweep tries again
            if not is_busy(error):
                logger.warning("old logs cannot be deleted: %s", error)

    def _horizon(self) -> float:
        """Runs that were settled before this time are old."""
        return time.time() - self.retention

    def _patiently(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Take a step on the store, waiting while another process holds the file."""
        return self._try(PATIENCE_S, step, *args, **kwargs)

    def _try(self, patience_s: float, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def attempt() -> T:
            self._check_open()  # it may have been closed meanwhile
            return step(*args, **kwargs)

        try:
            return retry_while_busy(attempt, patience_s)
        except (StoreError, msgspec.MsgspecError) as error:
            raise LogUnavailable(f"the event log does not answer: {error}") from error

    def _check_open(self) -> None:
        if self._closed:
            raise LogUnavailable("the event log is closed")


def _open(path: Path, synchronous: Synchronous) -> tuple[Store, WriterLock]:
    if synchronous not in ("NORMAL", "FULL"):
        raise ConfigError(f"log_synchronous: expected NORMAL or FULL, got {synchronous!r}")
    try:
        store = Store(path, synchronous)
    except (StoreError, OSError) as error:
        raise LogUnavailable(f"log_url: cannot open the event log {path}: {error}") from error
    try:
        return store, WriterLock(path.with_name(f"{path.name}-writers"))
    except OSError as error:
        store.close()
        raise LogUnavailable(f"log_url: cannot lock the event log {path}: {error}") from error
