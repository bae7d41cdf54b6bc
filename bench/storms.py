"""Readers that are cut again and again, and stuck ones beside healthy ones, in numbers.

    .venv/bin/python bench/storms.py                       # 500 readers; 200 stuck and 200 slow ones
    .venv/bin/python bench/storms.py --readers 0 --stuck 50 --rounds 1

First all readers of one run, 100 events a second, are cut ten times each at any byte and resume;
the run lasts until all of them were. Each must apply every event once. Then healthy streams are
measured by turns alone, and beside readers of a large reply of which some never read, and others
take 1 KB/s: what the server holds for each of those, how much later the healthy ones get their
tokens, and whether all come to their end when they resume. It ends with 1 if something was broken.
Linux only.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gevent import monkey

monkey.patch_all()

import gevent
from _churn import Churn
from _healthy import Healthy, Streams, compared
from _servers import Host, host
from invariants import Broken, check_clients
from stormy import Client, CountDown, Upstream, crawl

HEALTHY = Streams(count=50, pace_ms=50, seconds=10.0)
CUTS = 10
SEND_TIMEOUT_S = 20  # beyond what a measurement takes
STORM_S = 180.0  # at most
RESUMED = 10  # one of so many stuck ones goes on: a client takes longer than a server
HELD_KIB = 256
LARGE = {"prompt": "hi", "provider": "stormy", "model": "large"}
SETTINGS = {
    "WEB_CONCURRENCY": "1",
    "CHATAPP_SEND_TIMEOUT_S": str(SEND_TIMEOUT_S),
    "CHATAPP_MAX_OWNER_SHARE": "1",
}


@contextmanager
def server(folder: Path, upstream: Upstream) -> Iterator[Host]:
    with HEALTHY.provider() as healthy, upstream.serving():
        config = folder / "chatapp.toml"
        config.write_text(healthy + upstream.config())
        with host(folder / "var", {**SETTINGS, "CHATAPP_CONFIG": str(config)}) as started:
            yield started


def storm(server: Host, churn: Churn, upstream: Upstream, count: int) -> list[str]:
    run_id = churn.json("POST", "/api/v1/messages", {**LARGE, "model": "steady"})["id"]
    clients = [Client(server.port, run_id) for _ in range(count)]
    began, cut = time.monotonic(), CountDown(count, upstream.calm.set)
    reading = [gevent.spawn(each.read_with_cuts, CUTS, cut) for each in clients]
    gevent.joinall(reading, timeout=STORM_S, raise_error=True)
    cuts = [each.cuts for each in clients]
    print(f"{count} readers, each cut {min(cuts)} times and {sum(cuts)} times in all, had all of the run,")
    print(f"    {clients[0].applied.last} events, after {time.monotonic() - began:.0f} s", flush=True)
    return checked(clients, churn, run_id)


def stuck_ones(server: Host, churn: Churn, count: int, rounds: int) -> list[str]:
    first = churn.json("POST", "/api/v1/messages", LARGE)["id"]  # so that what a reply takes is there
    Client(server.port, first).read_with_cuts(0)
    alone, beside, broken = [], [], []
    for _ in range(rounds):
        alone.append(HEALTHY.measure(server))
        gevent.sleep(2)  # its streams have left
        measured, failures = beside_stuck_ones(server, churn, count)
        beside.append(measured)
        broken += failures
    return broken + compared(alone, beside, "the stuck")


def beside_stuck_ones(server: Host, churn: Churn, count: int) -> tuple[Healthy, list[str]]:
    before = server.holdings()[0]
    run_id = churn.json("POST", "/api/v1/messages", LARGE)["id"]
    stuck, slow = ([Client(server.port, run_id) for _ in range(count)] for _ in range(2))
    held = [each.connect() for each in stuck]
    crawling = [gevent.spawn(crawl, each) for each in slow]
    Client(server.port, run_id).read_with_cuts(0)  # the run has ended
    kib = (server.holdings()[0].memory_kib - before.memory_kib) / (2 * count)
    measured = HEALTHY.measure(server)
    there = server.holdings()[0].sockets - before.sockets
    print(f"{count} readers that never read and {count} at 1 KB/s: {kib:.0f} KiB each; {there} still there", flush=True)
    broken = [] if kib <= HELD_KIB else [f"each stuck reader holds {kib:.0f} KiB"]
    gevent.killall(crawling)
    broken += dropped(server, before.sockets)
    for sock in held:
        sock.close()
    resumed = [*stuck[::RESUMED], *slow[::RESUMED]]
    gevent.joinall([gevent.spawn(each.read_with_cuts, 0) for each in resumed], timeout=120, raise_error=True)
    return measured, broken + checked(resumed, churn, run_id)


def dropped(server: Host, sockets: int) -> list[str]:
    """Wait until the server has let go of the stuck ones."""
    give_up = time.monotonic() + 2 * SEND_TIMEOUT_S
    while (left := server.holdings()[0].sockets) > sockets + 5:
        if time.monotonic() > give_up:
            return [f"{left - sockets} stuck readers were not dropped"]
        gevent.sleep(0.2)
    return []


def checked(clients: list[Client], churn: Churn, run_id: str) -> list[str]:
    content = churn.json("GET", f"/api/v1/messages/{run_id}")["content"]
    try:
        check_clients([each.applied for each in clients], content)
    except Broken as broken:
        return [str(broken)]
    return []


def main() -> int:
    parser = argparse.ArgumentParser(description="Readers that are cut or stuck, beside healthy ones.")
    parser.add_argument("--readers", type=int, default=500)
    parser.add_argument("--stuck", type=int, default=200, help="as many read slowly")
    parser.add_argument(
        "--rounds", type=int, default=3, help="of measuring the healthy ones alone and beside the stuck"
    )
    asked = parser.parse_args()
    upstream = Upstream()
    with tempfile.TemporaryDirectory() as folder, server(Path(folder), upstream) as started:
        churn = Churn([started.port], 1, 60)
        broken = storm(started, churn, upstream, asked.readers) if asked.readers else []
        broken += stuck_ones(started, churn, asked.stuck, asked.rounds) if asked.stuck else []
    for each in broken:
        print(f"BROKEN: {each}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
