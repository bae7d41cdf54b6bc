"""The figures of all workers, as Prometheus reads them.

To read every worker's file takes milliseconds, in which no stream could go on: it happens on a
thread of its own, at most once a second, whoever asks how often.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from gevent.lock import BoundedSemaphore
from gevent.threadpool import ThreadPool
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import Metric

from chatapp.hub import on_thread
from chatapp.metrics.processes import Processes, workers_in
from chatapp.metrics.worker_files import WorkerFiles

CURRENT_S = 1.0  # how long a reading counts as current

CONTENT_TYPE = CONTENT_TYPE_LATEST


@dataclass(frozen=True)
class Reading:
    """The figures at one moment: `families` as values, `text` in Prometheus's format."""

    families: list[Metric]
    text: bytes
    at: float


class Exposition:
    """Reads the figures of `registry`; with a `folder`, those of all processes that write there."""

    def __init__(self, registry: CollectorRegistry, folder: Path | None = None) -> None:
        self._folder = folder
        self._registry = CollectorRegistry() if folder else registry
        if folder:
            self._registry.register(WorkerFiles(folder))
        self._registry.register(Processes(self._pids))
        self._last: Reading | None = None
        self._one_at_a_time = BoundedSemaphore()
        self._thread = ThreadPool(1)

    def read(self) -> Reading:
        with self._one_at_a_time:
            if self._last is None or monotonic() - self._last.at > CURRENT_S:
                # In one process the locks of the figures are greenlets', and reading takes no file.
                self._last = on_thread(self._thread, self._read) if self._folder else self._read()
            return self._last

    def _pids(self) -> list[int]:
        return workers_in(self._folder) if self._folder else [os.getpid()]

    def _read(self) -> Reading:
        families = list(self._registry.collect())
        return Reading(families, generate_latest(_Collected(families)), monotonic())


class _Collected(CollectorRegistry):
    """What was collected already, for `generate_latest`."""

    def __init__(self, families: list[Metric]) -> None:
        super().__init__()
        self._families = families

    def collect(self):  # type: ignore[no-untyped-def]
        return iter(self._families)
