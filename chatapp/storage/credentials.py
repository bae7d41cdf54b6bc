"""Which of the credentials that opened a stream are still good: asked once for all of them."""

import time
from collections.abc import Collection

from sqlalchemy import Engine, or_, select

from chatapp.hub import let_others_run
from chatapp.storage.access_tables import KeyRow, SessionRow, ShareRow
from chatapp.storage.transactions import Transactions

AT_ONCE = 200  # ids in one query: it takes some milliseconds


class StoredCredentials:
    """Keys, sessions and links by their ids. Raises DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "the credentials are")

    def ended(self, ids: Collection[str]) -> set[str]:
        """Those that were revoked, have expired, or are gone."""
        found: set[str] = set()
        listed = list(ids)
        for start in range(0, len(listed), AT_ONCE):
            if start:
                let_others_run()
            found |= self._live(listed[start : start + AT_ONCE])
        return set(ids) - found

    def _live(self, ids: list[str]) -> set[str]:
        now = time.time()
        lasts = or_(KeyRow.expires.is_(None), KeyRow.expires > now)
        keys = select(KeyRow.id).where(KeyRow.id.in_(ids), KeyRow.revoked.is_(None), lasts)
        sessions = select(SessionRow.id).where(SessionRow.id.in_(ids), SessionRow.expires > now)
        shares = select(ShareRow.id).where(ShareRow.id.in_(ids))
        with self._transaction.reading() as session:
            return {*session.scalars(keys), *session.scalars(sessions), *session.scalars(shares)}
