"""Large values on their way into SQLite, whose calls let no greenlet go on while they run: 8 MB
take tens of milliseconds, most of them in the commit.

So these calls are made on a thread. The session is the thread's until they return, whatever is
thrown into the greenlet that waits. Postgres has its own way to wait.
"""

from collections.abc import Callable
from functools import cache
from typing import TypeVar

from gevent.threadpool import ThreadPool
from sqlalchemy.orm import Session

from chatapp.hub import on_thread

T = TypeVar("T")

LARGE_BYTES = 256 * 1024  # below that, a write takes about a millisecond
LARGE = "has large values"  # of a session


def write(session: Session, size: int, statement: Callable[[], T]) -> T:
    """What `statement` gives, which writes so many bytes or characters in this session."""
    if size < LARGE_BYTES or session.get_bind().dialect.name != "sqlite":
        return statement()
    session.connection()  # waits for the file's lock here: on the thread it would keep its holder from the commit
    session.info[LARGE] = True
    return on_thread(_threads(), statement)


def commit(session: Session) -> None:
    if session.info.get(LARGE):
        on_thread(_threads(), session.commit)
    else:
        session.commit()


@cache
def _threads() -> ThreadPool:
    """Made after the fork. One will do: a writer waits for the file's lock anyway."""
    return ThreadPool(1)
