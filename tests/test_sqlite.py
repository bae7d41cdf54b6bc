"""One greenlet waits for a locked file, not all of them; and the WAL of a busy file stays small."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import gevent
import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from waiting import BOUND_S, soon

from chatapp.sqlite import Checkpointer, is_busy, retry_while_busy

MB = 1 << 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE thing (data BLOB)")
        connection.execute("PRAGMA user_version = 7")
        yield connection


class Counted(Checkpointer):
    """Counts its looks at the file."""

    looks = 0

    def _look(self) -> None:
        super()._look()
        self.looks += 1

    def looked(self, times: int = 5) -> None:
        """Return when it has looked so many times more."""
        enough = self.looks + times
        soon(lambda: self.looks >= enough)


@contextmanager
def checkpoints(path: Path, pause_s: float = 0.01, shrink_s: float = 5.0, **sizes: int) -> Iterator[Counted]:
    with closing(Counted(path, look_s=0.005, pause_s=pause_s, shrink_s=shrink_s, **sizes)) as checkpointer:
        checkpointer.start()
        yield checkpointer


def write(connection: sqlite3.Connection, size: int) -> None:
    connection.execute("INSERT INTO thing VALUES (?)", (bytes(size),))


def version(connection: sqlite3.Connection) -> int:
    """Changes with every commit of another connection."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def wal_size(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


@pytest.fixture
def impatient(path: Path, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Another connection, which does not wait for locks."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as impatient:
        yield impatient


def test_a_step_is_taken_once_the_file_is_free(connection: sqlite3.Connection, impatient: sqlite3.Connection) -> None:
    tries: list[int] = []

    def step() -> str:
        tries.append(1)
        write(impatient, 10)
        return "written"

    connection.execute("BEGIN IMMEDIATE")
    waiting = gevent.spawn(retry_while_busy, step)
    soon(lambda: len(tries) > 1)
    assert not waiting.dead
    connection.execute("COMMIT")
    assert waiting.get(timeout=BOUND_S) == "written"


def test_patience_has_an_end(connection: sqlite3.Connection, impatient: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    with gevent.Timeout(BOUND_S), pytest.raises(sqlite3.OperationalError, match="locked") as failure:
        retry_while_busy(lambda: write(impatient, 10), patience_s=0.02)
    assert is_busy(failure.value)


def test_a_failure_that_waiting_does_not_help_is_raised_at_once(connection: sqlite3.Connection) -> None:
    taken: list[int] = []
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        retry_while_busy(lambda: taken.append(1) or connection.execute("SELECT * FROM missing"))
    assert len(taken) == 1


def test_a_locked_file_is_recognized_through_sqlalchemy(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 0})
    with engine.connect() as other, pytest.raises(OperationalError) as failure:
        other.exec_driver_sql("BEGIN IMMEDIATE")
    engine.dispose()
    assert is_busy(failure.value)


def test_a_large_wal_is_copied_into_the_file(path: Path, connection: sqlite3.Connection) -> None:
    with checkpoints(path, passive_bytes=MB):
        write(connection, 2 * MB)
        soon(lambda: path.stat().st_size > 2 * MB)
        soon(lambda: write(connection, 10) or wal_size(path) < 3 * MB)


def test_a_small_wal_is_left_alone(path: Path, connection: sqlite3.Connection) -> None:
    with checkpoints(path, passive_bytes=MB) as checkpointer:
        write(connection, 1000)
        checkpointer.looked()
        assert path.stat().st_size < 100_000
        assert wal_size(path) > 0


def test_a_wal_that_passive_checkpoints_cannot_reset_is_cut(path: Path, connection: sqlite3.Connection) -> None:
    with checkpoints(path, passive_bytes=MB, truncate_bytes=4 * MB):
        write(connection, 6 * MB)
        soon(lambda: 0 < wal_size(path) < MB)  # not 0: the thread paid the fsync of a new WAL
        assert connection.execute("PRAGMA user_version").fetchone() == (7,)
        assert connection.execute("SELECT sum(length(data)) FROM thing").fetchone() == (6 * MB,)


def test_a_wal_that_is_large_is_cut_without_a_pause(path: Path, connection: sqlite3.Connection) -> None:
    wal = Path(f"{path}-wal")
    with checkpoints(path, pause_s=1000.0, passive_bytes=MB, truncate_bytes=2 * MB):
        for _ in range(3):
            write(connection, 3 * MB)
            soon(lambda: wal.stat().st_size < MB)


def test_a_file_gives_back_the_room_of_what_was_deleted(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE thing (data BLOB)")
        write(connection, 4 * MB)
        connection.execute("DELETE FROM thing")
        with checkpoints(path, passive_bytes=1000, shrink_s=0.01):
            soon(lambda: write(connection, 10) or path.stat().st_size < 2 * MB)


def test_a_file_that_nobody_writes_is_left_alone(path: Path, connection: sqlite3.Connection) -> None:
    def is_quiet() -> bool:
        before = version(connection)
        gevent.sleep(0.2)
        return version(connection) == before

    with checkpoints(path, pause_s=0.03, passive_bytes=MB), checkpoints(path, pause_s=0.03, passive_bytes=MB):
        write(connection, 2 * MB)
        soon(lambda: path.stat().st_size > 2 * MB)
        soon(is_quiet)


def test_a_file_that_is_not_there_yet_is_waited_for(path: Path) -> None:
    with checkpoints(path) as checkpointer:
        checkpointer.looked()
        assert checkpointer.failure is None
        assert not path.exists()


def test_a_failure_is_kept_until_it_works_again(path: Path, connection: sqlite3.Connection) -> None:
    with checkpoints(path, passive_bytes=MB) as checkpointer:
        connection.execute("BEGIN IMMEDIATE")
        write(connection, 2 * MB)
        hidden = path.rename(path.with_suffix(".hidden"))
        path.mkdir()
        connection.execute("COMMIT")
        soon(lambda: checkpointer.failure)
        path.rmdir()
        hidden.rename(path)
        write(connection, 10)
        soon(lambda: not checkpointer.failure)


def test_its_thread_lives_from_start_to_close(path: Path) -> None:
    before = set(os.listdir("/proc/self/task"))
    checkpointer = Checkpointer(path)
    checkpointer.close()
    assert set(os.listdir("/proc/self/task")) == before
    checkpointer.start()
    checkpointer.start()
    soon(lambda: set(os.listdir("/proc/self/task")) - before)
    started = time.monotonic()
    checkpointer.close()
    checkpointer.close()
    assert time.monotonic() - started < BOUND_S
    soon(lambda: set(os.listdir("/proc/self/task")) == before)
