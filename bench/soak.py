"""A server under churn and faults for minutes or hours, watched: what must hold, and a picture.

    make soak                                          # 5 minutes
    SOAK_MINUTES=15 make soak                          # and its picture in soak.svg
    .venv/bin/python bench/soak.py --minutes 60 --readers 200 --picture soak.svg

Every so often a worker is killed with SIGKILL, the workers are replaced (SIGHUP), another process
holds the event log, or a worker stands still for some seconds, under the clients of `_churn`. It
ends with 1 if one of their checks failed.
"""

import argparse
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import NamedTuple

from gevent import monkey

monkey.patch_all()

import gevent
from _churn import CLIENTS, Churn
from _servers import Host, host

FAULT_S = 20.0  # between two faults: what one broke is whole again before the next
SAMPLE_S = 1.0
PATIENCE_S = 120.0  # in which a client comes to the end of its run, whatever breaks
SETTINGS = {
    "WEB_CONCURRENCY": "2",
    "CHATAPP_HEARTBEAT_S": "2",
    "CHATAPP_LOG_RETENTION_S": "300",
    "CHATAPP_MAX_OWNER_SHARE": "1",
}


class Sample(NamedTuple):
    """Of the worker that has most: while workers are replaced, the old ones and the new ones live
    side by side, so a sum would say nothing."""

    at_s: float
    memory_mib: float
    descriptors: int
    first_ms: float  # from a request to the first byte of its stream, the slowest since the last sample


class Soak:
    def __init__(self, host: Host, readers: int) -> None:
        self.samples: list[Sample] = []
        self.faults = 0
        self.churn = Churn([host.port], max(1, readers // CLIENTS), PATIENCE_S)
        self._host = host
        self._began = time.monotonic()

    def run(self, seconds: float) -> None:
        sampling = gevent.spawn(self._sample_for_ever)
        self.churn.start()
        faults = [self._kill_worker, self._replace_workers, self._hold_log, self._stop_worker]
        while time.monotonic() - self._began + FAULT_S < seconds:
            gevent.sleep(FAULT_S)
            fault = faults[self.faults % len(faults)]
            self.faults += 1
            fault()
        gevent.sleep(max(0.0, seconds - (time.monotonic() - self._began)))
        self.churn.stop()
        sampling.kill()

    def _sample_for_ever(self) -> None:
        while True:
            held = self._host.holdings()
            memory = max((each.memory_kib for each in held), default=0) / 1024
            descriptors = max((each.descriptors for each in held), default=0)
            first_ms, self.churn.longest["first byte"] = self.churn.longest["first byte"] * 1000, 0.0
            self.samples.append(Sample(time.monotonic() - self._began, memory, descriptors, first_ms))
            gevent.sleep(SAMPLE_S)

    def _kill_worker(self) -> None:
        os.kill(random.choice(self._host.workers()), signal.SIGKILL)

    def _replace_workers(self) -> None:
        os.kill(self._host.master, signal.SIGHUP)

    def _hold_log(self) -> None:
        with closing(sqlite3.connect(self._host.data / "log.sqlite3", isolation_level=None, timeout=5)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            gevent.sleep(8)
            connection.execute("ROLLBACK")

    def _stop_worker(self) -> None:
        worker = random.choice(self._host.workers())
        os.kill(worker, signal.SIGSTOP)
        gevent.sleep(5)
        os.kill(worker, signal.SIGCONT)


def picture(samples: list[Sample]) -> str:
    """An SVG with a line for each column, in a panel of its own."""
    panels = []
    for row, name in enumerate(("memory_mib", "descriptors", "first_ms")):
        values = [float(getattr(sample, name)) for sample in samples]
        top, width = max(values, default=0.0) or 1.0, max((sample.at_s for sample in samples), default=1.0)
        points = " ".join(
            f"{60 + 720 * sample.at_s / width:.1f},{row * 160 + 150 - 120 * value / top:.1f}"
            for sample, value in zip(samples, values, strict=True)
        )
        panels.append(
            f'<text x="60" y="{row * 160 + 20}">{name.replace("_", " ")}, at most {top:.0f}</text>'
            f'<polyline fill="none" stroke="#2563eb" stroke-width="1.5" points="{points}"/>'
        )
    style = "text{font:13px sans-serif;fill:#334155}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 490"><style>{style}</style>'
        f'<rect width="800" height="490" fill="#fff"/>{"".join(panels)}</svg>\n'
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="A server under churn and faults.")
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("SOAK_MINUTES", "5")))
    parser.add_argument("--readers", type=int, default=40)
    parser.add_argument("--picture", type=Path, default=Path("soak.svg"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, host(Path(folder) / "var", SETTINGS) as server:
        soak = Soak(server, asked.readers)
        soak.run(asked.minutes * 60)
    asked.picture.write_text(picture(soak.samples))
    for name, count in sorted({"faults": soak.faults, **soak.churn.counts}.items()):
        print(f"{name:24}{count:10}")
    quarter = len(soak.samples) // 4
    for name, samples in (("first", soak.samples[:quarter]), ("last", soak.samples[-quarter:])):
        memory = median(sample.memory_mib for sample in samples)
        descriptors = median(sample.descriptors for sample in samples)
        first_ms = median(sample.first_ms for sample in samples)
        print(
            f"{name} quarter: {memory:.0f} MiB and {descriptors:.0f} descriptors a worker, first byte {first_ms:.0f} ms"
        )
    for broken in soak.churn.broken[:20]:
        print(f"BROKEN: {broken}")
    print(f"{len(soak.churn.broken)} invariants broken; {asked.picture} shows memory, descriptors and latency")
    return 1 if soak.churn.broken else 0


if __name__ == "__main__":
    sys.exit(main())
