"""The runs that this process writes: flushed together, shown once they are durable, folded later.

    append ── 5 ms ──> a row in the journal ── durable: readers wake ── 2 s ──> chunks

A flush happens in the hub and costs about a µs per event. One that fails is tried again, and
nothing newer is written before it: events become durable in the order of their seq, or not at all.
A file that another process holds is waited for, however long: runs go on, their readers hear
nothing new, until what is pending grows beyond its bound.
"""

import logging
import time
from time import monotonic

import msgspec
from gevent import get_hub

from chatapp.errors import LogError, LogUnavailable, UnknownRun
from chatapp.events import StreamEvent
from chatapp.logs import LogObserver
from chatapp.logs.sqlite.pieces import encode_row
from chatapp.logs.sqlite.schema import StoreError
from chatapp.logs.sqlite.store import Store
from chatapp.logs.sqlite.tail import WrittenTail
from chatapp.logs.sqlite.tuning import Tuning
from chatapp.logs.waiting import Alarm
from chatapp.sqlite import busy_pause, is_busy, retry_while_busy

CLOSE_S = 1.0  # for a last flush while others write
FOLD_ENTRIES = 128  # a chunk costs two pages: little, when so many share them
FOLD_BYTES = 64 << 10
FOLD_SOON_BYTES = 1 << 20  # written since the last look: a flood is folded in pieces of some ms, not once a tick
FOLD_RUNS = 32  # in one go: half a ms
SYNC_S = 60.0  # after which a wait is begun again; nobody notices

logger = logging.getLogger(__name__)


class _Row(msgspec.Struct, frozen=True):
    """Sealed: to be written as it is."""

    data: bytes
    upto: list[tuple[WrittenTail, int]]


class _Mark(msgspec.Struct, frozen=True):
    """The oldest row that holds unfolded events of a run."""

    row: int
    written: float


