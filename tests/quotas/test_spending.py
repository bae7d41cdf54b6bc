"""How much an owner may use."""

import re

import pytest

from chatapp.errors import BudgetExceeded, LimitExceeded, TokenLimitExceeded
from chatapp.quotas.spending import SpendingLimits
from chatapp.settings import Settings
from chatapp.storage import Spent

NOON = 12 * 3600.0


class Used:
    def __init__(self, spent: Spent) -> None:
        self.spent_by = spent
        self.asked = 0

    def spent(self, owner: str, now: float) -> Spent:
        self.asked += 1
        return self.spent_by


@pytest.mark.parametrize(
    ("limits", "spent", "error", "retry_after"),
    [
        ((100, 0, 0.0), Spent(99, NOON - 5, 99, 0.0), None, None),
        ((100, 0, 0.0), Spent(100, NOON - 5, 100, 0.0), TokenLimitExceeded, 55.0),
        ((0, 100, 0.0), Spent(0, None, 100, 0.0), TokenLimitExceeded, NOON),
        ((100, 100, 0.0), Spent(100, NOON - 5, 100, 0.0), TokenLimitExceeded, NOON),
        ((0, 0, 1.0), Spent(0, None, 10**9, 0.999999999), None, None),
        ((0, 0, 1.0), Spent(0, None, 0, 1.0), BudgetExceeded, NOON),
    ],
)
def test_who_has_used_it_up_waits(
    limits: tuple[int, int, float], spent: Spent, error: type[LimitExceeded] | None, retry_after: float | None
) -> None:
    spending = SpendingLimits(Used(spent), *limits, "USD", clock=lambda: NOON)
    if error is None:
        spending.check("ann")
        return
    with pytest.raises(error) as refused:
        spending.check("ann")
    assert refused.value.retry_after == retry_after and type(refused.value) is error
    (setting,) = re.findall(r"\(setting (\w+)\)", refused.value.message)
    assert setting in Settings.__struct_fields__


def test_without_a_limit_nothing_is_read() -> None:
    used = Used(Spent(1, 1.0, 1, 1.0))
    spending = SpendingLimits(used)
    spending.check("ann")
    assert spending.states("ann") == [] and used.asked == 0
