"""Lets go of what nobody can list: answers to requests that named no conversation and files that
belong to no message, once they are old, and the windows of rate limits that are over.

The answers are kept at all so that whoever asked can follow, fetch and resume them for a while.
"""

import logging
import time

import gevent
from sqlalchemy import Engine, delete
from sqlalchemy.exc import SQLAlchemyError

from chatapp.storage.tables import MessageRow, RateWindowRow
from chatapp.storage.uploads import unsent_uploads

DAY_S = 24 * 3600.0
EVERY_S = 3600.0  # against a retention of days

logger = logging.getLogger(__name__)


class Retention:
    """Deletes once an hour, from `start` to `close`. `retention_s` says how old an answer may grow,
    `unsent_s` a file that belongs to no message."""

    def __init__(self, engine: Engine, retention_s: float, unsent_s: float = DAY_S) -> None:
        self._engine = engine
        self._retention_s = retention_s
        self._unsent_s = unsent_s
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
        now = time.time()
        with self._engine.begin() as connection:
            connection.execute(delete(RateWindowRow).where(RateWindowRow.expires < now))
            connection.execute(unsent_uploads(now - self._unsent_s))
            return connection.execute(due).rowcount

    def close(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()

    def _expire_for_ever(self) -> None:
        while True:
            try:
                self.expire()
            except SQLAlchemyError as error:  # the next round tries again
                logger.warning("old answers cannot be deleted: %s", error)
            gevent.sleep(EVERY_S)
