"""Who is connected to this process: the readers of each run, and those that can be sent to another
process.

It counts, and knows neither runs nor sockets.
"""

from dataclasses import dataclass
from typing import Protocol

from chatapp.cancel import CancelScope


class ServerDraining(Exception):
    """This process is going down: the client may resume at another."""


class AccessEnded(Exception):
    """The key, the session or the link that opened this stream has ended."""


class HasScope(Protocol):
    @property
    def scope(self) -> CancelScope: ...


@dataclass
class _Present:
    readers: int = 0
    visit: int | None = None  # the newest of those that left while others stayed

    def left_by(self, visit: int | None) -> None:
        if visit is not None:
            self.visit = visit if self.visit is None else max(self.visit, visit)


class Presence:
    """The readers of each run, counted between `enter` and `leave`.

    `visit` counts the client's connections to this run, across workers. None: the run does not care
    whether this reader leaves.
    """

    def __init__(self) -> None:
        self._present: dict[str, _Present] = {}

    def enter(self, run_id: str) -> None:
        self._present.setdefault(run_id, _Present()).readers += 1

    def leave(self, run_id: str, visit: int | None) -> int | None:
        """The visit that another one must follow, if this was the last reader and the run waits for
        one."""
        present = self._present[run_id]
        present.left_by(visit)
        present.readers -= 1
        if present.readers:
            return None
        del self._present[run_id]
        return present.visit

    def stays(self, run_id: str, visit: int) -> bool:
        """Whether somebody reads the run. If so, the run waits for the client of `visit` once they
        all have left."""
        present = self._present.get(run_id)
        if present is not None:
            present.left_by(visit)
        return present is not None


class OpenReaders:
    """The readers of this process whose clients resume by themselves, so that they can be sent
    elsewhere when it goes down."""

    def __init__(self) -> None:
        self._resumable: set[HasScope] = set()
        self._dismissed = False

    def add(self, reader: HasScope) -> None:
        self._resumable.add(reader)
        if self._dismissed:
            reader.scope.cancel(ServerDraining)

    def remove(self, reader: HasScope) -> None:
        self._resumable.discard(reader)

    def dismiss(self) -> None:
        """End their responses cleanly; all other responses go on until their run has ended."""
        self._dismissed = True
        for reader in self._resumable:
            reader.scope.cancel(ServerDraining)
