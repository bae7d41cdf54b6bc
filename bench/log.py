"""The cost of the event log: CPU per event, and the delay from `append` to a reader, with 200 runs.

    .venv/bin/python bench/log.py

Each run appends an event every 20 ms on average, at random intervals as from a socket, and has one
reader. The row `none` is the same load without a log (the timers, the greenlets, the event itself):
the cost of a log is its difference from that row.
"""

from gevent import monkey

monkey.patch_all()

import gc
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import quantiles

import gevent

from chatapp.events import RunEnd, TextDelta, Timing, Usage
from chatapp.logs import EventLog
from chatapp.logs.memory import MemoryLog
from chatapp.logs.sqlite.log import SQLiteLog

RUNS, PACE_S, EVENTS, ROUNDS = 200, 0.02, 150, 3
END = RunEnd("stop", Usage(), Timing())


def main() -> None:
    print(f"{RUNS} runs, an event every {PACE_S * 1000:g} ms, {EVENTS} each, best of {ROUNDS}")
    print(f"{'log':10}{'events/s':>10}{'µs/event':>10}{'added µs':>10}{'p50 ms':>10}{'p99 ms':>10}")
    baseline = min(_measure(None) for _ in range(ROUNDS))[0]
    print(f"{'none':10}{'':10}{baseline:10.1f}")
    with tempfile.TemporaryDirectory() as folder:
        logs: dict[str, Callable[[int], EventLog]] = {
            "memory": lambda _: MemoryLog(),
            "sqlite": lambda number: SQLiteLog(Path(folder) / f"{number}.db"),
            "sqlite 2ms": lambda number: SQLiteLog(Path(folder) / f"{number}-2.db", flush_ms=2),
        }
        for name, make in logs.items():
            cost, rate, p50, p99 = min(_measure(make(number)) for number in range(ROUNDS))
            print(f"{name:10}{rate:10.0f}{cost:10.1f}{cost - baseline:10.1f}{p50:10.2f}{p99:10.2f}")


def _measure(log: EventLog | None) -> tuple[float, float, float, float]:
    """µs of CPU per event, events per second, and p50 and p99 of the delay in ms."""
    delays: list[float] = []
    if log:
        log.start()
    gc.collect()
    started, cpu = time.perf_counter(), time.process_time()
    jobs: list[gevent.Greenlet[..., None]] = [gevent.spawn(_write, log, f"run{number}") for number in range(RUNS)]
    if log:
        jobs += [gevent.spawn(_read, log, f"run{number}", delays) for number in range(RUNS)]
    gevent.joinall(jobs, raise_error=True)
    events = RUNS * EVENTS
    cost = (time.process_time() - cpu) / events * 1e6
    rate = events / (time.perf_counter() - started)
    if log:
        log.close()
    cuts = quantiles(delays or [0.0, 0.0], n=100)
    return cost, rate, cuts[49] * 1000, cuts[98] * 1000


def _write(log: EventLog | None, run_id: str) -> None:
    if log:
        log.create(run_id)
    chance = Random(run_id)
    for _ in range(EVENTS):
        event = TextDelta(repr(time.perf_counter()))
        if log:
            log.append(run_id, event)
        gevent.sleep(chance.uniform(0.5, 1.5) * PACE_S)
    if log:
        log.append(run_id, END)


def _read(log: EventLog, run_id: str, delays: list[float]) -> None:
    seq = 0
    while True:
        for entry in log.read(run_id, seq, 15.0):
            seq, event = entry.seq, entry.event
            if isinstance(event, RunEnd):
                return
            assert isinstance(event, TextDelta)
            delays.append(time.perf_counter() - float(event.text))


if __name__ == "__main__":
    main()
