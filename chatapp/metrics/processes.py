"""Memory and descriptors of each worker, from /proc: prometheus_client leaves them out when there
are several processes."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PROC = Path("/proc")
LIVE = re.compile(r"gauge_livesum_(\d+)\.db")  # a worker's file, which is removed when it ends


class Processes(Collector):
    """`pids` are the workers'. Without /proc, as on a Mac, there is nothing to tell."""

    def __init__(self, pids: Callable[[], Iterable[int]], proc: Path = PROC) -> None:
        self._pids = pids
        self._proc = proc

    def collect(self) -> Iterator[Metric]:
        memory = GaugeMetricFamily("chatapp_resident_memory_bytes", "Memory of a worker, in RAM.", labels=["pid"])
        files = GaugeMetricFamily("chatapp_open_fds", "Descriptors that a worker has open.", labels=["pid"])
        limits = GaugeMetricFamily("chatapp_max_fds", "How many a worker may have open.", labels=["pid"])
        for pid in self._pids():
            try:
                resident, opened, limit = self._look_at(pid)
            except OSError:
                continue  # it has ended
            memory.add_metric([str(pid)], resident)
            files.add_metric([str(pid)], opened)
            limits.add_metric([str(pid)], limit)
        yield from (memory, files, limits)

    def _look_at(self, pid: int) -> tuple[int, int, float]:
        process = self._proc / str(pid)
        resident = int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        limit = re.search(r"Max open files +(\w+)", (process / "limits").read_text())
        number = limit[1] if limit else "unlimited"
        return resident, len(os.listdir(process / "fd")), float("inf") if number == "unlimited" else int(number)


def workers_in(folder: Path) -> list[int]:
    """The workers that write their figures to this folder, and live."""
    return sorted(int(match[1]) for path in folder.iterdir() if (match := LIVE.fullmatch(path.name)))
