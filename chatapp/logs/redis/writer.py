"""The runs that this process writes: sent together, shown once Redis has them.

    append ── 5 ms ──> one script for all runs ── durable: readers wake

One greenlet sends. Redis may be away: then events wait here, up to a size and a time, and are sent
in the order of their seq. What Redis lost in a crash is sent again from here. A run that another
process has taken over is let go of at once.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic

import gevent
from gevent import get_hub
from gevent.event import Event

from chatapp.errors import LogError, LogLost, LogUnavailable, UnknownRun
from chatapp.events import StreamEvent
from chatapp.logs import LogObserver
from chatapp.logs.redis.connection import Connection, StoreError
from chatapp.logs.redis.pieces import Piece
from chatapp.logs.redis.store import DAMAGED, FENCED, MISSING, Store, Written, write
from chatapp.logs.redis.tail import WrittenTail
from chatapp.logs.redis.tuning import Tuning

CLOSE_S = 2.0  # for a last flush
BATCH_RUNS = 256  # one script stops Redis for half a ms
BATCH_BYTES = 1 << 20

logger = logging.getLogger(__name__)


class Writer:
    """Writes the runs in `tails`, as the process `name`.

    `trouble` says why nothing can be written now; `failure` says the same once it has lasted for
    `outage_s`, and then runs and readers hear of it. Both are None while all is well.
    """

    def __init__(
        self,
        connection: Connection,
        store: Store,
        name: str,
        flush_s: float,
        outage_s: float,
        tuning: Tuning,
        on_stop: Callable[[str], None],
        observer: LogObserver | None = None,
    ) -> None:
        self.tails: dict[str, WrittenTail] = {}
        self.trouble: str | None = None
        self.failure: str | None = None
        self._connection = connection
        self._store = store
        self._name = name
        self._flush_s = flush_s
        self._outage_s = outage_s
        self._tuning = tuning
        self._observer = observer
        self._on_stop = on_stop  # called in the hub with a run that must stop
        self._loop = get_hub().loop
        self._dirty: dict[WrittenTail, None] = {}  # in the order in which they are sent
        self._lost: set[str] = set()  # runs whose logs cannot be made whole
        self._pending_bytes = 0  # appended and not taken
        self._kept: deque[tuple[WrittenTail, Piece]] = deque()  # taken, and here all the same
        self._kept_bytes = 0
        self._flushed_at = self._trouble_since = 0.0
        self._asked_at: float | None = None  # when the first event of the next flush came
        self._written = 0  # events of this flush
        self._wake = Event()
        self._closing = False
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def add(self, tail: WrittenTail) -> None:
        self._greenlet = self._greenlet or gevent.spawn(self._run)
        self.tails[tail.run_id] = tail

    def append(self, run_id: str, event: StreamEvent) -> int:
        """Raises UnknownRun, LogLost, LogUnavailable, LogError if the run has ended."""
        tail = self._find(run_id)
        if self.failure is not None or self._pending_bytes > self._tuning.max_pending_bytes:
            raise LogUnavailable(self.failure or "the event log is falling behind; try again in a moment")
        self._pending_bytes += tail.append(event, time.time())
        self._dirty[tail] = None
        self._asked_at = self._asked_at or monotonic()
        self._wake.set()
        return tail.last

    def sync(self, run_id: str) -> None:
        tail = self._find(run_id)
        target, give_up = tail.last, monotonic() + self._tuning.patience_s
        while tail.stored < target:
            if self.failure is not None or monotonic() > give_up:
                raise LogUnavailable(self.failure or self.trouble or "the event log was not written in time")
            tail.readers.wait(self._tuning.patience_s)
            self._find(run_id)  # it may have been taken over, or lost

    def settled(self, run_id: str, gone_at: float) -> None:
        """Its log goes then (monotonic); nothing of it has to be written again."""
        self._lost.discard(run_id)
        if tail := self.tails.get(run_id):
            tail.gone_at = gone_at
            tail.kept.clear()

    def check(self) -> None:
        """Compare what is here with what Redis has, of every run."""
        for tail in self.tails.values():
            if tail.gone_at is None:
                self._dirty[tail] = None
        if self._dirty:
            self._wake.set()

    def doubt(self) -> None:
        """This process stood still for so long that others may have ended its runs: what Redis does
        not know is not written again."""
        for tail in self.tails.values():
            tail.restorable = False
        self.check()

    def retire(self) -> None:
        """Forget runs that were settled: their readers find them in Redis."""
        for run_id, tail in list(self.tails.items()):
            if tail.gone_at is not None and not tail.used:
                del self.tails[run_id]
                tail.readers.end()
            tail.used = False

    def close(self) -> None:
        """Write what waits; if that fails, say so on the logger."""
        self._closing = True
        self._wake.set()
        if self._greenlet is not None:
            self._greenlet.join(CLOSE_S)
        if any(tail.stored < tail.last for tail in self.tails.values()):
            logger.error("the event log was closed; events that nobody saw are lost: %s", self.trouble)
        self.failure = "the event log is closed"
        self._end_waits()

    def _find(self, run_id: str) -> WrittenTail:
        if run_id in self._lost:
            raise LogLost("the event log lost this run")
        tail = self.tails.get(run_id)
        if tail is None:
            raise UnknownRun("this process is not writing this run")
        return tail

    def _run(self) -> None:
        while self._dirty or not self._closing:
            self._wake.wait()
            if not self._closing:
                gevent.sleep(max(0.0, self._flush_s - (monotonic() - self._flushed_at)))
            self._wake.clear()
            try:
                self._flush()
            except StoreError as error:
                self._hold(error)
                if self._closing:
                    break
                gevent.sleep(self._tuning.retry_s)
                self._wake.set()
        self._connection.close()

    def _flush(self) -> None:
        """Send what there is now. What comes meanwhile goes with the next flush, not on its own."""
        self._flushed_at = monotonic()
        due, self._dirty = self._dirty, {}
        asked_at, self._asked_at, self._written = self._asked_at, None, 0
        try:
            while due:
                self._send(due)
        except StoreError:
            self._dirty = {**due, **self._dirty}
            self._asked_at = asked_at
            raise
        if self._observer is not None and self._written and asked_at is not None:
            self._observer.flushed(self._written, monotonic() - asked_at)

    def _send(self, due: dict[WrittenTail, None]) -> None:
        batch = self._batch(due)
        replies = write(self._connection, self._name, [(tail.run_id, pieces) for tail, pieces in batch])
        self._recovered()
        for (tail, _), written in zip(batch, replies, strict=True):
            del due[tail]
            self._take(tail, written)

    def _batch(self, due: Iterable[WrittenTail]) -> list[tuple[WrittenTail, list[Piece]]]:
        """As much as goes in one call; a run that waited for long is written in parts."""
        batch: list[tuple[WrittenTail, list[Piece]]] = []
        left = BATCH_BYTES
        for tail in due:
            pieces = tail.unwritten(left)
            batch.append((tail, pieces))
            left -= sum(piece.size for piece in pieces)
            if left <= 0 or len(batch) == BATCH_RUNS:
                break
        return batch

    def _take(self, tail: WrittenTail, written: Written) -> None:
        if self.tails.get(tail.run_id) is not tail or tail.gone_at is not None:
            return
        if written.status == FENCED:
            logger.warning("run %s was taken over by another process: this one lets go of it", tail.run_id)
            self._let_go(tail)
        elif written.status == DAMAGED:
            self._lose(tail)
        elif written.status == MISSING or written.status < tail.stored:
            self._restore(tail, written.status)
        else:
            self._written += max(0, written.status - tail.durable)
            self._keep(tail, tail.wrote(written.status))
            tail.readers.wake()
            if tail.stored < tail.last:
                self._dirty[tail] = None
                self._wake.set()
        if written.cancelled and tail.end is None:
            self._loop.run_callback(self._on_stop, tail.run_id)

    def _restore(self, tail: WrittenTail, status: int) -> None:
        """Redis lost some of the run, or all of it."""
        stored = max(status, 0)
        if not tail.can_restore(stored):
            self._lose(tail)
            return
        logger.warning("the event log lost a part of run %s: writing it again", tail.run_id)
        self._dirty[tail] = None
        self._wake.set()
        if status == MISSING:
            try:
                self._store.create(tail.run_id)
            except LogError:  # it fails again, or is another process's: the next write tells
                return
        tail.restore(stored)

    def _lose(self, tail: WrittenTail) -> None:
        logger.error("the event log lost run %s, and it cannot be written again", tail.run_id)
        self._lost.add(tail.run_id)
        self._let_go(tail)

    def _let_go(self, tail: WrittenTail) -> None:
        del self.tails[tail.run_id]
        self._dirty.pop(tail, None)
        self._pending_bytes -= tail.pending_bytes
        tail.kept.clear()
        tail.readers.end()
        self._loop.run_callback(self._on_stop, tail.run_id)

    def _keep(self, tail: WrittenTail, pieces: list[Piece]) -> None:
        """Of what Redis has taken, as much as may be needed again."""
        for piece in pieces:
            self._pending_bytes -= piece.size
            self._kept.append((tail, piece))
            self._kept_bytes += piece.size
        while self._kept and self._kept_bytes > self._tuning.max_kept_bytes:
            oldest, piece = self._kept.popleft()
            self._kept_bytes -= piece.size
            if oldest.kept and oldest.kept[0] is piece:
                oldest.kept.popleft()

    def _hold(self, error: Exception) -> None:
        """Keep what could not be written; if that takes long, runs and readers hear of it."""
        reason = f"the event log cannot be written to: {error}"
        if self.trouble is None:
            self._trouble_since = monotonic()
            logger.error(reason)
        self.trouble = reason
        if self.failure is None and monotonic() - self._trouble_since > self._outage_s:
            self.failure = reason
            self._end_waits()

    def _recovered(self) -> None:
        if self.trouble is not None:
            self.trouble = self.failure = None
            logger.warning("the event log can be written to again")
            self.check()

    def _end_waits(self) -> None:
        for tail in self.tails.values():
            tail.readers.end()
