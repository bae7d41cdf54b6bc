"""How many requests an owner may make, in the words and with the windows of the library `limits`.

Over Redis the library counts itself. Without it the windows are rows of the database, so that all
workers of a machine share them.
"""

import math
import time
from collections.abc import Sequence

from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from chatapp.errors import ConfigError, LimitExceeded, LogUnavailable
from chatapp.quotas import LimitState, Windows

REDIS = ("redis://", "rediss://")
REDIS_S = 2.0  # a counter that is away must not hold a request for long


class RequestLimits:
    """`rate` is as the library writes it, `5/minute; 100/day`; empty: none. Raises ConfigError."""

    def __init__(self, rate: str, storage: Storage) -> None:
        self._items = rates_of(rate)
        self._limiter = FixedWindowRateLimiter(storage)

    def hit(self, owner: str) -> None:
        """Count a request. Raises LimitExceeded, LogUnavailable."""
        for item in self._items:
            if not self._hit(item, owner):
                state = self._state(item, owner)
                raise LimitExceeded(
                    f"you have made {item.amount} requests in {_window(item)}, as many as one owner may make "
                    f"(setting request_rate); try again in {math.ceil(state.reset_s)} s",
                    state.reset_s,
                )

    def states(self, owner: str) -> Sequence[LimitState]:
        """Where the owner stands in each; nothing while Redis is away."""
        try:
            return [self._state(item, owner) for item in self._items]
        except StorageError:
            return []

    def _hit(self, item: RateLimitItem, owner: str) -> bool:
        try:
            return self._limiter.hit(item, owner)
        except StorageError:  # Redis is away, and the log with it
            raise LogUnavailable("the rate limits are not available; try again in a moment") from None

    def _state(self, item: RateLimitItem, owner: str) -> LimitState:
        reset, remaining = self._limiter.get_window_stats(item, owner)
        window_s = item.get_expiry()
        left_s = min(max(reset - time.time(), 0.0), window_s) if remaining < item.amount else 0.0
        return LimitState("requests", item.amount, remaining, window_s, left_s)


class WindowStorage(Storage):
    """The library's storage over windows that we keep."""

    STORAGE_SCHEME = None

    def __init__(self, windows: Windows) -> None:
        super().__init__()
        self._windows = windows

    @property
    def base_exceptions(self) -> type[Exception]:
        return Exception

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self._windows.add(key, expiry, amount)

    def get(self, key: str) -> int:
        return self._windows.window(key)[0]

    def get_expiry(self, key: str) -> float:
        return self._windows.window(key)[1]

    def check(self) -> bool:
        return True  # the database says itself whether it answers

    def reset(self) -> int:
        return self._windows.remove()

    def clear(self, key: str) -> None:
        self._windows.remove(key)


def storage_for(log_url: str, windows: Windows) -> Storage:
    """Redis if the log is there, else the windows."""
    if not log_url.startswith(REDIS):
        return WindowStorage(windows)
    storage = storage_from_string(
        log_url,
        wrap_exceptions=True,
        key_prefix="chatapp:limits",
        socket_timeout=REDIS_S,
        socket_connect_timeout=REDIS_S,
        protocol=2,  # 3 brings notifications of maintenance, which start threads
    )
    assert isinstance(storage, Storage)
    return storage


def rates_of(rate: str) -> Sequence[RateLimitItem]:
    """What the setting says. Raises ConfigError."""
    try:
        items = parse_many(rate) if rate.strip() else []
    except ValueError:
        raise ConfigError(
            f"request_rate: expected rates such as `5/minute` or `5/minute; 100/day`, got {rate!r}"
        ) from None
    if any(item.amount < 1 for item in items):
        raise ConfigError(f"request_rate: expected at least 1 request, got {rate!r}")
    return items


def _window(item: RateLimitItem) -> str:
    """`a minute`, `5 minutes`."""
    name = item.GRANULARITY.name
    return f"{item.multiples} {name}s" if item.multiples > 1 else f"{'an' if name == 'hour' else 'a'} {name}"
