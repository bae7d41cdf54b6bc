"""The log's file: its tables and every statement on them. It knows no greenlet, no waiting and no clock.

    journal   a row per flush, with the events of all runs that were written since the one before. Appending to
              one place, whatever the number of runs, is what makes the log cheap: the cost is in pages
    chunk     a run's events once they are folded out of the journal, by the seq of the last one in it
    run       who writes it, whether somebody cancelled it, whether its log may go

Every method is one transaction, small enough for the hub. None waits for a lock: it raises
`StoreError`, and `chatapp.sqlite.is_busy` tells whether the same call will work in a moment.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from chatapp.errors import ConfigError, LogError
from chatapp.events import Entry
from chatapp.logs import READ_ENTRIES
from chatapp.logs.sqlite.pieces import Piece, decode_row, is_end, join

StoreError = sqlite3.Error
Synchronous = Literal["NORMAL", "FULL"]

READ_BYTES = 1 << 20  # in one answer, for the reason that READ_ENTRIES has
EXPIRE_RUNS = 20  # and
EXPIRE_CHUNKS = 100  # deleted in one go: a transaction must not hold the hub for longer than a few ms
OPEN_S = 5.0  # for other processes that open the file at the same time; nothing else waits inside SQLite

_VERSION = 1
_SCHEMA = f"""
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- an emptied journal must not start at 1 again: followers ask for ids above
    writer TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE TABLE chunk (run INTEGER, upto INTEGER, events BLOB NOT NULL, PRIMARY KEY (run, upto)) WITHOUT ROWID;
