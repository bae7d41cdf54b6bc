"""What the durable logs hold of a run in memory, whatever the store: its newest entries, and who
waits for more. No I/O.

        1 ... dropped ... durable ... last
                      |<--- entries --->|

Readers see what is durable. What was dropped is read from the store.
"""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from chatapp.events import Entry
from chatapp.logs import READ_ENTRIES
from chatapp.logs.waiting import Waiters

T = TypeVar("T", bound="RunTail")


class RunTail:
    """The tail of a run. `at` is the seq of the last entry that is not in memory, `end` the seq of
    the `RunEnd`. `used`: since the last sweep."""

    __slots__ = ("_bytes", "dropped", "durable", "end", "entries", "readers", "run_id", "used")

    def __init__(self, run_id: str, at: int = 0, end: int | None = None) -> None:
        self.run_id = run_id
        self.end = end
        self.entries: list[Entry] = []
        self.dropped = self.durable = at
        self.readers = Waiters()
        self.used = True
        self._bytes = 0  # that came since the last drop

    @property
    def finished(self) -> bool:
        """Nothing will come after what is durable."""
        return self.durable == self.end

    def since(self, after: int) -> list[Entry] | None:
        """The durable entries with seq > `after`; None if some of them were dropped."""
        start = after - self.dropped
        if start < 0:
            return None
        return self.entries[start : min(self.durable - self.dropped, start + READ_ENTRIES)]

    def drop(self, count: int) -> None:
        """Let go of so many of the oldest entries."""
        del self.entries[:count]
        self.dropped += count


class Tails(ABC, Generic[T]):
    """The tails that readers here follow, in `tails` by their runs."""

    def __init__(self) -> None:
        self.tails: dict[str, T] = {}

    @abstractmethod
    def forget(self, tail: T) -> None:
        """It is followed no more: expect no news of it."""

    def sweep(self) -> None:
        """Let go of the tails that have not been read for a while."""
        for tail in list(self.tails.values()):
            if tail.finished or not (tail.used or tail.readers):
                self.drop(tail.run_id)
            tail.used = False

    def drop(self, run_id: str) -> None:
        """Forget the run; its readers look for it again."""
        if tail := self.tails.pop(run_id, None):
            self.forget(tail)
            tail.readers.end()

    def drop_all(self) -> None:
        for run_id in list(self.tails):
            self.drop(run_id)
