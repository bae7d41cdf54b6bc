"""A transaction on the database, whose failures leave this room as DatabaseUnavailable."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from chatapp.errors import DatabaseUnavailable

logger = logging.getLogger(__name__)


class Transactions:
    """Called, it is a context with a session, which commits at its end. `what` is not available if
    the database fails. An IntegrityError is the caller's."""

    def __init__(self, engine: Engine, what: str) -> None:
        self._session = sessionmaker(engine, expire_on_commit=False)
        self._what = what

    @contextmanager
    def __call__(self) -> Iterator[Session]:
        try:
            with self._session.begin() as session:
                yield session
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            logger.error("the database failed: %s", error)
            raise DatabaseUnavailable(f"{self._what} not available; try again in a moment") from None
