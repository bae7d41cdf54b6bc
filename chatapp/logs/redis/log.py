"""The log of many machines: any process on any of them reads, follows and cancels any run.

Choose it if several machines serve one address. What it survives depends on Redis: the death of
any chatapp process; with `appendonly yes`, Redis's own, but for the last second, which the writers
that live write again. Redis must not evict (`maxmemory-policy noeviction`).

    append ─> Writer ─ 5 ms ─> Redis ─ retention ─> gone
                └─> readers here  └─> Follower ─> readers in other processes

This file joins the parts and does what is left: it cancels, takes over, and lets old runs go.
"""

from collections.abc import Callable, Sequence
from time import monotonic

import gevent
from gevent import get_hub
from redis.exceptions import AuthenticationError, ResponseError

from chatapp.errors import LogError, LogUnavailable, UnknownRun
from chatapp.events import Entry, StreamEvent
from chatapp.ids import new_id
from chatapp.logs import LogObserver, Take
from chatapp.logs.offer import Offer
from chatapp.logs.redis.commander import Commander
from chatapp.logs.redis.connection import Address, StoreError
from chatapp.logs.redis.follower import Follower
from chatapp.logs.redis.lease import Leases
from chatapp.logs.redis.pulse import Pulse
from chatapp.logs.redis.store import Store
from chatapp.logs.redis.tail import Tail, WrittenTail
from chatapp.logs.redis.tuning import Tuning
from chatapp.logs.redis.writer import Writer
from chatapp.logs.waiting import Alarm


