"""For readers here: the runs that other processes write. One greenlet waits at Redis for the news
of all of them, and of the process's inbox.

    XREAD BLOCK inbox run run ... ─> tails ─> readers
                └─> cancels

Each wait says anew what is known, so a connection that breaks loses nothing. News in the inbox end
the wait when another run is to be followed.
"""

import logging
from collections.abc import Callable
from time import monotonic
from typing import Any

import gevent
import msgspec
from gevent import get_hub

from chatapp.errors import LogUnavailable, UnknownRun
from chatapp.logs.redis.connection import Address, StoreError
from chatapp.logs.redis.store import Store, events_key, inbox_key, news, news_command, seq_of
from chatapp.logs.redis.tail import Tail
from chatapp.logs.redis.tuning import Tuning
from chatapp.logs.tail import Tails

GATHER_S = 0.002  # what comes in this time comes together: fewer turns, for nothing that is felt
TURN_S = 0.003  # of decoding, before the hub gets its turn
CHECK_RUNS = 16  # in one go: the news of others wait meanwhile
CLOSE_S = 1.5

logger = logging.getLogger(__name__)


class Follower(Tails[Tail]):
    """Tails of runs that others than `writer` write, or that have ended.

    `trouble` says why there is no news, `failure` the same once that has lasted for `outage_s`.
    """

    def __init__(
        self,
        address: Address,
        store: Store,
        writer: str,
        outage_s: float,
        tuning: Tuning,
        on_cancel: Callable[[str], None],
    ) -> None:
        super().__init__()
        self.trouble: str | None = None
        self.failure: str | None = None
        self._store = store
        self._inbox = inbox_key(writer)
        self._position = "0"  # in the inbox
        self._outage_s = outage_s
        self._tuning = tuning
        self._on_cancel = on_cancel  # called in the hub
        self._connection = address.connect(tuning.block_s + tuning.answer_s)
        self._live: dict[str, Tail] = {}  # by the key of their streams: those that have not ended
        self._trouble_since = 0.0
        self._checked_at = monotonic()
        self._closing = False
        self._loop = get_hub().loop
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)

    def follow(self, run_id: str) -> Tail:
        """The run's tail, kept up to date from now on. Raises UnknownRun, LogUnavailable."""
        run = self._store.find(run_id)
        if run is None:
            raise UnknownRun("no such run")
        if self._closing:  # meanwhile: nobody would end what waits for it
            raise LogUnavailable("the event log is closed")
        if run_id in self.tails:  # meanwhile, too
            return self.tails[run_id]
        self.tails[run_id] = tail = Tail(run_id, run.last, run.end)
        if not tail.finished:
            self.start()
            self._live[events_key(run_id)] = tail
            self._store.wake()
        return tail

    def forget(self, tail: Tail) -> None:
        self._live.pop(events_key(tail.run_id), None)

    def close(self) -> None:
        self._closing = True
        self._store.wake()
        self.drop_all()

    def join(self) -> None:
        if self._greenlet is not None:
            self._greenlet.join(CLOSE_S)

    def _run(self) -> None:
        while not self._closing:
            streams = {self._inbox: self._position} | {key: f"{tail.durable}-0" for key, tail in self._live.items()}
            try:
                reply = self._connection.call(*news_command(streams, self._tuning.block_s))
                self._recovered()
                self._take_news(reply)
                self._check_quiet()
            except StoreError as error:
                self._hold(error)
                gevent.sleep(self._tuning.retry_s)
            except LogUnavailable:  # a check that got no answer: the next one comes
                continue
        self._connection.close()

    def _take_news(self, reply: Any) -> None:
        began = monotonic()
        for key, entries in news(reply):
            if key == self._inbox:
                self._take_orders(entries)
            elif tail := self._live.get(key):
                self._take(key, tail, entries)
            if monotonic() - began > TURN_S:
                gevent.sleep(GATHER_S)
                began = monotonic()
        if reply and not self._closing:
            gevent.sleep(GATHER_S)

    def _take_orders(self, entries: list[tuple[bytes, list[bytes]]]) -> None:
        for id, (order, run_id) in entries:
            self._position = id.decode()
            if order == b"cancel":
                self._loop.run_callback(self._on_cancel, run_id.decode())

    def _take(self, key: str, tail: Tail, entries: list[tuple[bytes, list[bytes]]]) -> None:
        try:
            contiguous = all(tail.take(seq_of(id), data) for id, (_, data) in entries)
        except msgspec.MsgspecError:  # of a newer version: let its readers meet the error
            contiguous = False
        if not contiguous:
            self.drop(tail.run_id)
        elif tail.finished:
            self._live.pop(key, None)
        tail.readers.wake()

    def _check_quiet(self) -> None:
        """A stream that lost its end is silent for ever: compare it with what is known."""
        now = monotonic()
        if now - self._checked_at < self._tuning.check_s:
            return
        self._checked_at = now
        quiet = [tail for tail in self._live.values() if now - tail.news_at > self._tuning.check_s]
        for tail in quiet[:CHECK_RUNS]:
            run = self._store.find(tail.run_id)
            if run is not None and run.last >= tail.durable:
                tail.lost_since, tail.news_at = None, now
            elif tail.lost_since is None:
                tail.lost_since = now  # its writer may write it again
            elif now - tail.lost_since > self._tuning.patience_s:
                logger.warning("the event log lost a part of run %s", tail.run_id)
                self.drop(tail.run_id)

    def _hold(self, error: Exception) -> None:
        self.trouble = f"the event log cannot be read: {error}"
        self._trouble_since = self._trouble_since or monotonic()
        if self.failure is None and monotonic() - self._trouble_since > self._outage_s:
            self.failure = self.trouble
            for tail in self._live.values():
                tail.readers.end()

    def _recovered(self) -> None:
        self.trouble = self.failure = None
        self._trouble_since = 0.0
