"""The files in which the workers of a server keep their figures, read as one.

What a dead worker counted still counts. Its files are joined to one of all the dead: a server that
had a thousand workers would read two thousand files for each scrape. A file that a worker was
killed in the middle of is left out.
"""

import fcntl
import logging
import os
import re
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

LOCK = "scrape.lock"
OF_WORKER = re.compile(r"(counter|histogram)_(\d+)\.db").fullmatch
OF_THE_DEAD = "{kind}_0.db"  # no worker has this pid
DAMAGED = (struct.error, RuntimeError, ValueError)  # as prometheus_client raises them

logger = logging.getLogger(__name__)


class WorkerFiles(Collector):
    """To be called on a thread: it waits for the scrape of another worker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        with self._locked():
            self._join_dead()
            begun = [str(path) for path in self._folder.glob("*.db") if path.stat().st_size]
            return MultiProcessCollector.merge(begun)  # type: ignore[no-untyped-call,no-any-return]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """No other worker reads while files are joined, or it would count them twice."""
        with (self._folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _join_dead(self) -> None:
        dead: dict[str, list[Path]] = {}
        for path in self._folder.iterdir():
            if (match := OF_WORKER(path.name)) and int(match[2]) and not _lives(int(match[2])):
                dead.setdefault(match[1], []).append(path)
        for kind, paths in dead.items():
            _join(paths, self._folder / OF_THE_DEAD.format(kind=kind))


def _join(paths: Iterable[Path], into: Path) -> None:
    sums: Counter[str] = Counter()
    for path in (into, *paths):
        sums.update(_values(path))
    new = into.with_suffix(".new")
    new.unlink(missing_ok=True)
    values = MmapedDict(str(new))  # type: ignore[no-untyped-call]
    for key, value in sums.items():
        values.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
    values.close()  # type: ignore[no-untyped-call]
    new.replace(into)
    for path in paths:
        path.unlink()


def _values(path: Path) -> dict[str, float]:
    try:
        found = MmapedDict.read_all_values_from_file(str(path))  # type: ignore[no-untyped-call]
        return {key: value for key, value, _, _ in found}
    except FileNotFoundError:
        return {}
    except DAMAGED:
        logger.warning("the figures of a dead worker are lost: %s is damaged", path.name)
        return {}


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
