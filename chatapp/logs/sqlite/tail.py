"""What a process holds of one run in memory: its newest entries, and who waits for more. No I/O.

        1 ... dropped ... folded ... durable ... last
                      |<------- entries ------------>|
                                 |<-- encoded ------>|      (of a run that this process writes)

Readers see what is durable. What was dropped is read from the store.
"""

from itertools import pairwise

from chatapp.errors import LogError
from chatapp.events import Entry, RunEnd, StreamEvent
from chatapp.logs.sqlite.pieces import Piece, encode_event, join, times_of
from chatapp.logs.tail import RunTail

KEEP_ENTRIES = 512  # readers may be some seconds apart; an entry takes 200 bytes
KEEP_BYTES = 256 << 10  # of a run with large events, as `raw` ones may be
# A chunk is read as a whole: so few that resuming inside it is cheap, and that a reader which is
# stuck behind it holds little.
CHUNK_ENTRIES, CHUNK_BYTES = 256, 32 << 10


class Tail(RunTail):
    """The tail of a run. `at` is the seq of the last entry that the store has in chunks."""

    __slots__ = ("key",)

    def __init__(self, run_id: str, key: int, at: int = 0, end: int | None = None) -> None:
        super().__init__(run_id, at, end)
        self.key = key

    def take(self, piece: Piece) -> bool:
        """Add what is new in a durable piece. False if something is missing before it."""
        entries = piece.entries(self.durable)
        if not entries:
            return True
        if entries[0].seq != self.durable + 1:
            return False
        self._make_room(len(piece.events))
        self.entries += entries
        self.durable = piece.upto
        if isinstance(entries[-1].event, RunEnd):
            self.end = self.durable
        return True

    def _make_room(self, size: int) -> None:
        self._bytes += size
        if len(self.entries) > KEEP_ENTRIES or self._bytes > KEEP_BYTES:
            self.drop(len(self.entries))
            self._bytes = size


class WrittenTail(Tail):
    """The tail of a run that this process writes."""

    __slots__ = ("at", "encoded", "folded", "last", "retiring", "sealed", "unfolded_bytes")

    def __init__(self, run_id: str, key: int, at: int = 0, end: int | None = None) -> None:
        super().__init__(run_id, key, at, end)
        self.last = self.sealed = self.folded = at
        self.encoded: list[bytes] = []  # the events after `folded`
        self.unfolded_bytes = 0
        self.at = 0.0
        self.retiring = False

    def append(self, event: StreamEvent, at: float) -> int:
        """Take the event, which came `at` (epoch seconds); return its size."""
        if self.end is not None:
            raise LogError("the log has ended")
        encoded = encode_event(event)
        self.last += 1
        self.at = at
        self.entries.append(Entry(self.last, event, at))
        self.encoded.append(encoded)
        self.unfolded_bytes += len(encoded)
        if type(event) is RunEnd:
            self.end = self.last
        return len(encoded)

    def seal(self) -> Piece:
        """What came since the last call, to be written to the journal. All of it has one time."""
        events = self.encoded[self.sealed - self.folded :]
        self.sealed = self.last
        return join(self.key, self.last, events, [(len(events), self.at)])

    def chunks(self) -> list[Piece]:
        """What is durable and not folded yet."""
        starts, size = [self.folded], 0
        for seq, encoded in enumerate(self.encoded[: self.durable - self.folded], self.folded):
            size += len(encoded)
            if seq > starts[-1] and (size > CHUNK_BYTES or seq - starts[-1] >= CHUNK_ENTRIES):
                starts.append(seq)
                size = len(encoded)
        return [self._piece(start, stop) for start, stop in pairwise([*starts, self.durable])]

    def fold(self) -> int:
        """The chunks are kept: let go of their bytes, and return how many.

        The entries in them go at the next call, for readers that are a little behind; many, or
        large ones, at once.
        """
        count = self.durable - self.folded
        size = sum(map(len, self.encoded[:count]))
        del self.encoded[:count]
        self.unfolded_bytes -= size
        keeps = count <= KEEP_ENTRIES and size <= KEEP_BYTES
        self.drop((self.folded if keeps else self.durable) - self.dropped)
        self.folded = self.durable
        return size

    def _piece(self, after: int, upto: int) -> Piece:
        entries = self.entries[after - self.dropped : upto - self.dropped]
        return join(self.key, upto, self.encoded[after - self.folded : upto - self.folded], times_of(entries))
