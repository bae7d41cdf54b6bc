"""A transaction of the small stores beside the conversations."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from chatapp.errors import DatabaseUnavailable

logger = logging.getLogger(__name__)


def transactions(engine: Engine, things: str) -> Callable[[], AbstractContextManager[Session]]:
    """Opens transactions that commit at their end. A failure of the database becomes
    DatabaseUnavailable, which says that `things` are not available."""
    sessions = sessionmaker(engine, expire_on_commit=False)

    @contextmanager
    def transaction() -> Iterator[Session]:
        try:
            with sessions.begin() as session:
                yield session
        except SQLAlchemyError as error:
            logger.error("the database failed: %s", error)
            raise DatabaseUnavailable(f"{things} are not available; try again in a moment") from None

    return transaction
