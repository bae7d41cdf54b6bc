"""What a process holds of one run in memory: its newest entries, and who waits for more. No I/O.

        1 ... dropped ... durable ... sealed ... last
                      |<--------- entries ---------->|
                  |<- kept ->|<- fresh ->|              (of a run that this process writes)

Readers see what is durable. What was dropped is read from Redis.
"""

from collections import deque
from itertools import accumulate, takewhile
from time import monotonic

from chatapp.errors import LogError
from chatapp.events import Entry, RunEnd, StreamEvent
from chatapp.logs.redis.pieces import Piece, encode_event, entries_of, join
from chatapp.logs.tail import RunTail

PIECE_ENTRIES = 256  # a piece is read as a whole: so few that resuming inside it is cheap
PIECE_BYTES = 64 << 10
KEEP_ENTRIES = 512  # readers may be some seconds apart
KEEP_BYTES = 256 << 10  # of a run with large events, as `raw` ones may be


class Tail(RunTail):
    """The tail of a run that another process writes, or that has ended.

    `news_at` is when something came last, or was found to be as it is here; `lost_since` when Redis
    was first seen without what is here (monotonic).
    """

    __slots__ = ("lost_since", "news_at")

    def __init__(self, run_id: str, at: int = 0, end: int | None = None) -> None:
        super().__init__(run_id, at, end)
        self.news_at = monotonic()
        self.lost_since: float | None = None

    def take(self, upto: int, data: bytes) -> bool:
        """Add what is new in a stored piece. False if something is missing before it."""
        entries = entries_of(upto, data, self.durable)
        if not entries:
            return True
        if entries[0].seq != self.durable + 1:
            return False
        self.entries += entries
        self.durable = upto
        self.news_at = monotonic()
        if isinstance(entries[-1].event, RunEnd):
            self.end = upto
        self._make_room(len(data))
        return True

    def _make_room(self, size: int) -> None:
        """Let go of the older half once it is too much: readers are seldom far apart."""
        self._bytes += size
        if len(self.entries) > 2 * KEEP_ENTRIES or self._bytes > 2 * KEEP_BYTES:
            count = max(0, min(self.durable - self.dropped, len(self.entries) - KEEP_ENTRIES))
            if self._bytes > 2 * KEEP_BYTES:
                count = max(count, self.durable - self.dropped - 1)
            self.drop(count)
            self._bytes = 0


class WrittenTail(Tail):
    """The tail of a run that this process writes.

    `stored` is the seq of the last event that Redis has: less than `durable` only when Redis lost
    some. `fresh` are the pieces that it lacks, `kept` those before them, which it may lose.
    """

    __slots__ = ("_at", "_unsealed", "fresh", "gone_at", "kept", "last", "restorable", "sealed", "stored")

    def __init__(self, run_id: str, at: int = 0, end: int | None = None) -> None:
        super().__init__(run_id, at, end)
        self.last = self.sealed = self.stored = at
        self.fresh: deque[Piece] = deque()
        self.kept: deque[Piece] = deque()
        self.restorable = True
        self.gone_at: float | None = None  # once settled: when its log goes (monotonic)
        self._unsealed: list[bytes] = []
        self._at = 0.0

    def append(self, event: StreamEvent, at: float) -> int:
        """Take the event, which came `at` (epoch seconds); return its size. Those that come until
        they are sealed share the time of the first."""
        if self.end is not None:
            raise LogError("the log has ended")
        encoded = encode_event(event)
        if not self._unsealed:
            self._at = at
        self._unsealed.append(encoded)
        self.last += 1
        self.entries.append(Entry(self.last, event, self._at))
        if isinstance(event, RunEnd):
            self.end = self.last
        return len(encoded)

    def unwritten(self, size: int) -> list[Piece]:
        """What Redis lacks, the first so many bytes and a bit. It is sealed: from here on its
        pieces stay as they are."""
        self._seal()
        total = accumulate((piece.size for piece in self.fresh), initial=0)
        return [piece for piece, before in zip(self.fresh, takewhile(size.__gt__, total), strict=False)]

    @property
    def pending_bytes(self) -> int:
        """Of what Redis has never had."""
        return sum(piece.size for piece in self.fresh if piece.upto > self.durable) + sum(map(len, self._unsealed))

    def wrote(self, upto: int) -> list[Piece]:
        """Redis has everything up to here; return the pieces that it never had before."""
        new: list[Piece] = []
        while self.fresh and self.fresh[0].upto <= upto:
            piece = self.fresh.popleft()
            self.kept.append(piece)
            if piece.upto > self.durable:
                new.append(piece)
        self.stored = upto
        if upto > self.durable:
            self.durable = upto
            self.news_at = monotonic()
            self._make_room(sum(piece.size for piece in new))
        return new

    def can_restore(self, stored: int) -> bool:
        """Whether what Redis lacks after `stored` is still here."""
        here = self.kept or self.fresh
        return self.restorable and (here[0].first if here else self.sealed + 1) <= stored + 1

    def restore(self, stored: int) -> None:
        """Redis has only this much left of the run: write the rest again."""
        while self.kept and self.kept[-1].first > stored:
            self.fresh.appendleft(self.kept.pop())
        self.stored = stored

    def _seal(self) -> None:
        events: list[bytes] = []
        size = 0
        for event in self._unsealed:
            events.append(event)
            size += len(event)
            if len(events) == PIECE_ENTRIES or size >= PIECE_BYTES:
                self._add_piece(events)
                events, size = [], 0
        if events:
            self._add_piece(events)
        self._unsealed = []

    def _add_piece(self, events: list[bytes]) -> None:
        self.sealed += len(events)
        self.fresh.append(join(self.sealed, self.sealed == self.end, self._at, events))
