"""Takes a backup of a data folder, whether or not a server runs on it."""

import tarfile
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from chatapp import __version__
from chatapp.ops.backup import CONVERSATIONS, FORMAT, LOG, SECRET_KEY, BackupError, Manifest, Progress
from chatapp.ops.backup.archive import add_file, add_manifest, writing
from chatapp.ops.backup.copy import Connection, copy, snapshots, value


def take_backup(data: Path, path: Path, progress: Progress) -> Manifest:
    """Write the backup of the folder to `path`. Raises BackupError.

    What had ended before is in it whole; a run that goes on is in it as after a kill: a start on
    the restored folder ends it as `interrupted`, with what there was of it.
    """
    files = {name: data / name for name in (CONVERSATIONS, LOG) if (data / name).exists()}
    if CONVERSATIONS not in files:
        raise BackupError(f"data: there is no {CONVERSATIONS} in {data}: nothing to back up")
    with ExitStack() as stack:
        opened = stack.enter_context(snapshots(files, CONVERSATIONS))
        manifest = _manifest(opened)
        tar = stack.enter_context(writing(path))
        add_manifest(tar, manifest)
        for name, connection in opened.items():
            _add_copy(tar, name, connection, path.parent, progress)
        if (data / SECRET_KEY).exists():
            add_file(tar, SECRET_KEY, data / SECRET_KEY)
    return manifest


def _add_copy(tar: tarfile.TarFile, name: str, source: Connection, folder: Path, progress: Progress) -> None:
    """By way of a file of its own, because SQLite writes into no tar."""
    with tempfile.TemporaryDirectory(prefix=".chatapp-backup-", dir=folder) as apart:  # mode 0700
        copied = Path(apart) / name
        copy(source, copied, partial(progress, name))
        add_file(tar, name, copied)


def _manifest(opened: dict[str, Connection]) -> Manifest:
    conversations, log = opened[CONVERSATIONS], opened.get(LOG)
    return Manifest(
        format=FORMAT,
        chatapp=__version__,
        made=time.time(),
        revision=str(value(conversations, "SELECT version_num FROM alembic_version")),
        log_version=None if log is None else int(value(log, "PRAGMA user_version")),
        conversations=int(value(conversations, "SELECT count(*) FROM conversations")),
        messages=int(value(conversations, "SELECT count(*) FROM messages")),
    )
