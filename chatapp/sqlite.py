"""Keeps the WAL of a SQLite file small, on a thread of its own. It knows no table.

A checkpoint copies the WAL into the file and waits for the disk: 20 ms and more per fsync, during which the hub
must not stand still. So the connections in the hub set `wal_autocheckpoint=0`, and this does it for them, on a
native thread: greenlets share one, and gevent's pool of threads resolves host names.
"""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from gevent.monkey import get_original

_start_thread: Any = get_original("_thread", "start_new_thread")
_new_lock: Any = get_original("_thread", "allocate_lock")

PASSIVE_BYTES = 4 << 20  # below it a checkpoint costs more fsyncs than it saves
TRUNCATE_BYTES = 64 << 20  # under steady load PASSIVE never gets to reset the WAL; recovery reads all of it
LOOK_S = 0.25  # how often the size is looked at: one stat
PAUSE_S = 2.0  # between two checkpoints: the WAL's size does not tell how much of it is new
BUSY_MS = 100  # TRUNCATE may wait for writers; they wait for it far less


class Checkpointer:
    """Checkpoints the file at `path` until closed. Others may do the same: SQLite lets one at a time.

    `failure` says why the last one failed, None where it worked.
    """

    def __init__(self, path: Path, passive_bytes: int = PASSIVE_BYTES, truncate_bytes: int = TRUNCATE_BYTES) -> None:
        self.failure: str | None = None
        self._path = path
        self._wal = Path(f"{path}-wal")
        self._passive_bytes = passive_bytes
        self._truncate_bytes = truncate_bytes
        self._tried = 0.0  # when (monotonic)
        self._known = 0  # the WAL's time of change then
        self._closing, self._closed = _held_lock(), _held_lock()
        self._open = True
        _start_thread(self._run, ())

    def close(self) -> None:
        """Return when the thread has ended: after the checkpoint under way."""
        if self._open:
            self._open = False
            self._closing.release()
            self._closed.acquire()

    def _run(self) -> None:
        try:
            while not self._closing.acquire(timeout=LOOK_S):
                try:
                    self._look()
                except (sqlite3.Error, OSError) as error:
                    self.failure = f"checkpoint: {error}"
        finally:
            self._closed.release()

    def _look(self) -> None:
        try:
            wal = os.stat(self._wal)  # never open it: closing it again would drop SQLite's locks on this file
        except FileNotFoundError:
            return
        if wal.st_size <= self._passive_bytes or not self._is_due(wal.st_mtime_ns):
            return
        if wal.st_size <= self._truncate_bytes:
            self._checkpoint("PASSIVE")
        else:
            self._checkpoint("PASSIVE", "TRUNCATE")  # in this order: TRUNCATE holds the write lock over its fsyncs

    def _is_due(self, changed: int) -> bool:
        now = time.monotonic()
        if now - self._tried < PAUSE_S or (changed == self._known and self.failure is None):
            return False
        self._tried, self._known = now, changed
        return True

    def _checkpoint(self, *modes: str) -> None:
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=BUSY_MS / 1000)) as connection:
            for mode in modes:
                busy, frames, copied = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
            if not busy and frames == copied:
                _commit_nothing(connection)
        self.failure = None


def _commit_nothing(connection: sqlite3.Connection) -> None:
    """Be the first to write into the reset WAL: who does that waits for an fsync, and it should not be the hub."""
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("COMMIT")


def _held_lock() -> Any:
    lock = _new_lock()
    lock.acquire()
    return lock