class Writer:
    """Writes the runs in `tails`, under its `name` in the store.

    `failure` says why nothing can be written, None while all is well. `observer` is told of each
    flush.
    """

    def __init__(
        self, store: Store, name: str, flush_s: float, tuning: Tuning, observer: LogObserver | None = None
    ) -> None:
        self.tails: dict[str, WrittenTail] = {}
        self.failure: str | None = None
        self._store = store
        self._name = name
        self._tuning = tuning
        self._observer = observer
        self._loop = get_hub().loop

        self._flush_s = flush_s
        self._flush_alarm = Alarm(self._flush_soon)
        self._flush_set = False
        self._flushed_at = 0.0
        self._asked_at = 0.0  # when the first event of the next flush came
        self._busy_since: float | None = None
        self._busy_told = False
        self._uncreated: list[WrittenTail] = []  # the file was held when they began
        self._unsealed: list[WrittenTail] = []
        self._row: _Row | None = None  # sealed and not written: another process held the file

        self._unfolded: dict[WrittenTail, _Mark] = {}  # in the order of the marks
        self._newest_row = 0
        self._written_bytes = 0  # since the last fold
        self._pending_bytes = 0  # appended and not folded
        self._max_pending_bytes = tuning.max_pending_bytes

    @property
    def active(self) -> bool:
        """Whether there is a run whose end is not durable yet, or anything to fold."""
        return bool(self._unfolded) or not all(tail.finished for tail in self.tails.values())

    def append(self, run_id: str, event: StreamEvent) -> int:
        """Raises UnknownRun, LogUnavailable, LogError if the run has ended."""
        tail = self.tails.get(run_id)
        if tail is None:
            raise UnknownRun("this process is not writing this run")
        if self.failure is not None or self._pending_bytes > self._max_pending_bytes:
            raise LogUnavailable(self.failure or "the event log is falling behind; try again in a moment")
        first = tail.last == tail.sealed  # since the last flush; the others share its time
        self._pending_bytes += tail.append(event, time.time() if first else tail.at)
        if first:
            self._unsealed.append(tail)
        if not self._flush_set:
            self._set_flush()
        return tail.last

    def begin_later(self, tail: WrittenTail) -> None:
        """Its run has no key yet, because the file is held: it is created with the next flush."""
        self.tails[tail.run_id] = tail
        self._uncreated.append(tail)
        if not self._flush_set:
            self._set_flush()

    def sync(self, run_id: str) -> None:
        """Waits for as long as another process holds the file. Raises LogUnavailable, UnknownRun if
        the run turns out to be another process's."""
        tail = self.tails.get(run_id)
        if tail is None:
            return  # what other processes appended is durable before this one knows of it
        target = tail.last
        while tail.durable < target:
            if self.failure is not None:
                raise LogUnavailable(self.failure)
            if self.tails.get(run_id) is not tail:
                raise UnknownRun("this process is not writing this run")
            tail.readers.wait(SYNC_S)

    def fold(self) -> None:
        """Move what is due from the journal into chunks; a bounded part of it."""
        try:
            self._fold(self._due())
        except StoreError as error:
            if not is_busy(error):  # else the next time
                self._hold(error)

    def retire(self) -> None:
        """Forget runs that ended a while ago: their readers find them in the store."""
        for run_id, tail in list(self.tails.items()):
            if tail.retiring:
                del self.tails[run_id]
            tail.retiring = tail.finished and tail not in self._unfolded

    def close(self) -> None:
        """Write what waits, and leave the journal empty; if that fails, say so on the logger."""
        try:
            retry_while_busy(self._write_and_fold_all, CLOSE_S)
        except StoreError as error:
            logger.error("the event log was closed; events that nobody saw are lost: %s", error)
        self.failure = "the event log is closed"
        self._flush_set = False
        self._flush_alarm.clear()
        self._end_waits()

    def _set_flush(self) -> None:
        """So long after the last one; after a pause, at once."""
        self._flush_set = True
        self._asked_at = monotonic()
        left = self._flushed_at + self._flush_s - self._asked_at
        if left <= 0:
            self._loop.run_callback(self._flush)
        else:
            self._flush_alarm.set(left)

    def _flush_soon(self) -> None:
        """At the end of this turn of the loop, with all that the turn brings."""
        self._loop.run_callback(self._flush)

    def _flush(self) -> None:
        if not self._flush_set:  # closed
            return
        self._flush_set = False
        try:
            self._write_all()
            if self.failure is not None or self._written_bytes >= FOLD_SOON_BYTES:
                self._fold(self._due())  # this may be what failed
        except StoreError as error:
            self._hold(error)
        else:
            self._busy_since, self._busy_told = None, False
            if self.failure is not None:
                self.failure = None
                logger.warning("the event log can be written to again")

    def _write_all(self) -> None:
        while self._row or self._unsealed or self._uncreated:
            self._row = row = self._row or self._seal()
            if row is None:  # no run but such as were only created
                break
            row_id = self._store.journal.write(self._name, row.data)
            self._written_bytes += len(row.data)
            self._row = None
            self._publish(row, row_id)
        self._flushed_at = monotonic()

    def _create_waiting(self) -> None:
        while self._uncreated:
            tail = self._uncreated[0]
            try:
                tail.key = self._store.create(tail.run_id, self._name)
            except LogError as error:  # another process has the run: it ends there
                logger.error("run %s cannot be begun: %s", tail.run_id, error)
                self._unsealed = [other for other in self._unsealed if other is not tail]
                self._pending_bytes -= tail.unfolded_bytes
                del self.tails[tail.run_id]
                tail.readers.end()
            del self._uncreated[0]

    def _seal(self) -> _Row | None:
        if self._uncreated:
            self._create_waiting()
        if not self._unsealed:
            return None
        pieces, upto = [], []
        for tail in self._unsealed:
            pieces.append(tail.seal())
            upto.append((tail, tail.sealed))
        self._unsealed = []
        return _Row(encode_row(pieces), upto)

    def _publish(self, row: _Row, row_id: int) -> None:
        self._newest_row = row_id
        mark = _Mark(row_id, monotonic())
        events = 0
        for tail, upto in row.upto:
            events += upto - tail.durable
            tail.durable = upto
            self._unfolded.setdefault(tail, mark)
            tail.readers.wake()
        if self._observer is not None:
            self._observer.flushed(events, mark.written - self._asked_at)

    def _hold(self, error: StoreError) -> None:
        """Keep what could not be written and try again. Readers hear of a failure, not of a file
        that is held."""
        if is_busy(error):
            pause = self._pause_while_held()
        else:
            pause = self._tuning.repair_s
            self._fail(f"the event log cannot be written to: {error}")
        self._flush_set = True
        self._flush_alarm.set(pause)

    def _pause_while_held(self) -> float:
        now = monotonic()
        self._busy_since = self._busy_since or now
        waited = now - self._busy_since
        if waited > self._tuning.patience_s and not self._busy_told:
            self._busy_told = True
            logger.warning("another process has held the event log for %.0f s; events wait for it", waited)
        return busy_pause(waited)

    def _fail(self, failure: str) -> None:
        if self.failure != failure:
            logger.error(failure)
        self.failure = failure
        self._end_waits()

    def _due(self) -> list[WrittenTail]:
        aged = monotonic() - self._tuning.fold_age_s
        due = (tail for tail, mark in self._unfolded.items() if mark.written < aged or _is_large(tail))
        return [tail for tail, _ in zip(due, range(FOLD_RUNS), strict=False)]

    def _fold(self, tails: list[WrittenTail]) -> None:
        self._written_bytes = 0
        if not tails:
            return
        folded = set(tails)
        left = (mark.row for tail, mark in self._unfolded.items() if tail not in folded)
        below = next(left, self._newest_row + 1)
        chunks = [chunk for tail in tails for chunk in tail.chunks()]
        self._store.fold(self._name, chunks, [tail.key for tail in tails if tail.finished], below)
        for tail in tails:
            self._pending_bytes -= tail.fold()
            del self._unfolded[tail]

    def _write_and_fold_all(self) -> None:
        self._write_all()
        self._fold(list(self._unfolded))

    def _end_waits(self) -> None:
        for tail in self.tails.values():
            tail.readers.end()


def _is_large(tail: WrittenTail) -> bool:
    return tail.finished or tail.durable - tail.folded >= FOLD_ENTRIES or tail.unfolded_bytes >= FOLD_BYTES
