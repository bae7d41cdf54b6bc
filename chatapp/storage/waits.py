"""Which runs wait for their owners, in SQL: told by the process that has the run, read by the one
that lists the owner's conversations. The log has it too, but a list does not read logs. A run
without a conversation is in no list.
"""

from contextlib import suppress

from sqlalchemy import Engine, delete, insert, literal, select
from sqlalchemy.exc import IntegrityError

from chatapp.storage.tables import MessageRow, WaitRow
from chatapp.storage.transactions import Transactions


class StoredWaits:
    """`chatapp.generation.waiting.Waits` over the database of the conversations."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "the conversations are")

    def tell(self, run_id: str, until: float | None) -> None:
        listed = MessageRow.id == run_id, MessageRow.conversation_id.is_not(None)  # and not deleted meanwhile
        row = select(MessageRow.id, literal(until)).where(*listed)
        with suppress(IntegrityError), self._transaction() as session:
            session.execute(delete(WaitRow).where(WaitRow.run_id == run_id))
            if until is not None:
                session.execute(insert(WaitRow).from_select(["run_id", "until"], row))
