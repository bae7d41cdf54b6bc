"""A transaction on the database, whose failures leave this room as DatabaseUnavailable.

One that only reads says so: SQLite then lets it go on beside any writer, of this process or of
another.
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from chatapp.errors import DatabaseUnavailable
from chatapp.storage import large_writes

READS = "reads"  # an execution option of connections

logger = logging.getLogger(__name__)


class Transactions:
    """Called, it is a context with a session, which commits at its end. `what` is not available if
    the database fails. An IntegrityError is the caller's. A session of `reading` waits for no
    writer, and must not write."""

    def __init__(self, engine: Engine, what: str) -> None:
        self._session = sessionmaker(engine, expire_on_commit=False)
        self._reading = sessionmaker(engine.execution_options(**{READS: True}), expire_on_commit=False)
        self._what = what

    def __call__(self) -> AbstractContextManager[Session]:
        return self._begin(self._session)

    def reading(self) -> AbstractContextManager[Session]:
        return self._begin(self._reading)

    @contextmanager
    def _begin(self, sessions: sessionmaker[Session]) -> Iterator[Session]:
        try:
            with sessions() as session:
                yield session
                large_writes.commit(session)
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            logger.error("the database failed: %s", error)
            raise DatabaseUnavailable(f"{self._what} not available; try again in a moment") from None
