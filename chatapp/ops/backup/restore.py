"""Puts a backup into a data folder that nobody uses, and keeps what was there."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatapp.errors import ConfigError
from chatapp.logs.sqlite.schema import VERSION
from chatapp.ops.backup import CONVERSATIONS, LOG, BackupError, InUse, Manifest
from chatapp.ops.backup.archive import NAMES, unpack
from chatapp.ops.backup.copy import check, version
from chatapp.storage.folder import DataFolder, FolderInUse
from chatapp.storage.schema import revisions

ASIDE = "before-restore-%Y%m%d-%H%M%S-"
BESIDE = ("", "-wal", "-shm")  # a SQLite file without its WAL lacks the last commits


class Unpacked:
    """A backup that was looked at and found good: `manifest`, until `move_in`."""

    def __init__(self, manifest: Manifest, files: Path, data: Path) -> None:
        self.manifest = manifest
        self._files = files
        self._data = data

    def move_in(self) -> Path | None:
        """Put it in place; return the folder with what was there, None if nothing was. Raises
        BackupError."""
        try:
            return self._replace()
        except OSError as error:
            raise BackupError(f"data: cannot move files in {self._data}: {error.strerror}") from None

    def _replace(self) -> Path | None:
        present = [path for name in NAMES for end in BESIDE if (path := self._data / f"{name}{end}").exists()]
        aside = Path(tempfile.mkdtemp(prefix=time.strftime(ASIDE, time.gmtime()), dir=self._data)) if present else None
        for path in present:
            assert aside is not None
            path.rename(aside / path.name)
        for path in sorted(self._files.iterdir()):
            path.rename(self._data / path.name)
        return aside


@contextmanager
def unpacked(path: Path, data: Path) -> Iterator[Unpacked]:
    """The backup at `path`, for this data folder, after its checks: every file is whole, and of a
    schema that this version knows.

    No server uses the folder, and none can start on it, until it is left. Raises InUse,
    BackupError, ConfigError.
    """
    folder = DataFolder(data)
    folder.make()
    try:
        with folder.alone(), tempfile.TemporaryDirectory(prefix=".chatapp-restore-", dir=data) as apart:
            files = Path(apart)
            manifest = unpack(path, files)
            _check(files, manifest)
            yield Unpacked(manifest, files, data)
    except FolderInUse:
        raise InUse(f"data: a process uses {data}; stop the server first, then restore") from None
    except OSError as error:
        raise ConfigError(f"data: cannot write to {data}: {error.strerror}") from None


def _check(files: Path, manifest: Manifest) -> None:
    for name in (CONVERSATIONS, LOG):
        if (files / name).exists():
            check(files / name)
    if manifest.revision not in revisions():
        raise BackupError(
            f"the backup's database is of revision {manifest.revision}, which this chatapp does not know: "
            f"it was written by version {manifest.chatapp}; install that or a later one"
        )
    if (files / LOG).exists() and (found := version(files / LOG)) > VERSION:
        raise BackupError(f"the backup's event log has schema {found}; this chatapp knows {VERSION}")
