"""What comes while a reader sleeps, offered to it in the hub. No I/O."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from chatapp.events import Entry
from chatapp.logs import Take

Since: TypeAlias = Callable[[int], Sequence[Entry] | None]
"""The entries with a larger seq; None if some of them are not at hand."""


class Offer:
    """Offers entries to `take`. `after` is the seq of the last that was taken."""

    def __init__(self, take: Take, after: int) -> None:
        self.after = after
        self._take = take

    def of(self, since: Since) -> Callable[[], bool]:
        """For `Waiters.wait`: whether all that there is `since` the last was taken, and there was
        something."""
        return partial(self._is_taken, since)

    def _is_taken(self, since: Since) -> bool:
        entries = since(self.after)
        if not entries or not self._take(entries):
            return False
        self.after = entries[-1].seq
        return True
