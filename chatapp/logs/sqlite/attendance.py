"""Which processes have readers of a run, and the visit that the run waits for. Statements only."""

import sqlite3


class ReaderTable:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, run_id: str, process: str) -> None:
        self._connection.execute("INSERT OR IGNORE INTO reader VALUES (?, ?)", (run_id, process))

    def remove(self, run_id: str, process: str) -> None:
        self._connection.execute("DELETE FROM reader WHERE run = ? AND process = ?", (run_id, process))

    def forget(self, process: str) -> None:
        """It is gone."""
        self._connection.execute("DELETE FROM reader WHERE process = ?", (process,))

    def processes(self, run_id: str) -> set[str]:
        rows = self._connection.execute("SELECT process FROM reader WHERE run = ?", (run_id,))
        return {process for (process,) in rows.fetchall()}

    def awaited(self, run_id: str) -> int | None:
        rows = self._connection.execute("SELECT awaited FROM run WHERE id = ?", (run_id,))
        return next((visit for (visit,) in rows.fetchall()), None)

    def wait_for(self, run_id: str, visit: int) -> None:
        self._connection.execute("UPDATE run SET awaited = ? WHERE id = ?", (visit, run_id))
