"""What ended runs used, as far as the one who asks may see it."""

from collections.abc import Sequence
from datetime import date

from chatapp.access import Caller
from chatapp.errors import NotFound
from chatapp.storage import UsageKey, UsageSum
from chatapp.storage.usage import USAGE_KEYS, UsageReport, usage_query


class VisibleUsage:
    """An admin sees all owners, anybody else himself."""

    def __init__(self, report: UsageReport) -> None:
        self._report = report

    def sums(
        self,
        caller: Caller,
        group_by: Sequence[UsageKey] = USAGE_KEYS,
        since: date | None = None,
        until: date | None = None,
        owner: str | None = None,
    ) -> list[UsageSum]:
        """A sum for each group, in the order of the groups' names; only of `owner`, if one is
        named. The days are in UTC, and both are included; without them it is the last 31 days.
        Raises InvalidField, NotFound, DatabaseUnavailable."""
        if not caller.is_admin and (owner := owner or caller.owner) != caller.owner:
            raise NotFound("owner: no such owner")
        return self._report.sums(usage_query(group_by, since, until, owner))
