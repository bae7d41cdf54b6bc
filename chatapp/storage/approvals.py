"""Decisions about calls that need approval, in SQL: made in one process, found by the one in which
the run waits.

A row is the smallest thing that gets there whatever the log is, and outlives a restart of the
worker that wrote it.
"""

import logging
from typing import cast

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import sessionmaker

from chatapp.errors import DatabaseUnavailable
from chatapp.storage.tables import ApprovalRow
from chatapp.tools import Decision

logger = logging.getLogger(__name__)


class StoredApprovals:
    """`chatapp.tools.Approvals` over the database of the conversations."""

    def __init__(self, engine: Engine) -> None:
        self._session = sessionmaker(engine)

    def decision(self, run_id: str, call_id: str) -> Decision | None:
        try:
            with self._session() as session:
                row = session.get(ApprovalRow, (run_id, call_id))
                return cast(Decision, row.decision) if row else None
        except SQLAlchemyError as error:
            raise _unavailable(error) from None

    def decide(self, run_id: str, call_id: str, decision: Decision) -> Decision:
        try:
            with self._session.begin() as session:
                session.add(ApprovalRow(run_id=run_id, call_id=call_id, decision=decision))
        except IntegrityError:  # decided before, or the message is gone, and with it whoever would ask
            return self.decision(run_id, call_id) or decision
        except SQLAlchemyError as error:
            raise _unavailable(error) from None
        return decision


def _unavailable(error: SQLAlchemyError) -> DatabaseUnavailable:
    logger.error("the database failed: %s", error)
    return DatabaseUnavailable("approvals are not available; try again in a moment")
