"""A source whose files have their addresses, for a server that is mounted below a path: the
dialects know only the addresses of a server of its own.
"""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from chatapp.events import Entry, File
from chatapp.logs import Take
from chatapp.reading.sources import Source


class AddressedSource:
    """A `Source` of the same entries. `file_url` gives the address of a file that is kept here."""

    def __init__(self, source: Source, file_url: Callable[[File], str]) -> None:
        self._source = source
        self._file_url = file_url

    def read(self, after: int, wait: float, take: Take | None = None) -> Sequence[Entry]:
        return self._addressed(
            self._source.read(after, wait, take and (lambda entries: take(self._addressed(entries))))
        )

    def _addressed(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        return [with_address(entry, self._file_url) for entry in entries]

    def kept(self) -> Source | None:
        kept = self._source.kept()
        return kept and AddressedSource(kept, self._file_url)


def with_address(entry: Entry, file_url: Callable[[File], str]) -> Entry:
    event = entry.event
    if not isinstance(event, File) or event.url or event.error:
        return entry
    return replace(entry, event=replace(event, url=file_url(event)))
