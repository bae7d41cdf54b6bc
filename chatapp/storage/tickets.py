"""Tickets, in SQL, so that any worker can take one that another gave: by their hashes alone."""

import time
from typing import cast

from sqlalchemy import Engine, delete

from chatapp.storage import Role, Ticket
from chatapp.storage.access_tables import TicketRow
from chatapp.storage.transactions import Transactions


class StoredTickets:
    """All methods commit before they return. All raise DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "the tickets are")

    def create(self, hash: str, owner: str, role: Role, credential: str, path: str, expires: float) -> None:
        """Those that have expired go at the same time."""
        row = TicketRow(hash=hash, owner=owner, role=role, credential=credential, path=path, expires=expires)
        with self._transaction() as session:
            session.execute(delete(TicketRow).where(TicketRow.expires < time.time()))
            session.add(row)

    def take(self, hash: str, path: str) -> Ticket | None:
        """The ticket, which nobody else gets from now on."""
        taken = delete(TicketRow).where(TicketRow.hash == hash, TicketRow.path == path, TicketRow.expires > time.time())
        with self._transaction() as session:
            row = session.execute(taken.returning(TicketRow.owner, TicketRow.role, TicketRow.credential)).first()
        return Ticket(row.owner, cast(Role, row.role), row.credential) if row else None
