"""Receipts: one for each run, opened with its answer and settled with it, in the same transactions.

So a receipt is written once, whatever crashes when; and the open ones tell how many runs an owner
has, over all processes. The functions take an open session.
"""

import time
from datetime import UTC, datetime
from functools import cache
from typing import cast

from sqlalchemy import Insert, Select, Table, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from chatapp.errors import LimitExceeded
from chatapp.events import COST_DIGITS, RunEnd
from chatapp.storage import Spent
from chatapp.storage.beginning import connection_of
from chatapp.storage.tables import ReceiptRow, UsageRow
from chatapp.storage.transactions import Transactions, lock_owner
from chatapp.transcript import Transcript

MINUTE_S = 60.0
COUNTS = ("prompt", "completion", "cached", "reasoning")
SUMS = ("runs", *COUNTS, "cost")

_COUNT_RUNNING = (
    select(func.count())
    .select_from(ReceiptRow)
    .where(ReceiptRow.owner == bindparam("owner"), ReceiptRow.ended.is_(None))
)

_RECEIPTS, _USAGE = cast(Table, ReceiptRow.__table__), cast(Table, UsageRow.__table__)
_SETTLE = (
    update(_RECEIPTS)
    .where(_RECEIPTS.c.run_id == bindparam("run"), _RECEIPTS.c.ended.is_(None))
    .returning(_RECEIPTS.c.owner, _RECEIPTS.c.provider, _RECEIPTS.c.model)
)


class Receipts:
    """What owners have used, by the receipts. Raises DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "the receipts are")

    def spent(self, owner: str, now: float) -> Spent:
        """What the owner's runs used that ended in the last minute, and since midnight (UTC)."""
        tokens = func.coalesce(func.sum(ReceiptRow.prompt + ReceiptRow.completion), 0)
        minute = select(tokens, func.min(ReceiptRow.ended)).where(
            ReceiptRow.owner == owner, ReceiptRow.ended > now - MINUTE_S
        )
        day = select(
            func.coalesce(func.sum(UsageRow.prompt + UsageRow.completion), 0),
            func.coalesce(func.sum(UsageRow.cost), 0),
        ).where(UsageRow.owner == owner, UsageRow.day == day_of(now))
        with self._transaction.reading() as session:
            in_minute, oldest = session.execute(minute).one()
            in_day, cost = session.execute(day).one()
        return Spent(int(in_minute), oldest, int(in_day), int(cost) / 10**COST_DIGITS)


def settle(session: Session, run_id: str, transcript: Transcript) -> None:
    """Write what the run used. A receipt that is settled stays as it is."""
    end, now = transcript.end, time.time()
    if end is None:
        return
    answered = {name: value for name, value in (("provider", end.provider), ("model", end.model)) if value}
    values = {"run": run_id, "ended": now, **answered, **_used(end)}
    row = connection_of(session).execute(_SETTLE, values).one_or_none()
    if row is not None:
        _add_to_day(session, end, day=day_of(now), owner=row.owner, provider=row.provider, model=row.model)


def check_running(session: Session, owner: str, allowed: int) -> None:
    """Raise LimitExceeded if the owner has so many runs already, in whichever process. 0: any
    number."""
    if not allowed:
        return
    lock_owner(session, owner, "runs")
    if count_running(session, owner) >= allowed:
        raise LimitExceeded(
            f"you have {allowed} running answers, as many as one owner may have (setting max_runs_per_owner); "
            "stop one, or try again when one has ended"
        )


def count_running(session: Session, owner: str) -> int:
    """How many runs the owner has now, in all processes."""
    count: int = connection_of(session).execute(_COUNT_RUNNING, {"owner": owner}).scalar_one()
    return count


def left_open(before: float) -> Select[str]:
    """Ids of the runs that began before this time and have no settled receipt."""
    return select(ReceiptRow.run_id).where(ReceiptRow.ended.is_(None), ReceiptRow.begun < before)


def day_of(seconds: float) -> str:
    """The day in UTC, `2026-11-26`."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _used(end: RunEnd) -> dict[str, object]:
    usage = end.usage
    return {
        "reason": end.reason,
        **{name: getattr(usage, name) for name in (*COUNTS, "cache_written", "estimated")},
        "cost": None if usage.cost is None else round(usage.cost * 10**COST_DIGITS),
        "currency": usage.currency,
    }


def _add_to_day(session: Session, end: RunEnd, **of: str) -> None:
    used = _used(end)
    row = {**of, "currency": used["currency"] or "", "runs": 1, "cost": used["cost"] or 0}
    row |= {name: used[name] for name in COUNTS}
    connection = connection_of(session)
    connection.execute(_add(connection.dialect.name), row)


@cache
def _add(dialect: str) -> Insert:
    """Adds to the sums of a day, or begins them."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    first = insert(_USAGE)
    sums = {name: _USAGE.c[name] + first.excluded[name] for name in SUMS}
    return first.on_conflict_do_update(index_elements=list(_USAGE.primary_key), set_=sums)
