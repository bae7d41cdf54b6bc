"""Keys, in SQL: by their hashes alone."""

import time

from sqlalchemy import Engine, delete, or_, select

from chatapp.ids import new_id
from chatapp.storage import Key, Role
from chatapp.storage.access_tables import KeyRow, SessionRow
from chatapp.storage.transactions import Transactions


class StoredKeys:
    """All methods commit before they return. All raise DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "the keys are")

    def create(self, name: str, role: Role, hash: str, expires: float | None) -> Key:
        row = KeyRow(
            id=new_id("key"), name=name, role=role, hash=hash, created=time.time(), expires=expires, revoked=None
        )
        with self._transaction() as session:
            session.add(row)
            return row.value()

    def find(self, hash: str) -> Key | None:
        """Whether it is live or not."""
        with self._transaction.reading() as session:
            row = session.scalar(select(KeyRow).where(KeyRow.hash == hash))
            return row.value() if row else None

    def all(self) -> list[Key]:
        """The oldest first."""
        with self._transaction.reading() as session:
            return [row.value() for row in session.scalars(select(KeyRow).order_by(KeyRow.created, KeyRow.id))]

    def revoke(self, name_or_id: str) -> tuple[int, int]:
        """End the live keys of this name, or the one with this id, and their sessions; with a name
        all that it has, also by a company's login. Return how many keys and sessions."""
        now = time.time()
        chosen = or_(KeyRow.name == name_or_id, KeyRow.id == name_or_id)
        with self._transaction() as session:
            rows = [row for row in session.scalars(select(KeyRow).where(chosen)) if row.value().is_live(now)]
            for row in rows:
                row.revoked = now
            of_keys = SessionRow.key_id.in_([row.id for row in rows])
            ended = delete(SessionRow).where(or_(of_keys, SessionRow.owner == name_or_id)).returning(SessionRow.id)
            return len(rows), len(session.scalars(ended).all())
