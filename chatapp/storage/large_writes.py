"""Large values on their way into SQLite, whose calls let no greenlet go on while they run: 8 MB
take tens of milliseconds, most of them in the commit.

So these calls are made on a thread. The connection is the thread's until they return, whatever is
thrown into the greenlet that waits. Postgres has its own way to wait.
"""

from collections.abc import Callable
from functools import cache
from typing import TypeVar

from gevent.threadpool import ThreadPool
from sqlalchemy import Connection
from sqlalchemy.exc import PendingRollbackError

from chatapp.hub import on_thread

T = TypeVar("T")

LARGE_BYTES = 256 * 1024  # below that, a write takes about a millisecond
LARGE = "has_large_values"  # an execution option of a connection, while it is used for a transaction


def write(connection: Connection, size: int, statement: Callable[[], T]) -> T:
    """What `statement` gives, which writes so many bytes or characters by this connection."""
    if size < LARGE_BYTES or connection.dialect.name != "sqlite":
        return statement()
    connection.execution_options(**{LARGE: True})
    return on_thread(_threads(), statement)


def commit(connection: Connection) -> None:
    """The end of its transaction. Raises PendingRollbackError if a flush has failed in it, and its
    caller has caught that: the session has taken back all that was written before."""
    transaction = connection.get_transaction()
    if transaction is None:
        raise PendingRollbackError("a flush failed, and all before it was taken back; its error was caught inside")
    if connection.get_execution_options().get(LARGE):
        on_thread(_threads(), transaction.commit)
    else:
        transaction.commit()


@cache
def _threads() -> ThreadPool:
    """Made after the fork. One will do: a writer waits for the file's lock anyway."""
    return ThreadPool(1)
