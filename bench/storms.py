"""Readers that are cut again and again, and readers that are stuck, beside healthy ones, in numbers.

    .venv/bin/python bench/storms.py                       # 500 readers; 200 stuck and 200 slow ones
    .venv/bin/python bench/storms.py --readers 0 --stuck 50

First all readers of one run, 100 events a second, are cut ten times each at any byte and resume:
each must apply every event once. Then healthy streams are measured alone, and beside readers of a
large reply of which some never read, and others take 1 KB/s: what the server holds for each of
those, how much later the healthy ones get their tokens, and whether all come to their end when they
resume. It ends with 1 if something was broken. Linux only.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from gevent import monkey

monkey.patch_all()

from subprocess import PIPE, Popen  # gevent's

import gevent
from _churn import Churn
from _servers import Host, host
from gevent.pywsgi import WSGIServer
from invariants import Broken, check_clients
from stormy import Client, crawl

HERE = Path(__file__).parent
HEALTHY, HEALTHY_PACE_MS, HEALTHY_S = 20, 100, 10.0
CUTS = 10
SEND_TIMEOUT_S = 30
RATE = 100.0  # events a second
STORM_S = 15.0
PIECE, PIECES = "word " * 200, 800  # 0.8 MB: more than any buffer on the way
RESUMED = 10  # one of so many stuck ones goes on: a client takes longer than a server
LATER_SHARE = 0.2  # by which the healthy ones may get their tokens later
LATER_MS = 5.0  # less is the machine's own noise
HELD_KIB = 256
CONFIG = """
[providers.bench]
type = "openai"
base_url = "http://127.0.0.1:{paced}/v1"
models = ["paced"]
[providers.upstream]
type = "openai"
base_url = "http://127.0.0.1:{other}/v1"
models = ["steady", "large"]
"""
SETTINGS = {
    "WEB_CONCURRENCY": "1",
    "CHATAPP_SEND_TIMEOUT_S": str(SEND_TIMEOUT_S),
    "CHATAPP_MAX_OWNER_SHARE": "1",
}


def reply(environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
    """`steady` writes a token every 10 ms, `large` all at once."""
    model = json.loads(environ["wsgi.input"].read())["model"]
    start("200 OK", [("Content-Type", "text/event-stream")])
    steady = model == "steady"
    frame = json.dumps({"choices": [{"index": 0, "delta": {"content": "token " if steady else PIECE}}]})
    for _ in range(int(STORM_S * RATE) if steady else PIECES):
        yield f"data: {frame}\n\n".encode()
        gevent.sleep(1 / RATE if steady else 0.001)
    yield b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


@contextmanager
def server(folder: Path) -> Iterator[Host]:
    other = WSGIServer(("127.0.0.1", 0), reply, log=None)
    other.start()
    with Popen([sys.executable, HERE / "_upstream.py", str(HEALTHY_PACE_MS)], stdout=PIPE, text=True) as paced:
        try:
            assert paced.stdout
            config = folder / "chatapp.toml"
            config.write_text(CONFIG.format(paced=int(paced.stdout.readline()), other=other.server_port))
            with host(folder / "var", {**SETTINGS, "CHATAPP_CONFIG": str(config)}) as started:
                yield started
        finally:
            paced.kill()


class Healthy(NamedTuple):
    """The delays of the healthy streams' tokens, and what share of a core the worker took. A busy
    machine delays them too; it takes no processor time of the worker."""

    p50_ms: float
    p99_ms: float
    core: float

    def __str__(self) -> str:
        return f"{self.p50_ms:.1f} and {self.p99_ms:.1f} ms (p50, p99) at {self.core:.0%} of a core"


def healthy(server: Host) -> Healthy:
    """Over some seconds; their clients have a process of their own."""
    (worker,) = server.workers()
    began_cpu, began = _cpu_s(worker), time.monotonic()
    start = time.monotonic() + 0.5
    times = [str(each) for each in (server.port, HEALTHY, start, start + 3, start + 3 + HEALTHY_S)]
    with Popen([sys.executable, HERE / "_load.py", *times], stdin=PIPE, stdout=PIPE, text=True) as clients:
        assert clients.stdout
        result = json.loads(clients.stdout.readline())
        clients.kill()
    core = (_cpu_s(worker) - began_cpu) / (time.monotonic() - began)
    return Healthy(*result["added_ms"], core)


def _cpu_s(pid: int) -> float:
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def storm(server: Host, churn: Churn, count: int) -> list[str]:
    run_id = churn.json("POST", "/api/v1/messages", {"prompt": "hi", "provider": "upstream", "model": "steady"})["id"]
    clients = [Client(server.port, run_id) for _ in range(count)]
    began = time.monotonic()
    reading = [gevent.spawn(each.read_with_cuts, CUTS) for each in clients]
    gevent.joinall(reading, timeout=STORM_S * 10, raise_error=True)
    cuts = sum(each.cuts for each in clients)
    print(f"{count} readers, cut {cuts} times in all, had all of the run after {time.monotonic() - began:.0f} s")
    return checked(clients, churn, run_id)


def stuck_ones(server: Host, churn: Churn, count: int) -> list[str]:
    large = {"prompt": "hi", "provider": "upstream", "model": "large"}
    Client(server.port, churn.json("POST", "/api/v1/messages", large)["id"]).read_with_cuts(0)
    alone = healthy(server)
    gevent.sleep(2)
    before = server.holdings()[0]
    run_id = churn.json("POST", "/api/v1/messages", large)["id"]
    stuck, slow = ([Client(server.port, run_id) for _ in range(count)] for _ in range(2))
    held = [each.connect() for each in stuck]
    crawling = [gevent.spawn(crawl, each) for each in slow]
    Client(server.port, run_id).read_with_cuts(0)  # the run has ended
    kib = (server.holdings()[0].memory_kib - before.memory_kib) / (2 * count)
    beside = healthy(server)
    print(f"{count} readers that never read and {count} at 1 KB/s: {kib:.0f} KiB each; the healthy streams")
    print(f"    without them: {alone}")
    print(f"    beside them:  {beside}")
    broken = [] if kib <= HELD_KIB else [f"each stuck reader holds {kib:.0f} KiB"]
    if beside.p99_ms > max(alone.p99_ms * (1 + LATER_SHARE), alone.p99_ms + LATER_MS):
        broken.append("healthy readers come later beside the stuck ones")
    gevent.killall(crawling)
    broken += dropped(server, before.sockets)
    for sock in held:
        sock.close()
    resumed = [*stuck[::RESUMED], *slow[::RESUMED]]
    gevent.joinall([gevent.spawn(each.read_with_cuts, 0) for each in resumed], timeout=120, raise_error=True)
    return broken + checked(resumed, churn, run_id)


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
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as started:
        churn = Churn([started.port], 1, 60)
        broken = storm(started, churn, asked.readers) if asked.readers else []
        broken += stuck_ones(started, churn, asked.stuck) if asked.stuck else []
    for each in broken:
        print(f"BROKEN: {each}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
