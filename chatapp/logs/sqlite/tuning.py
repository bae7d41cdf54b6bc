"""How often the SQLite log does its chores, and how much of them at a time."""

from dataclasses import dataclass

from chatapp.sqlite import PATIENCE_S


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The defaults suit a server, and were measured. Tests pass values with shorter waits."""

    tick_s: float = 0.1
    """How often to look for cancels (promised within 0.3 s) and fold, while there are runs."""

    fold_age_s: float = 2.0
    """When events leave the journal: until then a reader has to search for them there."""

    sweep_s: float = 5.0
    """An ended run stays in memory for one or two sweeps: most readers are done by then."""

    expire_chunks: int = 100
    """Deleted in one go: a transaction must not hold the hub for more than a few ms."""

    patience_s: float = PATIENCE_S
    """How long the file may be held before the process's own log says so. Runs go on meanwhile."""

    create_patience_s: float = 0.25
    """How long a run that begins waits for a file that is held; then it begins in memory alone. A
    reader waits as long to be known to other processes."""

    repair_s: float = 0.25
    """How soon a store that failed is tried again."""

    max_pending_bytes: int = 64 << 20
    """Of all runs, not folded yet. 1 MB is usual; so much means that the disk cannot follow."""
