"""What was used, by owner, provider, model and day: the sums of the receipts.

Rows are read some hundreds at a time, and other greenlets run in between, so that a report over a
long time holds nobody up.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import gevent
from sqlalchemy import Engine, Row, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from chatapp.errors import InvalidField
from chatapp.events import COST_DIGITS
from chatapp.storage import UsageKey, UsageQuery, UsageSum
from chatapp.storage.receipts import SUMS
from chatapp.storage.tables import UsageRow
from chatapp.storage.transactions import Transactions

USAGE_KEYS: Sequence[UsageKey] = ("day", "provider", "model")
USAGE_DAYS = 31  # if the request names none
MAX_DAYS = 366
ROWS = 300  # read in one go, in about a millisecond
YIELD_S = 0.0001  # a pause of 0 lets no socket in

KEY: Sequence[InstrumentedAttribute[str]] = (
    UsageRow.day,
    UsageRow.owner,
    UsageRow.provider,
    UsageRow.model,
    UsageRow.currency,
)


def usage_query(
    group_by: Sequence[UsageKey] = USAGE_KEYS,
    since: date | None = None,
    until: date | None = None,
    owner: str | None = None,
) -> UsageQuery:
    """The days are in UTC; without them they are the last ones. Raises InvalidField."""
    until = until or datetime.now(UTC).date()
    since = since or until - timedelta(days=min(USAGE_DAYS, until.toordinal()) - 1)
    if not since <= until or (until - since).days > MAX_DAYS:
        raise InvalidField(f"from: expected a day up to {MAX_DAYS} days before `to`, {until}; got {since}")
    return UsageQuery(tuple(dict.fromkeys(group_by)), since.isoformat(), until.isoformat(), owner)


class UsageReport:
    """Raises DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "the usage is")

    def sums(self, query: UsageQuery) -> list[UsageSum]:
        """A sum for each group, in the order of the groups' names."""
        groups: dict[tuple[str, ...], list[int]] = {}
        for row in self._rows(query):
            group = (*(getattr(row, name) for name in query.group_by), row.currency)
            sums = groups.setdefault(group, [0] * len(SUMS))
            for place, name in enumerate(SUMS):
                sums[place] += getattr(row, name)
        return [_sum(query, group, sums) for group, sums in sorted(_with_currency(groups).items())]

    def _rows(self, query: UsageQuery) -> Iterator[Row[tuple[object, ...]]]:
        columns = *KEY, *(getattr(UsageRow, name) for name in SUMS)
        asked = select(*columns).where(UsageRow.day >= query.since, UsageRow.day <= query.until)
        if query.owner is not None:
            asked = asked.where(UsageRow.owner == query.owner)
        after: tuple[object, ...] | None = None
        while True:
            page = asked if after is None else asked.where(tuple_(*KEY) > after)
            with self._transaction() as session:
                rows = session.execute(page.order_by(*KEY).limit(ROWS)).all()
            yield from rows
            if len(rows) < ROWS:
                return
            after = tuple(rows[-1][: len(KEY)])
            gevent.sleep(YIELD_S)


def _with_currency(groups: dict[tuple[str, ...], list[int]]) -> dict[tuple[str, ...], list[int]]:
    """Runs without a price stand in the row of the others of their group."""
    priced = {group[:-1]: group for group in groups if group[-1]}
    merged: dict[tuple[str, ...], list[int]] = {}
    for group, sums in groups.items():
        into = priced.get(group[:-1], group) if not group[-1] else group
        before = merged.get(into, [0] * len(SUMS))
        merged[into] = [one + other for one, other in zip(before, sums, strict=True)]
    return merged


def _sum(query: UsageQuery, group: tuple[str, ...], sums: list[int]) -> UsageSum:
    named: dict[str, str] = dict(zip(query.group_by, group, strict=False))
    runs, prompt, completion, cached, reasoning, cost = sums  # in the order of SUMS
    currency = group[-1]
    return UsageSum(
        owner=named.get("owner"),
        provider=named.get("provider"),
        model=named.get("model"),
        day=named.get("day"),
        runs=runs,
        prompt=prompt,
        completion=completion,
        cached=cached,
        reasoning=reasoning,
        cost=cost / 10**COST_DIGITS if currency else None,
        currency=currency or None,
    )
