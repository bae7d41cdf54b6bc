"""Healthy streams, measured alone and beside something else by turns: for the scripts that show
what others cost them.

Run as root, what is measured comes first on its machine (SCHED_RR), so that what else runs there
does not count: the server's worker, the provider and the clients, which together take half a core.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from subprocess import PIPE, Popen  # gevent's, if it is patched
from typing import NamedTuple

from _servers import Host

HERE = Path(__file__).parent
LEAD_S = 0.5  # in which the process of the clients starts
OPENING_S = 3.0
LATER_SHARE = 0.2  # by which they may get their tokens later
LATER_MS = 3.0  # less is noise, and what some requests more cost in one turn of the hub
DELIVERED_SHARE = 0.99  # of what was sent
CONFIG = """
[providers.bench]
type = "openai"
base_url = "http://127.0.0.1:{port}/v1"
models = ["paced"]
"""


class Healthy(NamedTuple):
    """The delays of the tokens, what share of those that were sent arrived, how many streams ended
    early or were refused, and what share of a core the worker took. A busy machine delays them too;
    it takes no processor time of the worker."""

    p50_ms: float
    p99_ms: float
    delivered: float
    lost: int
    core: float


class Streams(NamedTuple):
    """So many for so many seconds, a token every `pace_ms` in each."""

    count: int
    pace_ms: int
    seconds: float

    @contextmanager
    def provider(self) -> Iterator[str]:
        """Its part of a configuration."""
        with Popen([sys.executable, HERE / "_upstream.py", str(self.pace_ms)], stdout=PIPE, text=True) as paced:
            try:
                assert paced.stdout
                _come_first(paced.pid)
                yield CONFIG.format(port=int(paced.stdout.readline()))
            finally:
                paced.kill()

    def measure(self, server: Host, when_open: Callable[[], object] = lambda: None) -> Healthy:
        """Their clients have a process of their own."""
        (worker,) = server.workers()
        start = time.monotonic() + LEAD_S
        begin = start + OPENING_S
        given = [str(each) for each in (server.port, self.count, start, begin, begin + self.seconds, 1)]
        with Popen([sys.executable, HERE / "_load.py", *given], stdin=PIPE, stdout=PIPE, text=True) as clients:
            assert clients.stdout
            for pid in (worker, clients.pid):
                _come_first(pid)
            time.sleep(begin - time.monotonic())
            when_open()
            began_cpu, began = _cpu_s(worker), time.monotonic()
            result = json.loads(clients.stdout.readline())
            clients.kill()
        core = (_cpu_s(worker) - began_cpu) / (time.monotonic() - began)
        sent = self.count * self.seconds * 1000 / self.pace_ms
        return Healthy(*result["added_ms"], sum(result["events"]) / sent, result["lost"], core)


def compared(alone: Sequence[Healthy], beside: Sequence[Healthy], others: str) -> list[str]:
    """Print both; return what should not be."""
    for name, all_of in (("alone", alone), (f"beside {others}", beside)):
        p50, p99 = (median(getattr(each, field) for each in all_of) for field in ("p50_ms", "p99_ms"))
        core, delivered = (median(getattr(each, field) for each in all_of) for field in ("core", "delivered"))
        spread = ", ".join(f"{each.p99_ms:.1f}" for each in all_of)
        print(
            f"    {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms ({spread}), {delivered:.1%} delivered, {core:.0%} of a core"
        )
    broken = []
    before, after = (median(each.p99_ms for each in all_of) for all_of in (alone, beside))
    if after > max(before * (1 + LATER_SHARE), before + LATER_MS):
        broken.append(f"healthy streams are later beside {others}: p99 {after:.1f} ms instead of {before:.1f}")
    if lost := sum(each.lost for each in beside):
        broken.append(f"{lost} healthy streams were refused or cut beside {others}")
    if min(each.delivered for each in beside) < DELIVERED_SHARE:
        broken.append(f"healthy streams lose tokens beside {others}")
    return broken


def _come_first(pid: int) -> None:
    with suppress(PermissionError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setscheduler(int(task.name), os.SCHED_RR, os.sched_param(1))


def _cpu_s(pid: int) -> float:
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
