"""Lets go of what nobody can list: answers to requests that named no conversation, once they are
old, conversations that were deleted, once nobody can bring them back, and the windows of rate
limits that are over.

The answers are kept at all so that whoever asked can follow, fetch and resume them for a while.
"""

import logging
import time

import gevent
from sqlalchemy import Engine, delete
from sqlalchemy.exc import SQLAlchemyError

from chatapp.errors import DatabaseUnavailable
from chatapp.storage.deleting import Deletion
from chatapp.storage.tables import MessageRow, RateWindowRow

EVERY_S = 600.0  # against a retention of days, and of minutes for what was deleted

logger = logging.getLogger(__name__)


class Retention:
    """Deletes every ten minutes, from `start` to `close`. `retention_s` says how old an answer may
    grow, `undo_s` how long a deleted conversation can be brought back at least."""

    def __init__(self, engine: Engine, retention_s: float, undo_s: float = 0) -> None:
        self._engine = engine
        self._deletion = Deletion(engine)
        self._retention_s = retention_s
        self._undo_s = undo_s
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._expire_for_ever)

    def expire(self) -> int:
        """Delete what is due; return how many answers. Running ones stay."""
        due = delete(MessageRow).where(
            MessageRow.conversation_id.is_(None),
            MessageRow.status == "done",
            MessageRow.created < time.time() - self._retention_s,
        )
        self._deletion.end(time.time() - self._undo_s)
        with self._engine.begin() as connection:
            connection.execute(delete(RateWindowRow).where(RateWindowRow.expires < time.time()))
            return connection.execute(due).rowcount

    def close(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()

    def _expire_for_ever(self) -> None:
        while True:
            try:
                self.expire()
            except (SQLAlchemyError, DatabaseUnavailable) as error:  # the next round tries again
                logger.warning("old answers cannot be deleted: %s", error)
            gevent.sleep(EVERY_S)
