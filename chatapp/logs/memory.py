"""The log of one process, gone with it: for tests and for embedding. It writes nothing anywhere.

Choose it if a run may be lost with its process and nothing else reads it: no other worker, no
second machine.
"""

import time
from collections.abc import Callable, Sequence
from time import monotonic

from gevent import get_hub

from chatapp.errors import LogError, LogUnavailable, UnknownRun
from chatapp.events import Entry, RunEnd, StreamEvent, encode_events
from chatapp.logs import READ_ENTRIES, LogObserver, Take
from chatapp.logs.offer import Offer
from chatapp.logs.waiting import Waiters


class MemoryLog:
    """See `EventLog`. `retention` is in seconds. `observer` is told of each event: it is kept at
    once.

    Once closed, every call but `close` raises LogUnavailable.
    """

    def __init__(self, retention: float = 3600.0, observer: LogObserver | None = None) -> None:
        self.retention = retention
        self._observer = observer
        self._runs: dict[str, _Run] = {}
        self._settled: dict[str, float] = {}  # in the order in which they may go
        self._on_cancel: Callable[[str], None] = lambda run_id: None
        self._loop = get_hub().loop
        self._closed = False

    def create(self, run_id: str) -> None:
        self._forget_old()
        self.ping()
        if run_id in self._runs:
            raise LogError("this run has a log already")
        self._runs[run_id] = _Run()

    def append(self, run_id: str, event: StreamEvent) -> int:
        began, run = monotonic(), self._find(run_id)
        if run.ended:
            raise LogError("the log has ended")
        encode_events([event])  # refuses what no other log could keep
        run.entries.append(Entry(len(run.entries) + 1, event, time.time()))
        run.ended = type(event) is RunEnd
        run.readers.wake()
        if self._observer is not None:
            self._observer.flushed(1, monotonic() - began)
        return len(run.entries)

    def sync(self, run_id: str) -> None:
        self._find(run_id)

    def read(self, run_id: str, after: int = 0, wait: float = 0.0, take: Take | None = None) -> Sequence[Entry]:
        deadline = monotonic() + wait
        offer = take and Offer(take, after)
        while True:
            run = self._find(run_id)
            entries = run.since(offer.after if offer else after)
            if entries or run.ended or (left := deadline - monotonic()) <= 0:
                return entries
            run.readers.wait(left, offer.of(run.since) if offer else None)

    def exists(self, run_id: str) -> bool:
        self._forget_old()
        return run_id in self._runs

    def cancel(self, run_id: str) -> None:
        if not self._find(run_id).ended:
            self._loop.run_callback(self._on_cancel, run_id)

    def listen(self, on_cancel: Callable[[str], None]) -> None:
        self._on_cancel = on_cancel

    def settle(self, run_id: str) -> None:
        self.ping()
        if run_id in self._runs:
            self._settled.setdefault(run_id, monotonic())

    def adopt(self) -> Sequence[str]:
        self.ping()
        return []  # no run outlives its process here

    def attend(self, run_id: str) -> None:
        self.ping()  # nobody else can read it

    def leave(self, run_id: str, visit: int | None) -> int | None:
        return visit

    def attended(self, run_id: str, visit: int) -> bool:
        return False

    def start(self) -> None:
        self.ping()  # nothing to keep up: each call lets go of old runs

    def ping(self) -> None:
        if self._closed:
            raise LogUnavailable("the event log is closed")

    def close(self) -> None:
        self._closed = True
        for run in self._runs.values():
            run.readers.end()

    def _find(self, run_id: str) -> "_Run":
        if self._closed or self._settled:
            self._forget_old()
        run = self._runs.get(run_id)
        if run is None:
            raise UnknownRun("no such run")
        return run

    def _forget_old(self) -> None:
        self.ping()
        horizon = monotonic() - self.retention
        while self._settled and (oldest := next(iter(self._settled.items())))[1] < horizon:
            del self._settled[oldest[0]], self._runs[oldest[0]]


class _Run:
    __slots__ = ("ended", "entries", "readers")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.ended = False
        self.readers = Waiters()

    def since(self, after: int) -> list[Entry]:
        return self.entries[after : after + READ_ENTRIES]
