"""A provider's list of models: asked for once, then kept for a while."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic


@dataclass(frozen=True)
class ListingTimes:
    """How long to wait for a list, and how long to keep it, or the lack of one. In seconds."""

    timeout: float = 2.0  # a page waits for it
    kept: float = 60.0
    failure_kept: float = 10.0


class ModelList:
    """Calls `ask` when a list is needed.

    `ask` gets the timeout and returns an empty list if it fails.
    """

    def __init__(self, ask: Callable[[float], tuple[str, ...]], times: ListingTimes) -> None:
        self._ask = ask
        self._times = times
        self._models: tuple[str, ...] = ()
        self._until = 0.0
        self._lock = Lock()

    def get(self) -> tuple[str, ...]:
        with self._lock:  # others that need it meanwhile wait for the same answer
            if monotonic() >= self._until:
                self._models = self._ask(self._times.timeout)
                self._until = monotonic() + (self._times.kept if self._models else self._times.failure_kept)
            return self._models
