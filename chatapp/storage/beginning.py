"""How a transaction begins, which SQLite leaves to its user: to write, it takes the file's lock at
once, waiting as a greenlet does; to read, it locks nobody out.

It is the dialect that begins, not a listener: an engine with one would look for listeners at each
step of each statement, a hundred calls for a small transaction.
"""

from copy import copy
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, PoolProxiedConnection
from sqlalchemy.orm import Session

from chatapp.sqlite import retry_while_busy


def begin_by_itself(engine: Engine, reads_only: bool = False) -> None:
    """Of SQLite, whose connections must not begin anything themselves."""
    dialect: Any = engine.dialect
    dialect.for_reading = copy(dialect)
    dialect.for_reading.do_begin = _begin_reading
    dialect.do_begin = _begin_reading if reads_only else _begin_writing


def reading(engine: Engine) -> Engine:
    """An engine with the same connections, for transactions that only read: in SQLite they go on
    beside any writer, of this process or of another."""
    reader = engine.execution_options()
    reader.dialect = getattr(engine.dialect, "for_reading", engine.dialect)
    return reader


def connection_of(session: Session) -> Connection:
    """The connection of its transaction, for values and for statements that are made once: to
    execute them in the session costs half as much again. What the session has not flushed is not
    there."""
    connection = session.bind
    assert isinstance(connection, Connection)
    return connection


def _begin_writing(connection: PoolProxiedConnection) -> None:
    driver: Any = connection.driver_connection
    retry_while_busy(partial(driver.execute, "BEGIN IMMEDIATE"))


def _begin_reading(connection: PoolProxiedConnection) -> None:
    driver: Any = connection.driver_connection
    driver.execute("BEGIN")
