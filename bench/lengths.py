"""What an event of a long reply costs, beside one of a short reply: the server's CPU, and whether all came.

    .venv/bin/python bench/lengths.py                          # 100, 10,000 and 100,000 tokens
    .venv/bin/python bench/lengths.py --lengths 128000

Replies come one after the other, each as fast as its client reads it, until so many events have
passed; the product does not spread it for people. The CPU of requests and of the ends of runs is in
it, which is most of a short reply's.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path
from statistics import median

from _load import BODY
from _peers import Server, servers
from _processes import Process
from streams import OTHER_CORE, served

READ_BYTES = 1 << 18
EVENTS = 20_000
LENGTHS = (100, 10_000, 100_000)
TIMES = 3
AT_ONCE = "pace_s = 0\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="What an event of a long reply costs.")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--times", type=int, default=TIMES, help="each figure is the median of so many")
    asked = parser.parse_args()
    with servers() as found:
        for server in (each for each in found if each.many):
            print(server.name, *(f"{us:.1f}" for us in costs(server, asked.lengths, asked.times)), sep="\t", flush=True)


def costs(server: Server, lengths: Sequence[int], times: int) -> Iterator[float]:
    """µs of CPU for an event of replies of each length."""
    for length in lengths:
        yield median(_windows_us(server, length, times))


def _windows_us(server: Server, length: int, times: int) -> Iterator[float]:
    count = max(1, EVENTS // length)
    with (
        tempfile.TemporaryDirectory() as folder,
        Process(
            [sys.executable, Path(__file__).with_name("_upstream.py"), "0", f"length={length}"], OTHER_CORE
        ) as upstream,
        served(Path(folder), server.log, int(upstream.line()), server.command, settings=AT_ONCE) as (process, port),
    ):
        used = [process.used()]
        for _ in range(times):
            for _ in range(count):
                _read(port, server.path, length)
            used.append(process.used())
    for before, after in pairwise(used):
        yield after.since(before).cpu * 1e6 / (count * length)


def _read(port: int, path: str, length: int) -> None:
    """One reply, whole."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("POST", path, BODY, {"Content-Type": "application/json"})
    response = connection.getresponse()
    came, rest = 0, b""
    while data := response.read1(READ_BYTES):
        data = rest + data
        cut = data.rfind(b"\n") + 1
        came += data[:cut].count(b"data: 0")  # the stamps of a flood
        rest = data[cut:]
    connection.close()
    if came != length:
        sys.exit(f"{came} of {length} tokens came")


if __name__ == "__main__":
    main()
