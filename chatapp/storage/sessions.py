"""The sessions of browsers that have signed in, in SQL: by their hashes alone."""

import time

from sqlalchemy import Engine, delete, select

from chatapp.ids import new_id
from chatapp.storage import BrowserSession, Role
from chatapp.storage.access_tables import SessionRow
from chatapp.storage.transactions import Transactions


class StoredSessions:
    """All methods commit before they return. All raise DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "the sessions are")

    def create(self, hash: str, owner: str, role: Role, expires: float, key_id: str | None) -> None:
        """Those that have expired go at the same time: nobody would miss them."""
        now = time.time()
        row = SessionRow(
            id=new_id("session"), hash=hash, owner=owner, role=role, key_id=key_id, created=now, expires=expires
        )
        with self._transaction() as session:
            session.execute(delete(SessionRow).where(SessionRow.expires < now))
            session.add(row)

    def find(self, hash: str) -> BrowserSession | None:
        """One that lasts."""
        query = select(SessionRow).where(SessionRow.hash == hash, SessionRow.expires > time.time())
        with self._transaction.reading() as session:
            row = session.scalar(query)
            return row.value() if row else None

    def delete(self, hash: str) -> None:
        with self._transaction() as session:
            session.execute(delete(SessionRow).where(SessionRow.hash == hash))
