"""A source for the viewers of a link: what was said and thought, without what the owner's tools
know, what was used, the trace, and the provider's own words.
"""

from collections.abc import Callable, Iterable, Sequence
from time import monotonic

from msgspec.structs import replace

from chatapp.events import (
    Entry,
    File,
    NativePiece,
    Raw,
    RunEnd,
    RunStart,
    ToolApproval,
    ToolCall,
    ToolInputDelta,
    ToolProgress,
    ToolQuestion,
    ToolResult,
    Usage,
)
from chatapp.logs import Take
from chatapp.reading.sources import Source

HIDDEN = (Raw, NativePiece, ToolInputDelta, ToolCall, ToolApproval, ToolQuestion, ToolProgress, ToolResult)


def for_viewers(entries: Iterable[Entry], file_url: Callable[[File], str]) -> list[Entry]:
    """The entries that a viewer may see. `file_url` gives the address at which a viewer gets a
    file that is kept here."""
    return [_seen(entry, file_url) for entry in entries if not isinstance(entry.event, HIDDEN)]


class SharedSource:
    """A `Source` of what `for_viewers` leaves of another one."""

    def __init__(self, source: Source, file_url: Callable[[File], str]) -> None:
        self._source = source
        self._file_url = file_url

    def read(self, after: int, wait: float, take: Take | None = None) -> Sequence[Entry]:
        """Reads on behind what is hidden: a reader would take nothing for the end of the wait."""
        deadline = monotonic() + wait
        while entries := self._source.read(after, max(0.0, deadline - monotonic())):
            if seen := for_viewers(entries, self._file_url):
                return seen
            after = entries[-1].seq
        return []

    def kept(self) -> Source | None:
        kept = self._source.kept()
        return kept and SharedSource(kept, self._file_url)


def _seen(entry: Entry, file_url: Callable[[File], str]) -> Entry:
    """A trace may be named by its owner's client, after its owner."""
    match entry.event:
        case RunStart() as event:
            return replace(entry, event=replace(event, trace_id=""))
        case RunEnd() as event:
            error = event.error and replace(event.error, trace_id="")
            return replace(entry, event=replace(event, usage=Usage(), error=error))
        case File(url="", error="") as event:
            return replace(entry, event=replace(event, bytes=b"", url=file_url(event)))
        case _:
            return entry
