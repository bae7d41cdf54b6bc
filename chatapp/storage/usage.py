"""What was used, by owner, provider, model and day: the sums of the receipts.

Rows are read some hundreds at a time, and other greenlets run in between, so that a report over a
long time holds nobody up.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import TypeAlias

from sqlalchemy import ColumnElement, Engine, Row, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from chatapp.errors import InvalidField
from chatapp.events import COST_DIGITS
from chatapp.hub import let_others_run
from chatapp.storage import UsageKey, UsageQuery, UsageSum
from chatapp.storage.receipts import SUMS
from chatapp.storage.tables import UsageRow
from chatapp.storage.transactions import Transactions

USAGE_KEYS: Sequence[UsageKey] = ("day", "owner", "provider", "model")
USAGE_DAYS = 31  # if the request names none
MAX_DAYS = 366
ROWS = 100  # read in one go, in about two milliseconds
MAX_GROUPS = 100_000  # a report is held in memory: some 30 MB
NOTHING = (0,) * len(SUMS)

Group: TypeAlias = tuple[str, ...]
"""The names that are grouped by, and the currency."""

Sums: TypeAlias = tuple[int, ...]
"""In the order of SUMS. The garbage collector need not visit tuples of numbers, or of strings."""

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
        """A sum for each group, in the order of the groups' names. Raises InvalidField if there are
        more than MAX_GROUPS."""
        groups: dict[Group, Sums] = {}
        for row in self._rows(query):
            group = (*(getattr(row, name) for name in query.group_by), row.currency)
            groups[group] = _added(groups.get(group, NOTHING), tuple(getattr(row, name) for name in SUMS))
            if len(groups) > MAX_GROUPS:
                raise InvalidField(f"group_by: more than {MAX_GROUPS} rows; ask for fewer days, or group by less")
        in_currencies = groupby(in_order(list(groups)), lambda group: group[:-1])
        return [each for _, same in in_currencies for each in _sums(query, list(same), groups)]

    def _rows(self, query: UsageQuery) -> Iterator[Row[tuple[object, ...]]]:
        columns = *KEY, *(getattr(UsageRow, name) for name in SUMS)
        asked = select(*columns).where(UsageRow.day <= query.until).order_by(*KEY).limit(ROWS)
        if query.owner is not None:
            asked = asked.where(UsageRow.owner == query.owner)
        position: ColumnElement[bool] = UsageRow.day >= query.since
        while True:
            with self._transaction.reading() as session:
                rows = session.execute(asked.where(position)).all()
            yield from rows
            if len(rows) < ROWS:
                return
            position = tuple_(*KEY) > tuple(rows[-1][: len(KEY)])  # alone, or SQLite would not seek by it
            let_others_run()


def in_order(groups: Sequence[Group]) -> Iterator[Group]:
    """The groups by their names, sorted piece by piece, so that many hold nobody up either."""
    pieces = []
    for start in range(0, len(groups), ROWS):
        pieces.append(sorted(groups[start : start + ROWS]))
        let_others_run()
    for number, group in enumerate(heapq.merge(*pieces), 1):
        yield group
        if number % ROWS == 0:
            let_others_run()


def _sums(query: UsageQuery, same: Sequence[Group], groups: Mapping[Group, Sums]) -> Iterator[UsageSum]:
    """Of one group, for each of its currencies: usually one. Runs without a price, which come
    first, stand with others of their group."""
    unpriced = groups[same[0]] if len(same) > 1 and not same[0][-1] else NOTHING
    for group in same[1:] if unpriced is not NOTHING else same:
        yield _sum(query, group, _added(groups[group], unpriced))
        unpriced = NOTHING


def _sum(query: UsageQuery, group: Group, sums: Sums) -> UsageSum:
    named: dict[str, str] = dict(zip(query.group_by, group, strict=False))
    runs, prompt, completion, cached, reasoning, cost = sums
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


def _added(one: Sums, other: Sums) -> Sums:
    return tuple(a + b for a, b in zip(one, other, strict=True))
