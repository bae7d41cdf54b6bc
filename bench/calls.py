"""What an event costs, counted: the calls and the system calls of a server for one event.

    .venv/bin/python bench/calls.py                     # one event a time, then 64 in one read; both logs
    .venv/bin/python bench/calls.py --list 40           # with the functions and system calls by name
    .venv/bin/python bench/calls.py --runs              # of a whole run of one event, with its request

Provider, server and client take turns: an event (or a batch of events in one write) is sent only
once the client has the one before. So the counts do not depend on the machine, nor on its mood, as
times do. One event a time is the paced life of a chat server, a batch is a flood.

    python       calls of Python functions for each event, resumptions of generators among them
    C            calls of C functions from Python
    system       system calls of the worker's main thread; needs strace
"""

import argparse
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from _stepped import Server, get, served

HERE = Path(__file__).parent
WARM_UP, EVENTS = 64, 256
WARM_UP_RUNS, RUNS = 10, 40
KINDS = ("python", "C", "system")


def main() -> None:
    asked = _arguments()
    rows = [row for log in asked.log for row in (_runs(log) if asked.runs else _measure(log, asked.batch))]
    if asked.json:
        print(json.dumps([{**row, **{kind: sum(row[kind].values()) for kind in KINDS}} for row in rows]))
        return
    print("log     batch    python         C    system")
    for row in rows:
        print(f"{row['log']:8}{row['batch']:5}" + "".join(f"{sum(row[kind].values()):10.2f}" for kind in KINDS))
        for kind in KINDS:
            for name, times in row[kind].most_common(asked.list):
                print(f"    {kind:8}{times:8.2f}  {name}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The calls and system calls of a server for one event.")
    parser.add_argument("--log", nargs="+", default=["memory:", "sqlite:"])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 64], help="events in one write of the provider")
    parser.add_argument("--runs", action="store_true", help="count for each run instead")
    parser.add_argument("--list", type=int, default=0, help="so many lines of each kind")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _measure(log: str, batches: Sequence[int]) -> list[dict[str, Any]]:
    """A row for each size of a batch: the calls for each event, by kind and name."""
    system = counted_system_calls(log, batches) if shutil.which("strace") else [Counter[str]() for _ in batches]
    calls = counted_calls(log, batches)
    return [
        {"log": log, "batch": batch, **counted, "system": traced}
        for batch, counted, traced in zip(batches, calls, system, strict=True)
    ]


def _runs(log: str) -> list[dict[str, Any]]:
    """The calls of a run of one event, from the request to the end: its client goes, and so it is stopped."""
    with served(log, ["-c", str(HERE / "_counting.py")]) as server:
        _run_some(server, WARM_UP_RUNS)
        counted = _difference(server.port, lambda: _run_some(server, RUNS), RUNS)
    return [{"log": log, "batch": 0, **counted, "system": Counter()}]


def _run_some(server: Server, count: int) -> None:
    for _ in range(count):
        with server.stream() as stream:
            stream.send(1, 1)
            stream.leave()


def counted_calls(log: str, batches: Sequence[int]) -> list[dict[str, Counter[str]]]:
    rows = []
    with served(log, ["-c", str(HERE / "_counting.py")]) as server:
        for batch in batches:
            with server.stream() as stream:
                stream.send(WARM_UP, batch)
                rows.append(_difference(server.port, partial(stream.send, EVENTS, batch), EVENTS))
    return rows


def _difference(port: int, step: Callable[[], object], count: int) -> dict[str, Counter[str]]:
    """What the step calls, by so many of what it does, without the calls of asking for it."""
    before, none = _calls(port), _calls(port)
    step()
    after, counted = _calls(port), {}
    for kind in ("python", "C"):
        asking = Counter(none[kind]) - Counter(before[kind])
        more = Counter(after[kind]) - Counter(none[kind]) - asking
        counted[kind] = Counter({name: times / count for name, times in more.items()})
    return counted


def counted_system_calls(log: str, batches: Sequence[int]) -> list[Counter[str]]:
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        spans = []
        with served(log, (), ["strace", "-f", "-s", "100000", "-o", str(trace)]) as server:
            for batch in batches:
                with server.stream() as stream:
                    spans.append((stream.send(WARM_UP, batch), stream.send(EVENTS, batch)))
        lines = trace.read_bytes().splitlines()
    return [_between(lines, first, last) for first, last in spans]


def _between(lines: Sequence[bytes], first: int, last: int) -> Counter[str]:
    """The calls of the thread that sends the events, after the send of one stamp up to that of another."""
    begin, end = (_line_of(lines, stamp) for stamp in (first, last))
    thread = lines[begin].split()[0]
    names = [
        line.split(maxsplit=1)[1].partition(b"(")[0].decode()
        for line in lines[begin + 1 : end + 1]
        if line.split()[0] == thread and b"resumed>" not in line
    ]
    return Counter({name: times / EVENTS for name, times in Counter(names).items()})


def _line_of(lines: Sequence[bytes], stamp: int) -> int:
    """That which sends it, or the last of them."""
    return max(number for number, line in enumerate(lines) if b" send" in line and b"data: %020d" % stamp in line)


def _calls(port: int) -> dict[str, dict[str, int]]:
    return json.loads(get(port, "/-/calls"))


if __name__ == "__main__":
    main()
