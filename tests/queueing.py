"""The order of the tests, and how a process of pytest-xdist waits for its next one.

A thread that gevent knows nothing of hands the tests over. xdist makes the queue between the two after
gevent has replaced the locks of `threading`, and a lock of gevent's that another thread releases may
leave the one that waits asleep: between two tests, where no time limit ends it.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import pytest
from gevent import monkey
from xdist.remote import TestQueue

LONGEST = (
    "test_wheel.py",
    "system/test_openapi.py",
    "tools/mcp/test_client.py",
    "system/upstreams/test_codex.py",
)
"""The files to begin with: a process that begins one of them at the end works on alone."""

LOOK_S = 0.01


class PolledQueue(TestQueue):
    """Its lock is one of the system, and whoever waits looks again and again."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._lock = monkey.get_original("_thread", "RLock")()

    @contextmanager
    def lock(self) -> Iterator[deque[Any]]:
        with self._lock:
            yield self._items

    def get(self) -> Any:
        while True:
            with self.lock() as items:
                if items:
                    return items.popleft()
            gevent.sleep(LOOK_S)  # which lets the greenlets of fixtures run


def poll(plugins: pytest.PytestPluginManager) -> None:
    """To be called before the first test is handed over."""
    (worker,) = (each for each in plugins.get_plugins() if hasattr(each, "torun"))
    worker.torun = PolledQueue()
