"""All limits of an owner, asked at once before a run begins."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatapp.quotas import LimitState
from chatapp.quotas.spending import SpendingLimits

if TYPE_CHECKING:
    from chatapp.quotas.requests import RequestLimits


class OwnerLimits:
    """`max_runs` is how many runs an owner may have at a time, over all processes; 0: any number.
    The store counts those when it begins one."""

    def __init__(self, requests: "RequestLimits | None", spending: SpendingLimits, max_runs: int = 0) -> None:
        self.max_runs = max_runs
        self._requests = requests
        self._spending = spending

    def take(self, owner: str) -> None:
        """Count a request that begins a run. Raises LimitExceeded, and then the request of an owner
        who has used up tokens or money is not counted; DatabaseUnavailable."""
        self._spending.check(owner)
        if self._requests is not None:
            self._requests.hit(owner)

    def states(self, owner: str) -> Sequence[LimitState]:
        """Where the owner stands in each limit that is configured and has a window."""
        requests = self._requests.states(owner) if self._requests is not None else ()
        return [*requests, *self._spending.states(owner)]
