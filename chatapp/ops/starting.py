"""How a worker starts while a store is away.

gunicorn ends the whole server if a worker cannot start. That is right for the first ones, whose
configuration may be wrong. One that takes another's place waits: the others have runs and readers.
"""

import sys
from collections.abc import Callable
from typing import TypeVar

import gevent

from chatapp.errors import DatabaseAway, LogUnavailable

T = TypeVar("T")

AGAIN_S = 1.0

_replaces = False


def replaces_another() -> None:
    """Say so of this process, before it starts."""
    global _replaces
    _replaces = True


def started(make: Callable[[], T]) -> T:
    """What `make` makes. Raises what it raises, unless this worker waits for the store."""
    while True:
        try:
            return make()
        except (LogUnavailable, DatabaseAway) as error:
            if not _replaces:
                raise
            print(f"chatapp: a worker waits: {error}", file=sys.stderr, flush=True)
            gevent.sleep(AGAIN_S)
