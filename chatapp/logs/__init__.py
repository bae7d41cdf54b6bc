"""What an event log is. Implementations stand beside this file, one a store; they don't import each
other.

    memory:   one process, gone with it; for tests and for embedding
    sqlite:   one machine, any number of worker processes; durable. The default
    redis:    any number of machines; as durable as Redis is

Choose by the URL in the setting `log_url`.

A log holds the events of each run in order. One process writes a run's log, any process reads it:

- seq is 1..n within a run, without gaps or repeats. The log ends with its `RunEnd`; appending after
  it is an error.
- What `read` returns is durable: any process can read it again after this one was killed.
- All methods are called from greenlets. None blocks the hub for longer than a small commit takes.

Code that uses a log names the smallest protocol that will do: a run needs an `Appender`, a response
a `LogReader`.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from chatapp.events import Entry, StreamEvent

READ_ENTRIES = 256
"""The most that one `read` returns, more or less: a reader far behind must not hold the hub for
long."""


Take: TypeAlias = Callable[[Sequence[Entry]], bool]
"""Takes entries while its reader sleeps, or refuses them: then it has taken none, and the reader
wakes. It is called in the hub and must not wait."""


class Appender(Protocol):
    """All that a run needs of a log."""

    def append(self, run_id: str, event: StreamEvent) -> int:
        """Take the event and return its seq at once; it is durable, and seen, in a moment.

        Never waits and never switches greenlets. Raises LogUnavailable if the store has failed or
        too much is waiting to be written, LogLost if the store lost what it had of the run,
        UnknownRun if this process is not the run's writer, or no longer is.
        """
        ...


class LogWriter(Appender, Protocol):
    """Writes a run's log, from its creation until the outcome is kept elsewhere."""

    def create(self, run_id: str) -> None:
        """Begin an empty log; this process becomes its only writer. It can be read at once."""
        ...

    def sync(self, run_id: str) -> None:
        """Return once everything appended is durable. Raises what `append` raises if it cannot
        be."""
        ...

    def settle(self, run_id: str) -> None:
        """The outcome is kept elsewhere: the log may go once it is older than the retention."""
        ...


class LogReader(Protocol):
    """Reads any run, whichever process writes it."""

    def read(self, run_id: str, after: int = 0, wait: float = 0.0, take: Take | None = None) -> Sequence[Entry]:
        """The entries with seq > `after`, in order; if they are many, the first ones of them.

        If there are none, wait up to `wait` seconds for one, then return `[]`. Never waits on a log
        that has ended. One call serves replay and live reading alike. Raises UnknownRun.

        Entries that come during the wait are offered to `take`, and if it takes them the wait goes
        on. What it raises is raised here, and those entries count as taken. It is offered nothing
        once the log has failed, or the run is followed elsewhere: then `read` wakes, and says so.
        """
        ...

    def exists(self, run_id: str) -> bool:
        """Whether the run has a log. Reads none of it."""
        ...


class RunControl(Protocol):
    """Lets processes that share a log stop each other's runs, and take over those of a dead one."""

    def cancel(self, run_id: str) -> None:
        """Ask the run's writer, in whichever process it is, to stop it.

        Its listener is called within 300 ms. Asking for a run that has ended, or asking again, is
        no error. Raises UnknownRun.
        """
        ...

    def listen(self, on_cancel: Callable[[str], None]) -> None:
        """From now on call `on_cancel` with the id of each run of this process that is cancelled.

        It is called in the hub, must not wait, and may be called more than once for a run. There is
        one listener: another one replaces it.
        """
        ...

    def adopt(self) -> Sequence[str]:
        """Take over the runs that are not settled and whose writing process is gone.

        Returns their ids. This process is their writer now. Each run is given to one caller only,
        even if several ask at the same time.
        """
        ...


class Attendance(Protocol):
    """Lets processes that share a log know whether the others have readers of a run.

    A process that died has none. `visit` is the number of a client's connection to the run, for
    which the run waits once it has no reader; the newest of them counts.
    """

    def attend(self, run_id: str) -> None:
        """This process has a reader of the run now. Does not wait."""
        ...

    def leave(self, run_id: str, visit: int | None) -> int | None:
        """This process has none any more. Return the visit that the run waits for now; None if
        another process has a reader, or if it waits for none."""
        ...

    def attended(self, run_id: str, visit: int) -> bool:
        """Whether another process has a reader. If so, the run waits for `visit` after it."""
        ...


class LogObserver(Protocol):
    """Told by a log how fast it writes: once for each flush, in the hub."""

    def flushed(self, events: int, seconds: float) -> None:
        """So many events became durable; the first of them was appended so long before."""
        ...


class EventLog(LogWriter, LogReader, RunControl, Attendance, Protocol):
    """The whole log, for the code that opens and closes it."""

    def start(self) -> None:
        """Begin the upkeep: let old logs go, and whatever else the store needs from time to time.

        Without it the log can be read and written, but only grows: enough for a short command.
        """
        ...

    def ping(self) -> None:
        """Prove that the store answers. Raises LogUnavailable."""
        ...

    def close(self) -> None:
        """Write what is pending, wake all readers and let go of everything. Idempotent."""
        ...
