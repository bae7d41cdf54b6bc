"""Which runs wait for their owners, in SQL: told by the process that has the run, read by the one
that lists the owner's conversations. The log has it too, but a list does not read logs.
"""

from contextlib import suppress

from sqlalchemy import Engine, delete
from sqlalchemy.exc import IntegrityError

from chatapp.storage.tables import WaitRow
from chatapp.storage.transactions import Transactions


class StoredWaits:
    """`chatapp.generation.waiting.Waits` over the database of the conversations."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "the conversations are")

    def tell(self, run_id: str, until: float | None) -> None:
        with suppress(IntegrityError), self._transaction() as session:  # it was deleted meanwhile
            session.execute(delete(WaitRow).where(WaitRow.run_id == run_id))
            if until is not None:
                session.add(WaitRow(run_id=run_id, until=until))
