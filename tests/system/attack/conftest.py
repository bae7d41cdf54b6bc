"""As many connections as a crowd or an attacker opens."""

import resource
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from connections import Raw

ENOUGH_FILES = 8000


@pytest.fixture
def connect() -> Iterator[Callable[[Any], Raw]]:
    """Connections to a server, as many as the machine allows; all are closed at the end."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limits[1], max(limits[0], ENOUGH_FILES)), limits[1]))
    opened: list[Raw] = []

    def open_one(server: Any) -> Raw:
        opened.append(Raw(server.port))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
