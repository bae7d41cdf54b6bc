"""What an event log is. Implementations stand beside this file, one a store; they don't import each other.

    memory:   one process, gone with it; for tests and for embedding
    sqlite:   one machine, any number of worker processes; durable. The default

Choose by the URL in the setting `log_url`.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from chatapp.events import Entry, StreamEvent


class EventLog(Protocol):
    """An ordered, append-only log of events for each run: written by one process, read by any.

    seq is 1..n within a run, no gap, no repeat. The log ends with its `RunEnd`: appending after it is an error.
    What `read` returns is durable: it is read again by any process after this one was killed.
    All methods are called from greenlets and never block the hub for longer than a small commit takes.
    """

    on_cancel: Callable[[str], None]
    """Set by the owner of the runs: called in the hub with the id of a run of this process that somebody cancelled.
    It must not wait, and may be called more than once for a run."""

    def create(self, run_id: str) -> None:
        """Begin an empty log; this process becomes its one writer. It can be read at once, and is empty."""
        ...

    def append(self, run_id: str, event: StreamEvent) -> int:
        """Take the event and return its seq at once; it is durable, and then visible, within a few milliseconds.

        Never waits and never switches greenlets. Raises LogUnavailable where the store has failed or too
        much is waiting to be written, UnknownRun where this process is not the run's writer.
        """
        ...

    def sync(self, run_id: str) -> None:
        """Return once everything appended is durable. Raises LogUnavailable where it cannot be made so."""
        ...

    def read(self, run_id: str, after: int = 0, wait: float = 0.0) -> Sequence[Entry]:
        """The entries with seq > `after`, in order: all that are there, or a bounded, contiguous part from the first on.

        Where there are none, wait up to `wait` seconds for one; `[]` after that. Never waits on a log that has
        ended. One call serves replay and live alike. Raises UnknownRun.
        """
        ...

    def exists(self, run_id: str) -> bool:
        """Whether there is a log of the run; reads nothing of it."""
        ...

    def cancel(self, run_id: str) -> None:
        """Ask the run's writer, in whichever process it is, to stop it: its `on_cancel` is called within 300 ms.

        Asking for a run that has ended, or again, is no error. Raises UnknownRun.
        """
        ...

    def settle(self, run_id: str) -> None:
        """The run's outcome is kept elsewhere: its log may go once it is older than the retention."""
        ...

    def adopt(self) -> Sequence[str]:
        """Take over the runs that are not settled and whose writing process is gone; return their ids.

        This process is their writer now. A run is given to one caller only, whoever asks at the same time.
        """
        ...

    def ping(self) -> None:
        """Prove that the store answers. Raises LogUnavailable."""
        ...

    def close(self) -> None:
        """Write what is pending, wake all readers and let go of everything. Idempotent."""
        ...
