"""Lets go of what nobody can list: answers to requests that named no conversation and files that
belong to no message, once they are old, conversations that were deleted, once nobody can bring them
back, and the windows of rate limits that are over.

The answers are kept at all so that their clients can follow, fetch and resume them for a while.
They go in pieces: a million of them, as of a day, must hold up neither the hub nor other writers.
"""

import logging
import time
from typing import Any

import gevent
from gevent.event import Event
from sqlalchemy import Engine, delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute

from chatapp.errors import DatabaseUnavailable
from chatapp.storage.deleting import Deletion
from chatapp.storage.tables import MessageRow, RateWindowRow
from chatapp.storage.upload_tables import UploadRow, is_kept, is_unsent

DAY_S = 24 * 3600.0
EVERY_S = 600.0  # against a retention of days, and of minutes for what was deleted
PIECE = 20  # rows in one go: long answers take a ms for each 100 KB
PAUSE_S = 0.005  # between two of them, in which others write
CLOSE_S = 3.0  # longer than any piece takes

logger = logging.getLogger(__name__)


class Retention:
    """Deletes every ten minutes, from `start` to `close`. `retention_s` says how old an answer may
    grow, `unsent_s` a file that belongs to no message, `undo_s` how long a deleted conversation can
    be brought back at least."""

    def __init__(self, engine: Engine, retention_s: float, unsent_s: float = DAY_S, undo_s: float = 0) -> None:
        self._engine = engine
        self._deletion = Deletion(engine)
        self._retention_s = retention_s
        self._unsent_s = unsent_s
        self._undo_s = undo_s
        self._closing = Event()
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._expire_for_ever)

    def expire(self) -> int:
        """Delete what is due; return how many answers. Running ones stay."""
        now = time.time()
        self._deletion.end(now - self._undo_s, self._closing.wait)
        self._delete(RateWindowRow.key, RateWindowRow.expires, RateWindowRow.expires < now)
        is_forgotten = UploadRow.created < now - self._unsent_s, is_unsent(), ~is_kept(now)
        self._delete(UploadRow.id, UploadRow.created, *is_forgotten, piece=1)  # each may be large
        is_old = MessageRow.created < now - self._retention_s
        is_loose = MessageRow.conversation_id.is_(None), MessageRow.status == "done"
        return self._delete(MessageRow.id, MessageRow.created, *is_loose, is_old)

    def close(self) -> None:
        """Waits for the piece that is being deleted, but not for a database that stands still:
        nothing may be thrown into its call."""
        self._closing.set()
        if self._greenlet is not None:
            self._greenlet.join(timeout=CLOSE_S)

    def _delete(
        self, key: InstrumentedAttribute[Any], by: InstrumentedAttribute[Any], *due: Any, piece: int = PIECE
    ) -> int:
        """The rows that are due, the first ones `by` this column first. Return how many. Those that
        somebody changes at this moment stay."""
        first = select(key).where(*due).order_by(by).limit(piece).with_for_update(skip_locked=True)
        deleted = 0
        while True:
            with self._engine.begin() as connection:
                keys = connection.scalars(first).all()
                # Postgres sees only in the next statement what was changed before they were locked.
                if keys:
                    deleted += connection.execute(delete(key.class_).where(key.in_(keys), *due)).rowcount
            if len(keys) < piece or self._closing.wait(PAUSE_S):
                return deleted

    def _expire_for_ever(self) -> None:
        while not self._closing.is_set():
            try:
                self.expire()
            except (SQLAlchemyError, DatabaseUnavailable) as error:  # the next round tries again
                logger.warning("old answers cannot be deleted: %s", error)
            self._closing.wait(EVERY_S)
