"""Every statement on the log's file, whose tables `schema.py` explains. No greenlet, no waiting, no
clock.

Every method is one transaction, small enough for the hub. None waits for a lock: it raises
`StoreError`, and `chatapp.sqlite.is_busy` tells whether the same call will work in a moment.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import msgspec

from chatapp.errors import LogError
from chatapp.events import Entry
from chatapp.logs.sqlite.attendance import ReaderTable
from chatapp.logs.sqlite.chunks import Chunks
from chatapp.logs.sqlite.journal import Journal
from chatapp.logs.sqlite.pieces import Moment, Piece, is_end, join
from chatapp.logs.sqlite.schema import Synchronous, connect, snapshot, transaction

EXPIRE_RUNS = 20  # deleted in one go: a transaction must not hold the hub for more than a few ms

_SELECT_RUN = "SELECT id, key, end, (SELECT ifnull(max(upto), 0) FROM chunk WHERE run = key) FROM run"


class StoredRun(NamedTuple):
    id: str
    key: int
    end: int | None  # known once it is folded
    folded: int  # seq of the last entry in its chunks


class Store:
    """One connection to the file at `path`. Raises ConfigError if a later version wrote it."""

    def __init__(self, path: Path, synchronous: Synchronous) -> None:
        self._connection = connect(path, synchronous)
        self._chunks = Chunks(self._connection)
        self.journal = Journal(self._connection)
        self.readers = ReaderTable(self._connection)

    def close(self) -> None:
        self._connection.close()

    def ping(self) -> None:
        self._connection.execute("SELECT 1 FROM run LIMIT 1").fetchone()

    # Writing a run

    def create(self, run_id: str, writer: str) -> int:
        """The new run's key. Raises LogError if the id is taken."""
        try:
            cursor = self._connection.execute("INSERT INTO run (id, writer) VALUES (?, ?)", (run_id, writer))
        except sqlite3.IntegrityError:
            raise LogError("this run has a log already") from None
        return cursor.lastrowid or 0

    def fold(self, writer: str, chunks: Iterable[Piece], ended: Iterable[int], below: int) -> None:
        """Keep the chunks, mark runs (by key) that have ended with them, and drop the writer's
        journal rows with an id < `below`.
        """
        with transaction(self._connection):
            self._chunks.add(chunks)
            self._mark_ended(ended)
            self.journal.drop(writer, below)

    def settle(self, run_id: str, now: float) -> None:
        self._connection.execute("UPDATE run SET settled = ? WHERE id = ? AND settled IS NULL", (now, run_id))

    # Cancelling

    def cancel(self, run_id: str) -> bool:
        """Ask the writer to stop it. False if there is no such run."""
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
        """Entries with seq > `after`, in order; if they are many, the first ones of them."""
        with self.snapshot():
            return self._chunks.read(key, after) or self._from_journal(key, after)

    def snapshot(self) -> AbstractContextManager[None]:
        """Reads inside see one state of the file."""
        return snapshot(self._connection)

    def version(self) -> int:
        """Changes with every commit of another connection, and with none of this one."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    # Outliving writers

    def writers(self) -> list[str]:
        """Those that left, or still have, something to do."""
        rows = self._connection.execute("SELECT writer FROM run WHERE settled IS NULL UNION SELECT writer FROM journal")
        return [writer for (writer,) in rows.fetchall()]

    def take_over(self, gone: str, writer: str) -> list[StoredRun]:
        """Fold what `gone` left in the journal, and give its unsettled runs to `writer`."""
        unsettled = "WHERE writer = ? AND settled IS NULL"
        with transaction(self._connection):
            self._fold_left(gone)
            self.readers.forget(gone)
            rows = self._connection.execute(f"{_SELECT_RUN} {unsettled} ORDER BY key", (gone,)).fetchall()
            self._connection.execute(f"UPDATE run SET writer = ? {unsettled}", (writer, gone))
        return [StoredRun(*row) for row in rows]

    def expire(self, settled_before: float, chunks: int) -> bool:
        """Delete logs, at most so many chunks of them. True if there may be more."""
        with transaction(self._connection):
            rows = self._connection.execute(
                "SELECT key FROM run WHERE settled <= ? LIMIT ?", (settled_before, EXPIRE_RUNS)
            ).fetchall()
            for (key,) in rows:
                chunks -= self._chunks.delete(key, chunks)
                if chunks <= 0:
                    return True
                self._connection.execute("DELETE FROM run WHERE key = ?", (key,))
        return len(rows) == EXPIRE_RUNS

    # Helpers

    def _mark_ended(self, keys: Iterable[int]) -> None:
        self._connection.executemany(
            "UPDATE run SET cancelled = 0, end = (SELECT max(upto) FROM chunk WHERE run = key) WHERE key = ?",
            [(key,) for key in keys],
        )

    def _from_journal(self, key: int, after: int) -> list[Entry]:
        entries: list[Entry] = []
        for piece in self.journal.unfolded(key):
            entries += piece.entries(entries[-1].seq if entries else after)
        return entries

    def _fold_left(self, gone: str) -> None:
        upto: dict[int, int] = {}
        parts: dict[int, list[bytes | msgspec.Raw]] = {}
        times: dict[int, list[Moment]] = {}
        for piece in self.journal.written_by(gone):
            if piece.upto > (upto.get(piece.run) or self._chunks.last(piece.run)):
                upto[piece.run] = piece.upto
                parts.setdefault(piece.run, []).extend(piece.parts())
                times.setdefault(piece.run, []).extend(piece.moments())
        self._chunks.add(join(run, upto[run], parts[run], times[run]) for run in parts)
        self._mark_ended(run for run in parts if is_end(parts[run][-1]))
        self.journal.drop_all(gone)
