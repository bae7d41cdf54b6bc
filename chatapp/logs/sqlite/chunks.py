"""The table `chunk`: the events of each run once they are folded out of the journal."""

import sqlite3
from collections.abc import Iterable

from chatapp.events import Entry
from chatapp.logs import READ_ENTRIES
from chatapp.logs.sqlite.pieces import Piece, decode_times, encode_times

READ_BYTES = 32 << 10  # in one answer, as READ_ENTRIES; and a reader that is stuck holds so much


class Chunks:
    """Statements on the chunks. They are called inside a transaction of the store."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, chunks: Iterable[Piece]) -> None:
        """Leaves out those of a run that has expired meanwhile: nobody would delete them again."""
        self._connection.executemany(
            "INSERT INTO chunk (run, upto, events, times) "
            "SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM run WHERE key = ?1)",
            [(chunk.run, chunk.upto, chunk.events, encode_times(chunk.times)) for chunk in chunks],
        )

    def read(self, key: int, after: int) -> list[Entry]:
        """Entries with seq > `after`, in order; if they are many, the first ones of them."""
        entries: list[Entry] = []
        size = 0
        rows = self._connection.execute(
            "SELECT run, upto, events, times FROM chunk WHERE run = ? AND upto > ? ORDER BY upto", (key, after)
        )
        for run, upto, events, times in rows:
            entries += Piece(run, upto, events, decode_times(times)).entries(after)
            size += len(events)
            if len(entries) >= READ_ENTRIES or size >= READ_BYTES:
                break
        rows.close()
        return entries

    def last(self, key: int) -> int:
        """The seq of the run's last entry in a chunk, 0 if there is none."""
        row = self._connection.execute("SELECT ifnull(max(upto), 0) FROM chunk WHERE run = ?", (key,)).fetchone()
        return int(row[0])

    def delete(self, key: int, limit: int) -> int:
        """Delete at most `limit` chunks of the run; return how many."""
        return self._connection.execute(
            "DELETE FROM chunk WHERE run = ? AND upto IN (SELECT upto FROM chunk WHERE run = ? ORDER BY upto LIMIT ?)",
            (key, key, limit),
        ).rowcount
