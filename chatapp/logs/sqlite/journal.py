"""The table `journal`: what all writers appended and nobody has folded into chunks yet."""

import sqlite3
from typing import NamedTuple

from chatapp.logs.sqlite.pieces import Piece, decode_row
from chatapp.logs.sqlite.schema import snapshot


class News(NamedTuple):
    position: int  # id of the newest row there ever was
    complete: bool  # False if rows were folded away before we saw them
    pieces: list[Piece]


class Journal:
    """Statements on the journal. Unless said otherwise, each is small enough for the hub."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._index: dict[int, list[Piece]] = {}  # by run
        self._indexed = 0  # the newest row in the index

    def write(self, writer: str, row: bytes) -> int:
        """Append a row; return its id."""
        cursor = self._connection.execute("INSERT INTO journal (writer, data) VALUES (?, ?)", (writer, row))
        return cursor.lastrowid or 0

    def written_by(self, writer: str) -> list[Piece]:
        rows = self._connection.execute("SELECT data FROM journal WHERE writer = ? ORDER BY id", (writer,))
        return [piece for (data,) in rows.fetchall() for piece in decode_row(data)]

    def drop(self, writer: str, below: int) -> None:
        """Delete the writer's rows with an id < `below`."""
        self._connection.execute("DELETE FROM journal WHERE id < ? AND writer = ?", (below, writer))

    def drop_all(self, writer: str) -> None:
        self._connection.execute("DELETE FROM journal WHERE writer = ?", (writer,))

    def unfolded(self, key: int) -> list[Piece]:
        """The run's pieces, in order. Some may be in its chunks as well.

        The first call reads the whole journal and keeps what it saw: many readers may come at once,
        after a restart, and each would hold the hub for a few ms. `forget` lets it go.
        """
        rows = self._connection.execute("SELECT id, data FROM journal WHERE id > ? ORDER BY id", (self._indexed,))
        for row_id, data in rows.fetchall():
            for piece in decode_row(data):
                self._index.setdefault(piece.run, []).append(piece)
            self._indexed = row_id
        return self._index.get(key, [])

    def forget(self) -> None:
        self._index, self._indexed = {}, 0

    def position(self) -> int:
        """The id of the newest row there ever was."""
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'journal'").fetchone()
        return row[0] if row else 0

    def news(self, writer: str, position: int) -> News:
        """What others than `writer` have written since the journal stood at `position`."""
        with snapshot(self._connection):
            newest = self.position()
            rows = self._connection.execute(
                "SELECT CASE writer WHEN ? THEN NULL ELSE data END FROM journal WHERE id > ? ORDER BY id",
                (writer, position),
            ).fetchall()
        pieces = [piece for (data,) in rows if data is not None for piece in decode_row(data)]
        return News(newest, len(rows) == newest - position, pieces)
