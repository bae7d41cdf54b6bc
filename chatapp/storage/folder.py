"""The data folder: made at first use, and shared by all who use it, unless one needs it alone.

Every process that opens the stores holds a shared lock on `use.lock`, for as long as it lives. The
kernel releases it with the process, however that ends. So a process that gets the lock alone knows
that no server runs there, and none can start meanwhile.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatapp.errors import ConfigError
from chatapp.private_files import private_folder

LOCK = "use.lock"


class FolderInUse(Exception):
    """Another process has the folder open."""


class DataFolder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    def make(self) -> None:
        """Raises ConfigError."""
        private_folder(self.path, "data")  # conversations are nobody else's to read

    def use(self) -> None:
        """Share it until `close`, or the end of this process. Raises ConfigError while another
        process needs it alone."""
        try:
            self._lock = self._open(fcntl.LOCK_SH)
        except FolderInUse:
            raise ConfigError(f"data: {self.path} is being restored; start again when that is done") from None
        except OSError as error:
            raise ConfigError(f"data: cannot write to {self.path}: {error.strerror}") from None

    def close(self) -> None:
        """Idempotent."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else uses it inside. Raises FolderInUse, OSError."""
        lock = self._open(fcntl.LOCK_EX)
        try:
            yield
        finally:
            os.close(lock)

    def _open(self, kind: int) -> int:
        """The lock's file, locked; closed again by an exec."""
        file = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise FolderInUse from None
        return file
