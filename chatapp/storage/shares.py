"""Read-only links, in SQL: by the hashes of their tokens."""

import time

from sqlalchemy import ColumnElement, Engine, and_, delete, select
from sqlalchemy.exc import IntegrityError

from chatapp.errors import NotFound
from chatapp.ids import new_id
from chatapp.storage import Share
from chatapp.storage.access_tables import ShareRow
from chatapp.storage.transactions import Transactions


class StoredShares:
    """All methods commit before they return. All raise DatabaseUnavailable. A thing has one link at
    the most."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "the links are")

    def find(self, hash: str) -> Share | None:
        with self._transaction.reading() as session:
            row = session.scalar(select(ShareRow).where(ShareRow.hash == hash))
            return row.value() if row else None

    def of(self, owner: str, conversation_id: str | None, message_id: str | None) -> Share | None:
        with self._transaction.reading() as session:
            row = session.scalar(select(ShareRow).where(_of(owner, conversation_id, message_id)))
            return row.value() if row else None

    def create(
        self, hash: str, id: str, owner: str, conversation_id: str | None, message_id: str | None, instead_of: str = ""
    ) -> bool:
        """Instead of the one with this id. False if another one was made meanwhile. Raises NotFound
        if the thing was deleted meanwhile."""
        row = ShareRow(
            id=id,
            hash=hash,
            owner=owner,
            conversation_id=conversation_id,
            message_id=message_id,
            created=time.time(),
        )
        try:
            with self._transaction() as session:
                session.execute(delete(ShareRow).where(ShareRow.id == instead_of))
                session.add(row)
        except IntegrityError:
            if self.of(owner, conversation_id, message_id) is None:
                raise NotFound("it was deleted meanwhile") from None
            return False
        return True

    def delete(self, owner: str, conversation_id: str | None, message_id: str | None) -> bool:
        with self._transaction() as session:
            row = session.scalar(select(ShareRow).where(_of(owner, conversation_id, message_id)))
            if row is not None:
                session.delete(row)
            return row is not None


def new_share_id() -> str:
    return new_id("share")


def _of(owner: str, conversation_id: str | None, message_id: str | None) -> ColumnElement[bool]:
    column, wanted = (ShareRow.message_id, message_id) if message_id else (ShareRow.conversation_id, conversation_id)
    return and_(column == wanted, ShareRow.owner == owner)
