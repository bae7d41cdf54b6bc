"""When a worker looks for garbage: circles of objects, which only a collection finds.

A full collection visits all that is alive, while no stream goes on: 25 ms for 200 streams. Python
begins one whenever a quarter more is alive, so that each rush of new streams meets several. Our
requests and runs leave no circles (`tests/web/test_garbage.py`), and what a library leaves, the
collections of what is young find, which take a ms. So a full one waits for a quiet moment.
"""

import gc
from collections.abc import Callable

import gevent

LOOK_S = 30.0
FEW = 25  # streams: the collection takes about 3 ms
LATEST_S = 900.0  # a server that is never quiet: better a pause now and then than memory that only grows
NEVER = 1 << 30


def collect_when_quiet(
    live: Callable[[], int], *, look_s: float = LOOK_S, latest_s: float = LATEST_S
) -> "gevent.Greenlet[..., None]":
    """Collect now; from now on only when `live` says that there are few streams, or the last time
    is too long ago. The greenlet does so until it is killed."""
    gc.collect()
    # What is imported stays. Visiting it would take 100 ms, each time.
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, NEVER)
    return gevent.spawn(_collect, live, look_s, max(1, round(latest_s / look_s)))


def _collect(live: Callable[[], int], look_s: float, most_looks: int) -> None:
    looks = 0
    while True:
        gevent.sleep(look_s)
        looks += 1
        if live() <= FEW or looks >= most_looks:
            gc.collect()
            looks = 0
