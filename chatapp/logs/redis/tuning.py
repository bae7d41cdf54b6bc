"""How often the Redis log does its chores, and what it bears."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The defaults suit a server. Tests pass values with shorter waits."""

    beat_s: float = 1.0
    """How often a process shows that it lives: one small command."""

    lease_s: float = 10.0
    """A process that shows nothing for so long counts as gone. Its runs end within 15 s: this, a
    beat, and a round of recovery."""

    block_s: float = 1.0
    """How long one read waits at Redis for news. A connection that is dead without a word is
    noticed soon after."""

    answer_s: float = 2.0
    """How long Redis may take to answer before the connection is given up and made again."""

    retry_s: float = 0.2
    """How soon a Redis that failed is asked again."""

    patience_s: float = 5.0
    """How long a request waits for a Redis that is away, before it is refused."""

    check_s: float = 2.0
    """How often quiet runs are looked at, so that lost data is noticed without any traffic."""

    sweep_s: float = 5.0
    """An ended run stays in memory for one or two sweeps: most readers are done by then."""

    max_pending_bytes: int = 64 << 20
    """Of all runs, not yet taken by Redis: a minute of a thousand fast streams."""

    max_kept_bytes: int = 64 << 20
    """Of all live runs, taken by Redis and kept here all the same: what it loses in a crash is
    written again from here. Beyond that, the oldest go."""
