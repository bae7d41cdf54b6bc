"""How many tokens, and how much money, an owner may use.

Both are counted when a run ends, because nobody knows them before: an owner who is below a limit
may begin, and what runs then may exceed it.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence

from chatapp.errors import BudgetExceeded, TokenLimitExceeded
from chatapp.quotas import Ledger, LimitState, Used

MINUTE_S, DAY_S = 60, 86_400


class SpendingLimits:
    """A limit of 0 is none. `clock` returns seconds since the epoch."""

    def __init__(
        self,
        ledger: Ledger,
        tokens_per_minute: int = 0,
        tokens_per_day: int = 0,
        cost_per_day: float = 0.0,
        currency: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._per_minute = tokens_per_minute
        self._per_day = tokens_per_day
        self._cost_per_day = cost_per_day
        self._currency = currency
        self._clock = clock

    def check(self, owner: str) -> None:
        """Raise TokenLimitExceeded or BudgetExceeded if the owner has used what one may use."""
        if not (self._per_minute or self._per_day or self._cost_per_day):
            return
        now = self._clock()
        used = self._ledger.spent(owner, now)
        if self._cost_per_day and used.day_cost >= self._cost_per_day:
            raise BudgetExceeded(
                f"you have spent {used.day_cost:.2f} of {self._cost_per_day:.2f} {self._currency} today (setting "
                "max_cost_per_day); "
                "the next day begins at midnight UTC",
                _until_midnight(now),
            )
        for state in self._states(used, now):
            if not state.remaining:
                window = "minute" if state.window_s == MINUTE_S else "day"
                raise TokenLimitExceeded(
                    f"you have used your {state.allowed} tokens in a {window} (setting max_tokens_per_{window}); "
                    f"try again in {math.ceil(state.reset_s)} s",
                    state.reset_s,
                )

    def states(self, owner: str) -> Sequence[LimitState]:
        if not (self._per_minute or self._per_day):
            return []
        now = self._clock()
        return list(self._states(self._ledger.spent(owner, now), now))

    def _states(self, used: Used, now: float) -> Iterator[LimitState]:
        if self._per_day:
            left = max(self._per_day - used.day_tokens, 0)
            yield LimitState("tokens", self._per_day, left, DAY_S, _until_midnight(now))
        if self._per_minute:
            left = max(self._per_minute - used.minute_tokens, 0)
            oldest = now if used.minute_from is None else used.minute_from
            yield LimitState("tokens", self._per_minute, left, MINUTE_S, max(oldest + MINUTE_S - now, 0.0))


def _until_midnight(now: float) -> float:
    return DAY_S - now % DAY_S
