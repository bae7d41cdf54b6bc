"""The folder in which the workers of one server keep their figures, from the master's start to its
end.

It imports no prometheus_client: that is for the workers, after the fork. A lock on a file in it
lives as long as any process of its server, so a later server can remove what one that was killed
has left.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # where prometheus_client looks
PREFIX = "chatapp-metrics-"
LOCK = "lock"

_held: list[int] = []  # descriptors, which the workers inherit


def make() -> Path:
    """An empty folder for this server, named in the environment."""
    _remove_left()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    _held.append(lock)
    os.environ[VARIABLE] = str(folder)
    return folder


def forget(pid: int) -> None:
    """A worker has ended: its gauges no longer count, its counters do. What
    `prometheus_client.multiprocess.mark_process_dead` does, without the import."""
    for path in Path(os.environ[VARIABLE]).glob(f"gauge_live*_{pid}.db"):
        path.unlink(missing_ok=True)


def remove() -> None:
    """The server has ended."""
    shutil.rmtree(os.environ[VARIABLE], ignore_errors=True)


def _remove_left() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            lock = os.open(folder / LOCK, os.O_RDWR)
        except OSError:
            continue  # somebody else's, or in the making
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass  # its server lives
        finally:
            os.close(lock)