class RedisLog:
    """See `EventLog`. `retention` is in seconds. Make it in the process that uses it, after a fork.

    A Redis that is away is waited for: runs and readers are told after `outage` seconds. Raises
    ConfigError, or LogUnavailable if Redis does not answer now. Once closed, it raises
    LogUnavailable for every call that needs the store, and for the readers that were waiting.

    Until `start`, or the first run that is written or followed, nothing runs beside the calls.
    """

    def __init__(
        self,
        url: str,
        *,
        flush_ms: float = 5,
        retention: float = 3600.0,
        outage: float = 60.0,
        tuning: Tuning | None = None,
        observer: LogObserver | None = None,
    ) -> None:
        self.retention = retention
        self._tuning = tuning = tuning or Tuning()
        self._on_cancel: Callable[[str], None] = lambda run_id: None
        self._closed = False
        self._id = new_id("writer")
        self._creating: set[str] = set()
        address = Address(url, tuning.answer_s)
        _greet(address, tuning)
        self._commander = Commander(address, tuning.patience_s, tuning.retry_s)
        self._store = Store(self._commander, self._id)
        self._writer = Writer(
            address.connect(), self._store, self._id, flush_ms / 1000, outage, tuning, self._stop_here, observer
        )
        self._follower = Follower(address, self._store, self._id, outage, tuning, self._cancel_here)
        self._leases = Leases(tuning.lease_s, 2 * tuning.beat_s + tuning.answer_s)
        self._pulse = Pulse(self._store, self._leases, tuning, self._writer.check, self._writer.doubt)
        self._sweep_alarm = Alarm(self._sweep)

    def start(self) -> None:
        self._check_open()
        self._pulse.start()
        self._follower.start()
        self._sweep_alarm.set(self._tuning.sweep_s)

    def create(self, run_id: str) -> None:
        self._check_open()
        if run_id in self._writer.tails or run_id in self._creating:
            raise LogError("this run has a log already")
        self._pulse.start()
        self._follower.start()  # cancels come through it
        self._creating.add(run_id)
        try:
            self._store.create(run_id)
            self._writer.add(WrittenTail(run_id))
        finally:
            self._creating.discard(run_id)

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
                entries = self._read_store(run_id, after)
            if tail.finished and after > tail.durable:
                raise LogUnavailable("the event log lost its newest events; resume to get what there is")
            if entries or tail.finished:
                return entries
            self._check(self._failure(tail))
            left = deadline - monotonic()
            if left <= 0:
                return entries
            tail.readers.wait(left, offer.of(tail.since) if offer else None)

    def exists(self, run_id: str) -> bool:
        self._check_open()
        if tail := self._writer.tails.get(run_id):
            return not _is_gone(tail)
        return self._store.exists(run_id)

    def cancel(self, run_id: str) -> None:
        self._check_open()
        if run_id in self._writer.tails:
            self._cancel_here(run_id)
        elif not self._store.cancel(run_id):
            raise UnknownRun("no such run")

    def listen(self, on_cancel: Callable[[str], None]) -> None:
        self._on_cancel = on_cancel

    def settle(self, run_id: str) -> None:
        self._check_open()
        self._store.settle(run_id, self.retention)
        self._writer.settled(run_id, monotonic() + self.retention)

    def adopt(self) -> Sequence[str]:
        self._check_open()
        adopted: list[str] = []
        try:
            self._pulse.look()
            for writer, beat in self._leases.gone():
                if writer != self._id:
                    adopted += self._take_over(writer, beat)
            adopted += self._left_here()
        except LogUnavailable:
            if not adopted:  # else they must be returned: nobody will be given them again
                raise
        return adopted

    def attend(self, run_id: str) -> None:
        self._check_open()
        self._pulse.start()
        self._store.attend(run_id)

    def leave(self, run_id: str, visit: int | None) -> int | None:
        elsewhere, awaited = self._store.readers(run_id, visit, leaving=True)
        return None if elsewhere else awaited

    def attended(self, run_id: str, visit: int) -> bool:
        return self._store.readers(run_id, visit, leaving=False)[0]

    def ping(self) -> None:
        self._check_open()
        self._check(self._writer.trouble or self._follower.trouble)
        self._store.ping(self._tuning.answer_s)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._pulse.stop()
        self._sweep_alarm.clear()
        self._follower.close()
        self._writer.close()
        if self._writer.trouble is None:
            self._say_goodbye()
        self._follower.join()
        self._commander.close()

    def _tail(self, run_id: str) -> Tail:
        self._check_open()
        written = self._writer.tails.get(run_id)
        if written is not None and _is_gone(written):
            raise UnknownRun("no such run")
        return written or self._follower.tails.get(run_id) or self._follower.follow(run_id)

    def _failure(self, tail: Tail) -> str | None:
        return self._writer.failure if isinstance(tail, WrittenTail) else self._follower.failure

    def _read_store(self, run_id: str, after: int) -> list[Entry]:
        entries = self._store.read(run_id, after)
        if not entries or entries[0].seq != after + 1:
            raise UnknownRun("this part of the log is gone")
        return entries

    def _take_over(self, writer: str, beat: bytes) -> list[str]:
        runs = self._store.take_over(writer, beat)
        for run in runs:
            self._writer.add(WrittenTail(run.id, run.last, run.end))
            self._follower.drop(run.id)
        return [run.id for run in runs]

    def _left_here(self) -> list[str]:
        """Runs that are this process's, and that it does not write: a reply got lost."""
        left = []
        for run_id in self._store.own():
            if run_id not in self._writer.tails and run_id not in self._creating and (run := self._store.find(run_id)):
                self._writer.add(WrittenTail(run_id, run.last, run.end))
                self._follower.drop(run_id)
                left.append(run_id)
        return left

    def _stop_here(self, run_id: str) -> None:
        """Called in the hub: the run was cancelled elsewhere, or is no longer this process's."""
        self._on_cancel(run_id)

    def _cancel_here(self, run_id: str) -> None:
        tail = self._writer.tails.get(run_id)
        if tail is not None and tail.end is None:
            get_hub().loop.run_callback(self._on_cancel, run_id)

    def _say_goodbye(self) -> None:
        try:
            self._store.leave()
        except LogUnavailable:  # others notice it by the beat
            pass

    def _sweep(self) -> None:
        self._writer.retire()
        self._follower.sweep()
        self._sweep_alarm.set(self._tuning.sweep_s)

    def _check_open(self) -> None:
        self._check("the event log is closed" if self._closed else None)

    def _check(self, failure: str | None) -> None:
        if failure is not None:
            raise LogUnavailable(failure)


def _is_gone(tail: WrittenTail) -> bool:
    return tail.gone_at is not None and monotonic() >= tail.gone_at


def _greet(address: Address, tuning: Tuning) -> None:
    """Wait a moment for a Redis that restarts: a worker that gives up takes the others with it."""
    connection, give_up = address.connect(), monotonic() + tuning.patience_s
    while True:
        try:
            connection.call("PING")
            break
        except StoreError as error:
            if isinstance(error, AuthenticationError | ResponseError) or monotonic() > give_up:
                raise LogUnavailable(f"log_url: cannot use Redis at {address}: {error}") from None
        gevent.sleep(tuning.retry_s)
    connection.close()
