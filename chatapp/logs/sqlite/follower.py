"""For readers here: the runs that other processes write, and those that ended a while ago.

SQLite cannot call us when another process commits, but it tells cheaply whether one has. So while
such a run is being read, we ask every few ms; and if there was a commit, one query brings the news
of all runs that are read.
"""

from collections.abc import Callable
from time import monotonic

import msgspec

from chatapp.errors import UnknownRun
from chatapp.logs.sqlite.pieces import Piece
from chatapp.logs.sqlite.schema import StoreError
from chatapp.logs.sqlite.store import Store
from chatapp.logs.sqlite.tail import Tail
from chatapp.logs.tail import Tails
from chatapp.logs.waiting import Alarm
from chatapp.sqlite import is_busy

POLL_S = 0.005  # as often as a writer flushes
QUIET_POLL_S = 0.025  # when nothing came in the last QUIET_S: a first token may be that late
QUIET_S = 1.0


class Follower(Tails[Tail]):
    """Tails of runs that others than `writer` write, or that have ended.

    `failure` says why the store gives no news, None while it does.
    """

    def __init__(self, store: Store, writer: str, horizon: Callable[[], float]) -> None:
        super().__init__()
        self.failure: str | None = None
        self._store = store
        self._writer = writer
        self._horizon = horizon  # runs that were settled before this time are unknown
        self._live: dict[int, Tail] = {}  # by key: those that have not ended
        self._position = 0  # in the journal: how much of it we know
        self._version: int | None = None
        self._news_at = 0.0
        self._poll_alarm = Alarm(self._poll)

    def close(self) -> None:
        self._poll_alarm.clear()
        self.drop_all()

    def follow(self, run_id: str) -> Tail:
        """The run's tail, kept up to date from now on. Raises UnknownRun, StoreError."""
        if run_id in self.tails:
            return self.tails[run_id]
        with self._store.snapshot():
            run = self._store.find(run_id, self._horizon())
            if run is None:
                raise UnknownRun("no such run")
            tail = Tail(run_id, run.key, run.folded, run.end)
            if run.end is None:
                self._begin_live(tail)
        self.tails[run_id] = tail
        return tail

    def forget(self, tail: Tail) -> None:
        self._live.pop(tail.key, None)

    def _begin_live(self, tail: Tail) -> None:
        for piece in self._store.journal.unfolded(tail.key):
            tail.take(piece)
        if tail.finished:
            return
        if not self._live:
            self._position = self._store.journal.position()
            self._news_at = monotonic()
            self._poll_alarm.set(POLL_S)
        self._live[tail.key] = tail

    def _poll(self) -> None:
        try:
            version = self._store.version()
            if version != self._version:
                self._take_news()
                self._version = version
            self.failure = None
        except StoreError as error:
            if not is_busy(error):
                self._fail(error)
        if self._live:
            self._poll_alarm.set(POLL_S if monotonic() - self._news_at < QUIET_S else QUIET_POLL_S)
        else:
            self.failure = None

    def _take_news(self) -> None:
        news = self._store.journal.news(self._writer, self._position)
        self._position = news.position
        if not news.complete:  # some were folded before we saw them: begin again, from the chunks
            self.drop_all()
        for piece in news.pieces:
            if tail := self._live.get(piece.run):
                self._news_at = monotonic()
                self._take(tail, piece)

    def _take(self, tail: Tail, piece: Piece) -> None:
        try:
            contiguous = tail.take(piece)
        except msgspec.MsgspecError:  # of a newer version: let its readers meet the error
            contiguous = False
        if not contiguous:
            self.drop(tail.run_id)
        elif tail.finished:
            del self._live[tail.key]
        tail.readers.wake()

    def _fail(self, error: StoreError) -> None:
        self.failure = f"the event log cannot be read: {error}"
        for tail in self._live.values():
            tail.readers.end()
