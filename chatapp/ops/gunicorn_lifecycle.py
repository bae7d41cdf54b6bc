"""What the services of a worker need of gunicorn: to be started with it, and to be told early
enough that it goes down. For gunicorn's configurations: ours, and a host's by `gunicorn_host`.
"""

import time
from typing import Any

import gevent

from chatapp.ops import services

WATCH_S = 0.1
LAST_S = 10.0  # of gunicorn's graceful timeout: for the runs to write their ends


def begin(worker: Any, grace_s: float) -> None:
    """Start the services, and start draining as soon as the worker is told to stop, while gunicorn
    waits for requests."""
    services.start()
    worker.drain = gevent.spawn(_drain_when_told, worker, grace_s)


def end(worker: Any) -> None:
    """Wait for the runs: they continue without a request, so gunicorn does not wait for them. Some
    may have begun after all others had ended."""
    drain = getattr(worker, "drain", None)
    if drain is None:
        return  # the worker failed to start
    worker.alive = False  # gunicorn leaves it so for a worker whose master is gone
    drain.join(timeout=worker.cfg.graceful_timeout)
    services.drain(max(0.0, worker.drained_by - time.monotonic()))
    services.close()


def _drain_when_told(worker: Any, grace_s: float) -> None:
    worker.drained_by = 0.0
    while worker.alive:
        gevent.sleep(WATCH_S)
    worker.drained_by = time.monotonic() + grace_s
    services.drain(grace_s)
