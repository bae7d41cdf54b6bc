"""Decisions about calls that need approval, in SQL: made in one process, found by the one in which
the run waits.

A row is the smallest thing that gets there whatever the log is, and outlives a restart of the
worker that wrote it.
"""

from typing import cast

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from chatapp.storage.tables import ApprovalRow
from chatapp.storage.transactions import Transactions
from chatapp.tools import Decision


class StoredApprovals:
    """`chatapp.tools.Approvals` over the database of the conversations. Raises
    DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "approvals are")

    def decision(self, run_id: str, call_id: str) -> Decision | None:
        with self._transaction.reading() as session:
            row = session.get(ApprovalRow, (run_id, call_id))
            return cast(Decision, row.decision) if row else None

    def decide(self, run_id: str, call_id: str, decision: Decision) -> Decision:
        try:
            with self._transaction() as session:
                session.add(ApprovalRow(run_id=run_id, call_id=call_id, decision=decision))
        except IntegrityError:  # decided before, or the message is gone, and nobody will ask
            return self.decision(run_id, call_id) or decision
        return decision
