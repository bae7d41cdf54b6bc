"""Copies SQLite files that others write, and looks into copies."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from chatapp.ops.backup import BackupError

STEP_PAGES = 2048  # 8 MB: so often is progress shown, and Ctrl-C heard
LOCK_S = 10.0  # for the moment in which no conversation may be written
LOCK_POLL_S = 0.0005

Connection = sqlite3.Connection


@contextmanager
def snapshots(paths: Mapping[str, Path], locked: str) -> Iterator[dict[str, Connection]]:
    """A connection to each file, all at the same moment: as if the server had been killed then.

    `locked` is the file that nobody writes at that moment, a ms or two. A run is finished there
    after its log is written, so the log has all that the file takes for granted. The snapshots stay
    as they are for as long as they are open: writers go on, only the WAL grows.
    """
    with ExitStack() as stack:
        try:
            lock = stack.enter_context(closing(_open(paths[locked])))
            _lock(lock)
            opened = {name: stack.enter_context(closing(_open(path))) for name, path in paths.items()}
            for connection in opened.values():
                connection.execute("BEGIN")
                connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()  # takes the snapshot
            lock.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise BackupError(f"cannot read {paths[locked].parent}: {error}") from None
        yield opened


def copy(source: Connection, target: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the snapshot to a new file at `target`. `progress` is told the bytes done and all."""
    (page_bytes,) = _row(source, "PRAGMA page_size")

    def tell(_status: int, left: int, pages: int) -> None:
        progress((pages - left) * page_bytes, pages * page_bytes)

    target.touch(mode=0o600)
    try:
        with closing(sqlite3.connect(target)) as copied:
            source.backup(copied, pages=STEP_PAGES, progress=tell)
            # A copy has nobody who writes it: one file, without -wal and -shm beside it.
            copied.execute("PRAGMA journal_mode = DELETE").fetchall()
    except sqlite3.Error as error:
        raise BackupError(f"cannot write {target}: {error}") from None


def check(path: Path) -> None:
    """Raise BackupError if the file is damaged."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (found,) = _row(connection, "PRAGMA integrity_check(1)")
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise BackupError(f"{path.name}: the file is damaged: {found.partition(chr(10))[0]}")


def value(connection: Connection, query: str) -> Any:
    """The first column of the first row."""
    try:
        return _row(connection, query)[0]
    except sqlite3.Error as error:
        raise BackupError(f"cannot read the database: {error}") from None


def version(path: Path) -> int:
    """The schema that the file says it has."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return int(value(connection, "PRAGMA user_version"))


def _lock(connection: Connection) -> None:
    """Begin the transaction that keeps writers out, however busy they are.

    SQLite's own wait asks every 100 ms in the end, so that a writer who commits without a pause
    is met between two commits by luck alone.
    """
    deadline = time.monotonic() + LOCK_S
    connection.execute("PRAGMA busy_timeout = 0").fetchall()
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(LOCK_POLL_S)


def _open(path: Path) -> Connection:
    # rw, not ro: reading a WAL needs its -shm file. Never make a database that is not there.
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=LOCK_S)


def _row(connection: Connection, query: str) -> Any:
    return connection.execute(query).fetchall()[0]
