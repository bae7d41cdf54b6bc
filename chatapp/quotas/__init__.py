"""How much one owner may have of what all share: places for runs and readers, requests, tokens and
money.

A quota knows owners by name, and nothing of what is asked. What was used it learns from a `Ledger`.
"""

from typing import Literal, NamedTuple, Protocol, TypeAlias

LimitKind: TypeAlias = Literal["requests", "tokens"]


class LimitState(NamedTuple):
    """Where an owner stands in a limit of `allowed` in `window_s` seconds, which begins anew in
    `reset_s`."""

    kind: LimitKind
    allowed: int
    remaining: int
    window_s: int
    reset_s: float


class Used(Protocol):
    """What ended runs used in the last minute, of which the oldest ended at `minute_from` (epoch
    seconds), and since midnight (UTC)."""

    @property
    def minute_tokens(self) -> int: ...

    @property
    def minute_from(self) -> float | None: ...

    @property
    def day_tokens(self) -> int: ...

    @property
    def day_cost(self) -> float: ...


class Ledger(Protocol):
    def spent(self, owner: str, now: float) -> Used:
        """What the owner used up to now."""
        ...


class Windows(Protocol):
    """Counts hits in windows of time, for all processes."""

    def add(self, key: str, window_s: float, hits: int) -> int:
        """Count the hits in the window that goes on, or in a new one; return its count."""
        ...

    def window(self, key: str) -> tuple[int, float]:
        """The hits of the window that goes on, and when it ends (epoch seconds)."""
        ...

    def remove(self, key: str | None = None) -> int:
        """One window, or all of them; how many there were."""
        ...
