from gevent import monkey

monkey.patch_all()  # before anything else is imported, as in the server

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from gevent import get_hub
from queueing import LONGEST, poll
from servers import free_port

from chatapp.wire.certificates import ADDING, REPLACING

TESTS = Path(__file__).parent

if "PYTEST_XDIST_WORKER" in os.environ:
    # Threads of xdist, which the hub does not know of, may wake it. Without a watcher it would find that nothing
    # can ever happen, and raise LoopExit.
    get_hub().loop.async_().start(lambda: None)


def pytest_sessionstart(session: pytest.Session) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        poll(session.config.pluginmanager)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: at the end, short ones are left, of which each process gets its
    share."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    place = {TESTS / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (place.get(item.path, len(LONGEST)), item.path not in slow))


@pytest.fixture(scope="session", autouse=True)
def one_authority() -> None:
    """Instead of this system's hundred, which take longer to read than anything else at a start, and
    which know no server of these tests."""
    for name in (*REPLACING, ADDING):
        os.environ.pop(name, None)
    os.environ[REPLACING[0]] = str(TESTS / "authority.pem")


@pytest.fixture(autouse=True)
def own_log_level() -> Iterator[None]:
    """A command that was called in this process hides warnings, which the next test may look for."""
    logger = logging.getLogger("chatapp")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture
def closed_port() -> int:
    """A port on loopback that nobody listens on."""
    return free_port()
