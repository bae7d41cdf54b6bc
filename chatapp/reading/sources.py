"""Where a reader reads a run: its log, or what was kept once the log is gone.

A source can wrap a source: it then decides when, and at what pace, the entries of the inner one
come.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from chatapp.cancel import CancelScope
from chatapp.errors import UnknownRun
from chatapp.events import Entry, File, Raw, RunEnd
from chatapp.hub import ITEM_WORK, TURN_WORK, let_others_run
from chatapp.logs import LogReader, Take
from chatapp.transcript import Transcript

WAIT_S = 60.0  # after which a wait for more is begun again; nobody notices


class Source(Protocol):
    """The entries of one run."""

    def read(self, after: int, wait: float, take: Take | None = None) -> Sequence[Entry]:
        """The entries with seq > `after`, or a contiguous part from the first on; `[]` if there are
        none within `wait` seconds, or if the run has ended. What comes during the wait may be given
        to `take` instead: see `LogReader`. Raises UnknownRun once the log is gone, LogUnavailable.
        """
        ...

    def kept(self) -> "Source | None":
        """What stands in the place of a log that is gone: fewer, larger entries. None: nothing was
        kept."""
        ...


class LiveLog:
    """The log of a run. `load` gives the entries that were kept of it, None if there are none."""

    def __init__(self, log: LogReader, run_id: str, load: Callable[[], Sequence[Entry] | None]) -> None:
        self._log = log
        self._run_id = run_id
        self._load = load

    def read(self, after: int, wait: float, take: Take | None = None) -> Sequence[Entry]:
        return self._log.read(self._run_id, after, wait, take)

    def kept(self) -> Source | None:
        entries = self._load()
        return None if entries is None else KeptAnswer(entries)


class KeptAnswer:
    """The compacted log of a run that has ended."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries

    def read(self, after: int, wait: float, take: Take | None = None) -> Sequence[Entry]:
        return [entry for entry in self._entries if entry.seq > after]

    def kept(self) -> Source | None:
        return None


class Interruptible:
    """A source whose reads end when `scope` is cancelled, with the scope's reason."""

    def __init__(self, source: Source, scope: CancelScope) -> None:
        self._source = source
        self._scope = scope

    def read(self, after: int, wait: float, take: Take | None = None) -> Sequence[Entry]:
        return self._scope.run(self._source.read, after, wait, take)

    def kept(self) -> Source | None:
        kept = self._source.kept()
        return kept and Interruptible(kept, self._scope)


def follow(source: Source, after: int = 0, *, live: bool = False) -> Iterator[Entry]:
    """The entries with seq > `after`, up to the run's end. With `live` it waits for those that are
    still to come; without, it ends where the log ends now. Raises UnknownRun, LogUnavailable.

    The hub has its turns meanwhile, however long the log is."""
    work = 0
    while (entries := source.read(after, WAIT_S if live else 0.0)) or live:
        for entry in entries:
            yield entry
            if isinstance(entry.event, RunEnd):
                return
            after = entry.seq
            work += ITEM_WORK + (len(entry.event.bytes) if isinstance(entry.event, Raw | File) else 0)
            if work > TURN_WORK:
                let_others_run()
                work = 0


def transcript_of_source(source: Source, *, live: bool = False) -> Transcript:
    """All that there is of a run now; with `live`, after its end. Raises LogError."""
    transcript = Transcript()
    try:
        for entry in follow(source, live=live):
            transcript.add(entry)
    except UnknownRun:  # it grew old meanwhile: what was kept has other entries, so all of it is read
        if (kept := source.kept()) is None:
            raise
        return transcript_of_source(kept)
    return transcript