CREATE TABLE run (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    writer TEXT NOT NULL,
    cancelled INTEGER NOT NULL DEFAULT 0,
    end INTEGER,  -- seq of the run-end, once it is in a chunk
    settled REAL  -- seconds since the epoch
);
CREATE INDEX run_cancelled ON run (writer) WHERE cancelled = 1;
CREATE INDEX run_unsettled ON run (writer) WHERE settled IS NULL;
CREATE INDEX run_settled ON run (settled) WHERE settled IS NOT NULL;
PRAGMA user_version = {_VERSION}
"""

_SELECT_RUN = "SELECT id, key, end, (SELECT ifnull(max(upto), 0) FROM chunk WHERE run = key) FROM run"


class StoredRun(NamedTuple):
    id: str
    key: int
    end: int | None  # known once it is folded
    folded: int  # seq of the last entry in its chunks


class News(NamedTuple):
    position: int  # id of the last journal row there ever was
    complete: bool  # False where rows were folded away before we saw them
    pieces: list[Piece]


class Store:
    """One connection to the file at `path`. Raises ConfigError where another version wrote it."""

    def __init__(self, path: Path, synchronous: Synchronous) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=OPEN_S)
        try:
            (mode,) = self._connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise ConfigError(f"the event log needs SQLite's WAL, which is not possible at {path}")
            self._connection.execute(f"PRAGMA synchronous = {synchronous}")
            self._connection.execute("PRAGMA wal_autocheckpoint = 0")  # the Checkpointer does it
            self._make_schema()
            # Above all: no waiting inside C, where it would stop the hub.
            self._connection.execute("PRAGMA busy_timeout = 0")
        except BaseException:
            self.close()
            raise
        self._index: dict[int, list[Piece]] = {}
        self._indexed = 0

    def close(self) -> None:
        self._connection.close()

    def ping(self) -> None:
        self._connection.execute("SELECT 1 FROM run LIMIT 1").fetchone()

    # Writing a run

    def create(self, run_id: str, writer: str) -> int:
        """The new run's key. Raises LogError where the id is taken."""
        try:
            cursor = self._connection.execute("INSERT INTO run (id, writer) VALUES (?, ?)", (run_id, writer))
        except sqlite3.IntegrityError:
            raise LogError("this run has a log already") from None
        return cursor.lastrowid or 0

    def write(self, writer: str, row: bytes) -> int:
        """Append to the journal; return the row's id."""
        cursor = self._connection.execute("INSERT INTO journal (writer, data) VALUES (?, ?)", (writer, row))
        return cursor.lastrowid or 0

    def fold(self, writer: str, chunks: Sequence[Piece], ended: Sequence[int], below: int) -> None:
        """Keep the chunks; note which runs (keys) have ended with them; drop the writer's rows with an id < `below`."""
        with self._transaction():
            self._add_chunks(chunks)
            self._note_ends(ended)
            self._connection.execute("DELETE FROM journal WHERE id < ? AND writer = ?", (below, writer))

    def settle(self, run_id: str, now: float) -> None:
        self._connection.execute("UPDATE run SET settled = ? WHERE id = ? AND settled IS NULL", (now, run_id))

    # Cancelling

    def cancel(self, run_id: str) -> bool:
        """Ask the writer to stop it. False where there is no such run."""
        asked = self._connection.execute(
            "UPDATE run SET cancelled = 1 WHERE id = ? AND end IS NULL AND cancelled = 0", (run_id,)
        )
        known = "SELECT 1 FROM run WHERE id = ?"
        return asked.rowcount > 0 or self._connection.execute(known, (run_id,)).fetchone() is not None

    def cancelled(self, writer: str) -> list[str]:
        rows = self._connection.execute("SELECT id FROM run WHERE cancelled = 1 AND writer = ?", (writer,))
        return [run_id for (run_id,) in rows.fetchall()]

    # Reading

    def find(self, run_id: str, settled_after: float) -> StoredRun | None:
        row = self._connection.execute(
            f"{_SELECT_RUN} WHERE id = ? AND ifnull(settled > ?, 1)", (run_id, settled_after)
        ).fetchone()
        return row and StoredRun(*row)

    def read(self, key: int, after: int) -> list[Entry]:
        """Entries with seq > `after`, or the first part of them."""
        with self.snapshot():
            return self._from_chunks(key, after) or self._from_journal(key, after)

    def unfolded(self, key: int) -> list[Piece]:
        """The run's pieces in the journal, in order. Some may be in its chunks as well.

        The first call reads the whole journal and keeps what it saw: many readers may come at once, after a
        restart, and each would hold the hub for a few ms. `forget` lets it go.
        """
        rows = self._connection.execute("SELECT id, data FROM journal WHERE id > ? ORDER BY id", (self._indexed,))
        for row_id, data in rows.fetchall():
            for piece in decode_row(data):
                self._index.setdefault(piece.run, []).append(piece)
            self._indexed = row_id
        return self._index.get(key, [])

    def forget(self) -> None:
        self._index, self._indexed = {}, 0

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Reads inside see one state of the file: folding moves events between two tables."""
        with self._transaction("BEGIN"):
            yield

    # Following other writers

    def version(self) -> int:
        """Changes with every commit of another connection, and with none of this one."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def position(self) -> int:
        """The id of the last journal row there ever was."""
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'journal'").fetchone()
        return row[0] if row else 0

    def news(self, writer: str, position: int) -> News:
        """What others than `writer` wrote to the journal since it stood at `position`."""
        with self.snapshot():
            newest = self.position()
            rows = self._connection.execute(
                "SELECT CASE writer WHEN ? THEN NULL ELSE data END FROM journal WHERE id > ? ORDER BY id",
                (writer, position),
            ).fetchall()
        pieces = [piece for (data,) in rows if data is not None for piece in decode_row(data)]
        return News(newest, len(rows) == newest - position, pieces)

    # Outliving writers

    def writers(self) -> list[str]:
        """Those that left, or still have, something to do."""
        rows = self._connection.execute("SELECT writer FROM run WHERE settled IS NULL UNION SELECT writer FROM journal")
        return [writer for (writer,) in rows.fetchall()]

    def take_over(self, gone: str, writer: str) -> list[StoredRun]:
        """Fold what a writer left in the journal, and give its runs that are not settled to `writer`."""
        with self._transaction():
            self._fold_left(gone)
            left = "WHERE writer = ? AND settled IS NULL"
            rows = self._connection.execute(f"{_SELECT_RUN} {left} ORDER BY key", (gone,)).fetchall()
            self._connection.execute(f"UPDATE run SET writer = ? {left}", (writer, gone))
        return [StoredRun(*row) for row in rows]

    def expire(self, settled_before: float) -> bool:
        """Delete logs, or a part of them. True where there may be more."""
        with self._transaction():
            rows = self._connection.execute(
                "SELECT key FROM run WHERE settled <= ? LIMIT ?", (settled_before, EXPIRE_RUNS)
            ).fetchall()
            left = EXPIRE_CHUNKS
            for (key,) in rows:
                left -= self._delete_chunks(key, left)
                if left <= 0:
                    return True
                self._connection.execute("DELETE FROM run WHERE key = ?", (key,))
        return len(rows) == EXPIRE_RUNS

    # Helpers

    def _make_schema(self) -> None:
        with self._transaction():
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    self._connection.execute(statement)
            elif version != _VERSION:
                raise ConfigError(
                    f"the event log was written by another version (its form is {version}, not {_VERSION})"
                )

    def _add_chunks(self, chunks: Sequence[Piece]) -> None:
        self._connection.executemany(  # not for a run that has expired meanwhile: nobody would delete it again
            "INSERT INTO chunk SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM run WHERE key = ?1)",
            map(msgspec.structs.astuple, chunks),
        )

    def _note_ends(self, keys: Sequence[int]) -> None:
        self._connection.executemany(
            "UPDATE run SET cancelled = 0, end = (SELECT max(upto) FROM chunk WHERE run = key) WHERE key = ?",
            [(key,) for key in keys],
        )

    def _from_chunks(self, key: int, after: int) -> list[Entry]:
        entries: list[Entry] = []
        size = 0
        rows = self._connection.execute(
            "SELECT run, upto, events FROM chunk WHERE run = ? AND upto > ? ORDER BY upto", (key, after)
        )
        for run, upto, events in rows:
            entries += Piece(run, upto, events).entries(after)
            size += len(events)
            if len(entries) >= READ_ENTRIES or size >= READ_BYTES:
                break
        rows.close()
        return entries

    def _from_journal(self, key: int, after: int) -> list[Entry]:
        entries: list[Entry] = []
        for piece in self.unfolded(key):
            entries += piece.entries(entries[-1].seq if entries else after)
        return entries

    def _fold_left(self, gone: str) -> None:
        rows = self._connection.execute("SELECT data FROM journal WHERE writer = ? ORDER BY id", (gone,)).fetchall()
        upto: dict[int, int] = {}
        parts: dict[int, list[bytes | msgspec.Raw]] = {}
        for piece in (piece for (data,) in rows for piece in decode_row(data)):
            if piece.upto > (upto.get(piece.run) or self._folded(piece.run)):
                upto[piece.run] = piece.upto
                parts.setdefault(piece.run, []).extend(piece.parts())
        self._add_chunks([join(run, upto[run], parts[run]) for run in parts])
        self._note_ends([run for run in parts if is_end(parts[run][-1])])
        self._connection.execute("DELETE FROM journal WHERE writer = ?", (gone,))

    def _folded(self, key: int) -> int:
        (upto,) = self._connection.execute("SELECT ifnull(max(upto), 0) FROM chunk WHERE run = ?", (key,)).fetchone()
        return int(upto)

    def _delete_chunks(self, key: int, limit: int) -> int:
        return self._connection.execute(
            "DELETE FROM chunk WHERE run = ? AND upto IN (SELECT upto FROM chunk WHERE run = ? ORDER BY upto LIMIT ?)",
            (key, key, limit),
        ).rowcount

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
        self._connection.execute(begin)
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk may have rolled back already
                self._connection.execute("ROLLBACK")
            raise
