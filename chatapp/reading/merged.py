"""One response that reads several runs: a browser has six connections to a server, and more tabs.

A greenlet for each run fetches what comes next; the response alone renders it, one batch of one
run at a time. A batch must be sent before the next one of its run is fetched, so a slow client
holds no more in memory than a batch of each.

An id is a cursor over all the runs, `12@msg_a,7@msg_b`: first the run whose event this is, with its
seq, then what was sent of the others. A client that goes on with it gets the rest of each.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import copy_context
from queue import Empty
from time import monotonic

import gevent
from gevent.event import Event
from gevent.queue import SimpleQueue

from chatapp.cancel import CancelScope
from chatapp.dialects import Dialect
from chatapp.errors import ChatappError
from chatapp.events import Entry
from chatapp.hub import TURN_WORK, let_others_run
from chatapp.reading.presence import AccessEnded, ServerDraining
from chatapp.reading.reader import (
    CATCH_UP_S,
    NOT_NOW,
    AlreadyComplete,
    ClientDisconnected,
    Reader,
    access_ended,
    come_again,
    open_reader,
)
from chatapp.reading.sources import WAIT_S, Source
from chatapp.wire.frames import HEARTBEAT

TURN_BYTES = TURN_WORK // 4  # sent in one go, when much is there of many runs


class MergedReader:
    """The runs by their ids. `positions` are the seqs that the client has of these, and of others
    that it has wholly. Cancelling its `scope` ends it while it waits."""

    def __init__(self, readers: Mapping[str, Reader], positions: Mapping[str, int]) -> None:
        self.scope = CancelScope()
        self._readers = readers
        self._positions = dict(positions)
        self._open = set(readers)
        self._ready: SimpleQueue[_Fetching] = SimpleQueue()

    @property
    def ended(self) -> bool:
        """The terminal event of each run was sent."""
        return all(reader.ended for reader in self._readers.values())

    @property
    def resets(self) -> int:
        return sum(reader.resets for reader in self._readers.values())

    def follow(self, heartbeat_s: float, trace_id: str) -> Iterator[bytes]:
        """The body, up to the last terminal event. The log of one run that fails ends that run's
        part, with the dialect's error event."""
        try:
            yield b"".join(reader.preamble() for reader in self._readers.values()) + HEARTBEAT
            for run_id, reader in self._readers.items():
                self._fetch(_Fetching(run_id, reader, self._ready.put))
            while self._open:
                yield self._next(heartbeat_s, trace_id)
        except ClientDisconnected:
            return
        except ServerDraining:
            yield come_again()
        except AccessEnded:
            still_open = [reader for id, reader in self._readers.items() if id in self._open]
            yield b"".join(reader.failed(access_ended(), trace_id) for reader in still_open)
        finally:
            for reader in self._readers.values():
                reader.scope.cancel(ClientDisconnected)

    def _fetch(self, fetching: "_Fetching") -> None:
        """A bug in it cuts the response off, so that nobody waits in vain."""
        work = gevent.spawn(copy_context().run, fetching.work)  # it reads for the same owner
        work.link_exception(lambda _: self.scope.cancel(ClientDisconnected))

    def _next(self, heartbeat_s: float, trace_id: str) -> bytes:
        """The next bytes of any run; a heartbeat if none come for so long."""
        deadline = monotonic() + heartbeat_s
        while (left := deadline - monotonic()) > 0:
            try:
                fetched = self.scope.run(self._ready.get, True, left)
            except Empty:
                break
            data = self._render(fetched, trace_id)
            if len(data) > TURN_BYTES:
                let_others_run()
            if data or not self._open:
                return data
        return next(iter(self._readers.values())).heartbeat()

    def _render(self, fetched: "_Fetching", trace_id: str) -> bytes:
        run_id, reader = fetched.run_id, fetched.reader
        if fetched.error is not None:
            self._open.discard(run_id)
            return reader.failed(fetched.error, trace_id)
        reader.id_suffix = f"@{run_id}" + "".join(
            f",{seq}@{other}" for other, seq in self._positions.items() if seq and other != run_id
        )
        data = reader.render(fetched.entries)
        self._positions[run_id] = reader.seq
        if reader.ended:
            self._open.discard(run_id)
        fetched.taken.set()
        return data


class _Fetching:
    """Fetches one run's entries, a batch at a time, and calls `ready` with itself for each; the
    next one once this one is `taken`."""

    def __init__(self, run_id: str, reader: Reader, ready: Callable[["_Fetching"], object]) -> None:
        self.run_id = run_id
        self.reader = reader
        self.entries: Sequence[Entry] = ()
        self.error: ChatappError | None = None
        self.taken = Event()
        self._ready = ready

    def work(self) -> None:
        try:
            while not self.reader.ended:
                if entries := self.reader.fetch(WAIT_S):
                    self._offer(entries)
        except ClientDisconnected:
            pass  # nobody takes any more
        except NOT_NOW as error:
            self.error = error
            self._ready(self)

    def _offer(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self._ready(self)
        self.reader.scope.run(self.taken.wait)
        self.taken.clear()


def open_merged(
    sources: Mapping[str, Source], dialect_of: Callable[[str], Dialect], after: Mapping[str, int]
) -> MergedReader:
    """A reader of all these runs, each from behind its seq in `after`, or from its start. Raises
    AlreadyComplete if the client has all of each, UnknownRun."""
    deadline = monotonic() + CATCH_UP_S
    readers: dict[str, Reader] = {}
    positions: dict[str, int] = {}
    for run_id, source in sources.items():
        patience_s = max(0.0, deadline - monotonic())
        try:
            reader = open_reader(source, dialect_of(run_id), after.get(run_id, 0), patience_s=patience_s)
        except AlreadyComplete:
            positions[run_id] = after[run_id]
        else:
            readers[run_id], positions[run_id] = reader, reader.seq
    if not readers:
        raise AlreadyComplete
    return MergedReader(readers, positions)


def cursor(text: str) -> dict[str, int]:
    """The seqs in an id. Raises ValueError if it is none."""
    found: dict[str, int] = {}
    for piece in text.split(",") if text else ():
        seq, at, run_id = piece.partition("@")
        if not (at and run_id and seq.isdecimal() and seq.isascii() and len(seq) < 19):
            raise ValueError(f"not SEQ@MESSAGE: {piece!r}")
        found[run_id] = int(seq)
    return found
