from collections.abc import Iterator

import pytest
from drivers import Answers

from chatapp.logs.memory import MemoryLog


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    log = MemoryLog()
    yield log
    log.close()


@pytest.fixture
def answers() -> Answers:
    return Answers()
