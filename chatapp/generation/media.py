"""The sources and files of a run: numbered, safe to show, and within limits.

A limit never ends an answer. What exceeds it leaves a trace that every reader sees: a file with an
`error`, or a last source whose title says that more were left out.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from msgspec.structs import replace

from chatapp.events import AttemptReset, CitedSource, File, StreamEvent

WEB = ("http", "https")
TAKEN = frozenset((CitedSource, File, AttemptReset))  # few of a run's events: the others pass at no cost
ADDRESSES = (*WEB, "gs", "s3")  # no scheme by which a click could run something


@dataclass(frozen=True)
class MediaLimits:
    """Of one answer, but for the attempts that were void."""

    max_file_bytes: int = 8 << 20
    max_files: int = 16
    max_sources: int = 200


class Media:
    """Ids are unique in the run and never used again, not even after a reset: a browser keeps what
    it got at an address."""

    def __init__(self, limits: MediaLimits) -> None:
        self._limits = limits
        self._sources = self._files = 0  # numbered so far
        self._forget()

    def take(self, event: StreamEvent) -> StreamEvent | None:
        """The event for the log. None: a source that was there already, or one more beyond a
        limit."""
        if type(event) not in TAKEN:
            return event
        match event:
            case CitedSource():
                return self._source(event)
            case File():
                return self._file(event)
            case AttemptReset():
                self._forget()
        return event

    def _forget(self) -> None:
        self._cited: set[CitedSource] = set()
        self._made = 0

    def _source(self, source: CitedSource) -> CitedSource | None:
        source = replace(source, id="", url=source.url if _scheme(source.url) in ADDRESSES else "")
        most = self._limits.max_sources
        if source in self._cited or len(self._cited) > most or not (source.url or source.title or source.quote):
            return None
        self._cited.add(source)
        if len(self._cited) > most:
            source = CitedSource("", "", f"More sources were left out: an answer has at most {most} (max_sources).")
        self._sources += 1
        return replace(source, id=f"src_{self._sources}")

    def _file(self, file: File) -> File | None:
        self._made += 1
        if self._made > self._limits.max_files + 1:
            return None
        if error := file.error or self._error(file):
            file = replace(file, bytes=b"", url="", error=error)
        self._files += 1
        return replace(file, id=f"file_{self._files}")

    def _error(self, file: File) -> str:
        """Why it is left out; empty if it is not."""
        limits = self._limits
        if self._made > limits.max_files:
            return f"left out: an answer has at most {limits.max_files} files (max_files)"
        if len(file.bytes) > limits.max_file_bytes:
            return f"left out: {len(file.bytes)} bytes; at most {limits.max_file_bytes} are kept (max_file_bytes)"
        if not file.bytes and _scheme(file.url) not in WEB:
            return "left out: the provider sent nothing that can be shown"
        return ""


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme.lower()
    except ValueError:
        return ""
