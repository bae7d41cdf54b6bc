"""The windows of rate limits, which all processes on the database share: a row for each.

A window begins with its first hit. One indexed statement counts a hit; rows whose window is over go
with `expire`.
"""

import time

from sqlalchemy import Engine, case, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from chatapp.storage.tables import RateWindowRow
from chatapp.storage.transactions import Transactions

LATE_S = 60.0  # more than a hit waits for its turn, or than the clocks of several machines differ


class RateWindows:
    """Raises DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
        self._insert = dialect.insert(RateWindowRow)
        self._transaction = Transactions(engine, "the rate limits are")

    def add(self, key: str, window_s: float, hits: int) -> int:
        """Count the hits in the window that goes on, or in a new one; return its count."""
        now = time.time()
        first = self._insert.values(key=key, hits=hits, expires=now + window_s)
        # A clock that was set back would shut its owner out until it is where it was. That of a
        # hit which waited for this transaction was not: a later one began the window meanwhile.
        is_over = (RateWindowRow.expires <= now) | (RateWindowRow.expires > now + window_s + LATE_S)
        counted = first.on_conflict_do_update(
            index_elements=["key"],
            set_={
                "hits": case((is_over, first.excluded.hits), else_=RateWindowRow.hits + first.excluded.hits),
                "expires": case((is_over, first.excluded.expires), else_=RateWindowRow.expires),
            },
        ).returning(RateWindowRow.hits)
        with self._transaction() as session:
            return int(session.execute(counted).scalar_one())

    def window(self, key: str) -> tuple[int, float]:
        """The hits of the window that goes on, and when it ends (epoch seconds); 0 and now without
        one."""
        now = time.time()
        asked = select(RateWindowRow.hits, RateWindowRow.expires).where(
            RateWindowRow.key == key, RateWindowRow.expires > now
        )
        with self._transaction.reading() as session:
            row = session.execute(asked).one_or_none()
        return (row.hits, row.expires) if row else (0, now)

    def remove(self, key: str | None = None) -> int:
        """One window, or all of them; how many there were."""
        chosen = delete(RateWindowRow) if key is None else delete(RateWindowRow).where(RateWindowRow.key == key)
        with self._transaction() as session:
            return session.execute(chosen).rowcount  # type: ignore[attr-defined,no-any-return]
