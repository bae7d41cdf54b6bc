"""How other parts of the program learn of readers: once when one opens, once when it closes."""

from typing import Literal, Protocol, TypeAlias

ReaderEnd: TypeAlias = Literal["complete", "left", "dismissed", "dropped"]
"""How a response ended: with the run's end; the client left; this process goes down; the client
accepted no data for too long."""


class ReaderObserver(Protocol):
    """Told of each response that follows a run. It must not wait."""

    def opened(self, resumed: bool) -> None:
        """`resumed`: the client continues where it had stopped."""
        ...

    def closed(self, end: ReaderEnd, resets: int) -> None:
        """`resets`: how often it had to begin again, because the log could not serve its place."""
        ...


class NoReaderObserver:
    """Nobody is told."""

    def opened(self, resumed: bool) -> None: ...

    def closed(self, end: ReaderEnd, resets: int) -> None: ...


NO_READER_OBSERVER = NoReaderObserver()
