"""SQLite beside greenlets: how to wait for a locked file and keep its WAL small. It knows no table.

SQLite waits inside C, where it stops the hub and with it every stream of the process. So the hub's
connections set `busy_timeout=0` and `wal_autocheckpoint=0`, and use what is here instead.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import gevent
from gevent.monkey import get_original

_start_thread: Any = get_original("_thread", "start_new_thread")
_new_lock: Any = get_original("_thread", "allocate_lock")

T = TypeVar("T")

BUSY_S = 0.001  # another connection holds the file, for the time of a small commit
MAX_BUSY_S = 0.025  # if it holds it for longer, hundreds that wait must not keep the hub busy
PATIENCE_S = 5.0  # longer than any commit or checkpoint: after that, something is wrong

PASSIVE_BYTES = 4 << 20  # below that, a checkpoint costs more fsyncs than it saves
TRUNCATE_BYTES = 64 << 20  # under steady load PASSIVE never resets the WAL; recovery reads it all
LOOK_S = 0.25  # how often to look at the size: one stat
PAUSE_S = 2.0  # between checkpoints: the size does not tell how much is new
ONE_COMMIT = 1  # frame: of `_commit_nothing` in another process; answering it would never end
INCREMENTAL = 2  # of PRAGMA auto_vacuum
SHRINK_PAGES = 256  # in one transaction, which writers wait for: some ms
SHRINK_S, SHRINK_SOON_S = 5.0, 0.25  # between looks for free pages, and while there are many
LOCK_S = 0.1  # TRUNCATE may wait so long for writers; they wait for it far less


def is_busy(error: Exception) -> bool:
    """Whether it says that another connection holds the lock: in a moment the same call will work.

    `error` is one of sqlite3, or one of SQLAlchemy around it.
    """
    cause = getattr(error, "orig", None) or error
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def retry_while_busy(step: Callable[[], T], patience_s: float = PATIENCE_S) -> T:
    """Call `step` again while another connection holds the file. Other greenlets run in between.

    Raises what `step` raises: a busy error after `patience_s`, any other one at once.
    """
    began = time.monotonic()
    while True:
        try:
            return step()
        except Exception as error:
            waited = time.monotonic() - began
            if not is_busy(error) or waited > patience_s:
                raise
        gevent.sleep(busy_pause(waited))


def busy_pause(waited_s: float) -> float:
    """How long to wait before the next try, if the file was held for so long already."""
    return min(max(BUSY_S, waited_s / 8), MAX_BUSY_S)


class Checkpointer:
    """Checkpoints the file at `path` from `start` to `close`, and gives the room of what was
    deleted back to the disk, if the file has `auto_vacuum`. Several processes may do so at once.

    A checkpoint copies the WAL into the file and waits for the disk, 20 ms and more per fsync. So
    it has a native thread: greenlets share one, and gevent's pool of threads resolves host names.

    `failure` says why the last checkpoint failed; None if it worked.
    """

    def __init__(
        self,
        path: Path,
        *,
        passive_bytes: int = PASSIVE_BYTES,
        truncate_bytes: int = TRUNCATE_BYTES,
        look_s: float = LOOK_S,
        pause_s: float = PAUSE_S,
        shrink_s: float = SHRINK_S,
    ) -> None:
        self.failure: str | None = None
        self._path = path
        self._wal = Path(f"{path}-wal")
        self._passive_bytes = passive_bytes
        self._truncate_bytes = truncate_bytes
        self._look_s = look_s
        self._shrink_s = shrink_s
        self._shrink_at = time.monotonic() + shrink_s
        self._pause_s = pause_s
        self._tried = 0.0  # when (monotonic)
        self._connection: sqlite3.Connection | None = None
        self._copied: int | None = None  # the file's version of which all is copied
        self._closing, self._closed = _held_lock(), _held_lock()
        self._runs = False

    def start(self) -> None:
        if not self._runs:
            self._runs = True
            _start_thread(self._run, ())

    def close(self) -> None:
        """Return when the thread has ended, after the checkpoint under way."""
        if self._runs:
            self._runs = False
            self._closing.release()
            self._closed.acquire()

    def _run(self) -> None:
        try:
            while not self._closing.acquire(timeout=self._look_s):
                try:
                    self._look()
                except (sqlite3.Error, OSError) as error:
                    self.failure = f"checkpoint: {error}"
                    self._disconnect()
        finally:
            self._disconnect()
            self._closed.release()

    def _look(self) -> None:
        now = time.monotonic()
        if now >= self._shrink_at:
            self._shrink_at = now + (SHRINK_SOON_S if self._shrink() else self._shrink_s)
        try:
            size = os.stat(self._wal).st_size  # never open it: closing it would drop SQLite's locks
        except FileNotFoundError:
            return
        pause_s = 0.0 if size > self._truncate_bytes else self._pause_s  # large answers fill the disk meanwhile
        if size > self._passive_bytes and now - self._tried >= pause_s:
            self._tried = now
            self._checkpoint_changes(size)

    def _shrink(self) -> bool:
        """Cut some free pages off the file. True if there are more."""
        if not self._path.exists():
            return False
        connection = self._connect()
        (free,) = _row(connection, "PRAGMA freelist_count")
        (pages,) = _row(connection, "PRAGMA page_count")
        (mode,) = _row(connection, "PRAGMA auto_vacuum")
        if mode != INCREMENTAL or free < max(SHRINK_PAGES, pages / 4):  # some room is used again at once
            return False
        try:
            # As a script: `execute` would stop after the first page.
            connection.executescript(f"PRAGMA incremental_vacuum({SHRINK_PAGES})")
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
        return True

    def _checkpoint_changes(self, size: int) -> None:
        connection = self._connect()
        (version,) = _row(connection, "PRAGMA data_version")  # changes with the commits of others
        if version == self._copied:
            return
        busy, frames, copied = _row(connection, "PRAGMA wal_checkpoint(PASSIVE)")
        if size > self._truncate_bytes:  # after PASSIVE: it locks out writers for its fsyncs
            busy, frames, copied = _row(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
        complete = not busy and frames == copied
        if complete and frames != ONE_COMMIT:
            _commit_nothing(connection)
        self._copied = version if complete else None
        self.failure = None

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=LOCK_S)
            self._copied = None  # each connection counts versions in its own way
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _commit_nothing(connection: sqlite3.Connection) -> None:
    """Be the first to write into the reset WAL: that waits for an fsync, as the hub should not."""
    connection.execute("BEGIN IMMEDIATE")
    (version,) = _row(connection, "PRAGMA user_version")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("COMMIT")


def _row(connection: sqlite3.Connection, query: str) -> Any:
    (row,) = connection.execute(query).fetchall()  # all: an unfinished query keeps a lock
    return row


def _held_lock() -> Any:
    lock = _new_lock()
    lock.acquire()
    return lock
