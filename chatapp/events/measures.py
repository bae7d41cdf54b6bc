"""What a run took and used, and how it failed, as its terminal event tells it."""

import msgspec

COST_DIGITS = 9
"""Costs are whole numbers of 10^-9 of the currency: one token of a cheap model is less than
10^-6."""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens, and what they cost by the price table; `cost` is None if that has no price for them.

    `prompt` includes `cached`, which were read from the provider's cache, and `cache_written`;
    `completion` includes `reasoning`. `estimated`: the provider gave no usage, and chatapp
    estimated it from lengths.
    """

    prompt: int = 0
    completion: int = 0
    total: int = 0
    reasoning: int = 0
    cached: int = 0
    estimated: bool = False
    cache_written: int = 0
    cost: float | None = None
    currency: str | None = None

    def __add__(self, other: "Usage") -> "Usage":
        """The usage of two requests of one run; estimated if either is. A request without a price
        adds nothing to the cost."""
        costs = [usage.cost for usage in (self, other) if usage.cost is not None]
        return Usage(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.total + other.total,
            self.reasoning + other.reasoning,
            self.cached + other.cached,
            self.estimated or other.estimated,
            self.cache_written + other.cache_written,
            round(sum(costs), COST_DIGITS) if costs else None,
            self.currency or other.currency,
        )


class Timing(msgspec.Struct, frozen=True, gc=False):
    """Milliseconds since the run's start. None: the run ended before that point.

    `upstream_closed_ms` is there only if the run was stopped: how long after its process heard of
    that the provider's connection was closed.
    """

    first_byte_ms: int | None = None
    first_token_ms: int | None = None
    total_ms: int = 0
    upstream_closed_ms: int | msgspec.UnsetType = msgspec.UNSET


class ErrorInfo(msgspec.Struct, frozen=True, gc=False):
    """The part of a failure that is safe to show to a client. `retry_after` is in seconds, if the
    provider said when to come back."""

    code: str
    message: str
    retryable: bool
    trace_id: str
    retry_after: float | msgspec.UnsetType = msgspec.UNSET
