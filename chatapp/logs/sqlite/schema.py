"""The log's file: how it is opened, its tables, and what one transaction is.

journal   A row per flush, with the events of all runs that were written since the flush before.
          Appending to one place, however many runs there are, is what makes the log cheap: a
          commit costs by the page.
chunk     A run's events once they are folded out of the journal. `upto` is the seq of the last,
          `times` says when they came.
run       Its writer, whether it was cancelled, and whether its log may go.
reader    The processes that have readers of a run.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from chatapp.errors import ConfigError
from chatapp.private_files import private_database

StoreError = sqlite3.Error
Synchronous = Literal["NORMAL", "FULL"]

OPEN_S = 5.0  # several processes may open the file at once; nothing else waits inside SQLite

VERSION = 3
SCHEMA = f"""
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never starts at 1 again: followers ask for ids above
    writer TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE TABLE chunk (
    run INTEGER, upto INTEGER, events BLOB NOT NULL, times BLOB NOT NULL, PRIMARY KEY (run, upto)
) WITHOUT ROWID;
CREATE TABLE run (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    writer TEXT NOT NULL,
    cancelled INTEGER NOT NULL DEFAULT 0,
    end INTEGER,  -- seq of the run-end, once it is in a chunk
    settled REAL,  -- seconds since the epoch
    awaited INTEGER  -- the visit that it waits for once it has no reader
);
CREATE TABLE reader (run TEXT, process TEXT, PRIMARY KEY (run, process)) WITHOUT ROWID;
CREATE INDEX run_cancelled ON run (writer) WHERE cancelled = 1;
CREATE INDEX run_unsettled ON run (writer) WHERE settled IS NULL;
CREATE INDEX run_settled ON run (settled) WHERE settled IS NOT NULL;
PRAGMA user_version = {VERSION}
"""
FROM_2 = f"""
ALTER TABLE run ADD COLUMN awaited INTEGER;
CREATE TABLE reader (run TEXT, process TEXT, PRIMARY KEY (run, process)) WITHOUT ROWID;
PRAGMA user_version = {VERSION}
"""
FROM_1 = f"""
ALTER TABLE chunk ADD COLUMN times BLOB NOT NULL DEFAULT X'90';  -- msgpack: an empty list
{FROM_2}
"""
STEPS = {0: SCHEMA, 1: FROM_1, 2: FROM_2}
"""The statements that bring a file of that version up to date. Rows of schema 1 stay as they
are."""


def connect(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    """Open the file, or make it. Raises ConfigError if a later version wrote it, StoreError."""
    try:
        private_database(path)
    except OSError as error:
        raise sqlite3.OperationalError(f"unable to open database file: {error.strerror}") from None
    connection = sqlite3.connect(path, isolation_level=None, timeout=OPEN_S)
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file; the Checkpointer does it
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise ConfigError(f"data: SQLite cannot use WAL for {path}; choose a folder on a local disk")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # the Checkpointer does it
        _make_tables(connection)
        # Last and most important: no waiting inside C from here on, where it would stop the hub.
        connection.execute("PRAGMA busy_timeout = 0")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have rolled back already
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Reads inside see one state of the file: folding moves events between two tables."""
    with transaction(connection, "BEGIN"):
        yield


def _make_tables(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version in STEPS:
            for statement in STEPS[version].split(";"):
                connection.execute(statement)
        elif version != VERSION:
            raise ConfigError(
                f"log_url: the event log was written by another version of chatapp: expected schema {VERSION}, "
                f"found {version}; go back to that version, or move the file away"
            )
