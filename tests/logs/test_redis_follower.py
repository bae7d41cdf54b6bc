"""A follower of Redis that has closed begins to follow nothing: nobody would end what waits for it."""

from typing import Any

import pytest

from chatapp.errors import LogUnavailable
from chatapp.logs.redis.follower import Follower
from chatapp.logs.redis.store import StoredRun
from chatapp.logs.redis.tuning import Tuning


class NoConnection:
    def connect(self, timeout_s: float) -> "NoConnection":
        return self


class ClosesMeanwhile:
    """A store in which the run is found, while the process goes down."""

    follower: Follower

    def find(self, run_id: str) -> StoredRun:
        self.follower.close()
        return StoredRun(run_id, 1, None)

    def wake(self) -> None:
        pass


def test_a_run_that_is_found_while_the_log_closes_is_not_followed() -> None:
    store: Any = ClosesMeanwhile()
    address: Any = NoConnection()
    store.follower = Follower(address, store, "writer", 1.0, Tuning(), lambda _: None)
    with pytest.raises(LogUnavailable, match="closed"):
        store.follower.follow("run_1")
    assert not store.follower.tails
