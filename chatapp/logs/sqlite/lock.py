"""Tells which of the processes that write one log are alive: each holds a lock. No SQL, no clock.

The kernel releases a lock the moment its process is gone, however it ended, and never while it is
only slow or stopped. So getting a writer's lock proves that the writer is gone; and while we hold
it, no other process can prove the same. The folder must be on a local disk. A missing lock file
counts as a writer that is gone.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatapp.ids import new_id


class WriterLock:
    """This process among the writers, under a new `id`, until `release`. Raises OSError.

    The lock belongs to the open file: it ends with an exec, and a fork without one shares it.
    """

    def __init__(self, folder: Path) -> None:
        self.id = new_id("writer")
        self._folder = folder
        folder.mkdir(exist_ok=True)
        unseen = folder / f"{self.id}.new"  # gets its name once locked: no other finds it before
        self._file = os.open(unseen, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unseen.rename(self._path(self.id))

    def release(self) -> None:
        self._path(self.id).unlink(missing_ok=True)
        os.close(self._file)

    def others(self) -> set[str]:
        """The other writers that have a lock file, alive or gone."""
        return {path.stem for path in self._folder.glob("*.lock")} - {self.id}

    @contextmanager
    def claim(self, writer: str, keep: bool = False) -> Iterator[bool]:
        """True if the writer is gone. Removes its file at the end, unless told to `keep` it, or
        there is an exception."""
        try:
            file = os.open(self._path(writer), os.O_RDWR)
        except FileNotFoundError:
            yield True
            return
        try:
            gone = _try_lock(file)
            yield gone
            if gone and not keep:
                self._path(writer).unlink(missing_ok=True)
        finally:
            os.close(file)

    def is_gone(self, writer: str) -> bool:
        with self.claim(writer, keep=True) as gone:
            return gone

    def _path(self, writer: str) -> Path:
        return self._folder / f"{writer}.lock"


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
