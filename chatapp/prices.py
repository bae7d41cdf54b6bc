"""The price table: what a provider's tokens cost. Pure."""

import datetime
import time
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from chatapp.events import COST_DIGITS, Usage

PerMillion = Annotated[float, Meta(ge=0, le=1e6)]
A_MILLION = 1_000_000


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[prices.PROVIDER.MODEL]` table: for a million tokens, from `date` (UTC) on.

    `cached` and `cache_written` are parts of the prompt, `reasoning` of the completion: None, and
    they cost what the whole does.
    """

    date: datetime.date = datetime.date.min
    prompt: PerMillion
    completion: PerMillion
    cached: PerMillion | None = None
    cache_written: PerMillion | None = None
    reasoning: PerMillion | None = None

    def cost(self, usage: Usage) -> float:
        parts = (
            (usage.prompt - usage.cached - usage.cache_written, self.prompt),
            (usage.cached, _else(self.cached, self.prompt)),
            (usage.cache_written, _else(self.cache_written, self.prompt)),
            (usage.completion - usage.reasoning, self.completion),
            (usage.reasoning, _else(self.reasoning, self.completion)),
        )
        return round(sum(max(tokens, 0) * price for tokens, price in parts) / A_MILLION, COST_DIGITS)


Prices: TypeAlias = dict[str, Price | tuple[Price, ...]]
"""Of one provider, by the names of models, or patterns of them; several with a date each."""


class PriceTable:
    """The prices by provider. An exact name goes before a pattern, and an earlier pattern before a
    later one."""

    def __init__(self, prices: Mapping[str, Prices] | None = None, currency: str = "") -> None:
        self._prices = prices or {}
        self.currency = currency

    def priced(self, provider: str, model: str, usage: Usage, at: float | None = None) -> Usage:
        """The usage of one request with its cost, if there is a price for it. `at` is in seconds
        since the epoch; None: now."""
        price = self.price(provider, model, at)
        if price is None:
            return usage
        return msgspec.structs.replace(usage, cost=price.cost(usage), currency=self.currency)

    def price(self, provider: str, model: str, at: float | None = None) -> Price | None:
        """The price that holds then; None if there is none."""
        day = datetime.datetime.fromtimestamp(time.time() if at is None else at, datetime.UTC).date()
        valid = [price for price in self._of(provider, model) if price.date <= day]
        return max(valid, key=lambda price: price.date, default=None)

    def _of(self, provider: str, model: str) -> Sequence[Price]:
        named = self._prices.get(provider, {})
        found = named.get(model) or next((named[name] for name in named if fnmatchcase(model, name)), ())
        return (found,) if isinstance(found, Price) else found


def _else(price: float | None, other: float) -> float:
    return other if price is None else price
