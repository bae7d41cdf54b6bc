"""The files in which the workers of a server keep their figures, read as one.

What a dead worker counted still counts. Its files are joined to one of all the dead: a server that
had a thousand workers would read two thousand files for each scrape. A file that a worker was
killed in the middle of is left out, and a joining that one was killed in is finished by the next.
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
KINDS = "counter", "histogram"
OF_WORKER = re.compile(rf"({'|'.join(KINDS)})_([1-9]\d*)\.db").fullmatch
DEAD = ".dead"  # of a file that is to be joined: a new worker with the same pid begins one of its own
OF_THE_DEAD = "{kind}_0.db"  # no worker has this pid
NEW, JOINED = ".new", ".joined"  # what is to take its place, and the names of what is in that
DAMAGED = (struct.error, RuntimeError, ValueError)  # as prometheus_client raises them

logger = logging.getLogger(__name__)


class WorkerFiles(Collector):
    """To be called on a thread: it waits for the scrape of another worker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        with self._locked():
            for kind in KINDS:
                _finish(self._folder / OF_THE_DEAD.format(kind=kind))
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
        for path in [*self._folder.iterdir()]:
            aside = path.with_suffix(DEAD)
            if (match := OF_WORKER(path.name)) and not _lives(int(match[2])) and not aside.exists():
                path.rename(aside)
                _give_back_if_begun(path, aside, int(match[2]))
        for kind in KINDS:
            if paths := [*self._folder.glob(f"{kind}_*{DEAD}")]:
                _join(paths, self._folder / OF_THE_DEAD.format(kind=kind))


def _give_back_if_begun(path: Path, aside: Path, pid: int) -> None:
    """A worker that was given the pid of a dead one in between goes on with the file that it found,
    under whatever name. If it came later, it has begun a file of its own."""
    if _lives(pid) and not path.exists():
        aside.rename(path)


def _join(paths: Iterable[Path], into: Path) -> None:
    """Nothing counts twice or not at all, wherever this is killed."""
    sums: Counter[str] = Counter()
    for path in (into, *paths):
        sums.update(_values(path))
    new = into.with_suffix(NEW)
    values = MmapedDict(str(new))  # type: ignore[no-untyped-call]
    for key, value in sums.items():
        values.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
    values.close()  # type: ignore[no-untyped-call]
    into.with_suffix(JOINED).write_text("\n".join(path.name for path in paths))
    new.replace(into)
    _finish(into)


def _finish(into: Path) -> None:
    """While the new file is there, it has not taken the place of any."""
    new, joined = into.with_suffix(NEW), into.with_suffix(JOINED)
    if joined.exists() and not new.exists():
        for name in joined.read_text().splitlines():
            (into.parent / name).unlink(missing_ok=True)
    joined.unlink(missing_ok=True)
    new.unlink(missing_ok=True)


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
