"""A server under churn and faults for minutes or hours, watched: what must hold, and a picture.

    make soak                                          # 5 minutes
    SOAK_MINUTES=15 make soak                          # and its picture in soak.svg
    .venv/bin/python bench/soak.py --minutes 60 --readers 200 --picture soak.svg

Clients ask, follow from several places at once, are cut at any byte and resume, or go away without
a word. Every so often a worker is killed with SIGKILL, the workers are replaced (SIGHUP), another
process holds the event log, or a worker stands still for some seconds. The checks are those of the
tests (tests/invariants.py). It ends with 1 if one of them failed.
"""

import argparse
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from gevent import monkey

monkey.patch_all()

import gevent

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from invariants import Applied, Broken, Holdings, check_clients

from chatapp.wire.frames import ServerEvent, SSEDecoder

CHATAPP = Path(sys.executable).with_name("chatapp")
FAULT_S = 20.0  # between two faults: what one broke is whole again before the next
SAMPLE_S = 1.0
PATIENCE_S = 120.0  # in which a client comes to the end of its run, whatever breaks
LEAVES_SHARE = 0.1  # of the clients: they go without a word
AWAY = (OSError, HTTPException, ValueError)


class Sample(NamedTuple):
    at_s: float
    memory_mib: float
    descriptors: int
    first_ms: float  # from a request to the first byte of its stream, the slowest since the last sample


class Soak:
    def __init__(self, port: int, master: int, data: Path, readers: int) -> None:
        self.samples: list[Sample] = []
        self.counts: Counter[str] = Counter()
        self.broken: list[str] = []
        self._port = port
        self._master = master
        self._data = data
        self._readers = readers
        self._first_ms = 0.0
        self._began = time.monotonic()
        self._goes_on = True

    def run(self, seconds: float) -> None:
        gevent.spawn(self._sample_for_ever)
        askers = [gevent.spawn(self._ask_for_ever) for _ in range(max(1, self._readers // 4))]
        faults = [self._kill_worker, self._replace_workers, self._hold_log, self._stop_worker]
        while time.monotonic() - self._began + FAULT_S < seconds:
            gevent.sleep(FAULT_S)
            fault = faults[self.counts["faults"] % len(faults)]
            self.counts["faults"] += 1
            fault()
        gevent.sleep(max(0.0, seconds - (time.monotonic() - self._began)))
        self._goes_on = False
        gevent.joinall(askers, timeout=PATIENCE_S)

    def _ask_for_ever(self) -> None:
        while self._goes_on:
            try:
                self._one_run()
            except Broken as broken:
                self.broken.append(str(broken))
            except gevent.Timeout:
                self.broken.append(f"a run did not come to its end within {PATIENCE_S:g} s")

    def _one_run(self) -> None:
        """Ask, and follow with four clients; one may leave for good."""
        posted = self._json("POST", "/api/v1/messages", {"prompt": "soak", "provider": "mock"})
        clients = [Applied() for _ in range(4)]
        with gevent.Timeout(PATIENCE_S):
            follows = [gevent.spawn(self._follow, posted["id"], client) for client in clients]
            gevent.joinall(follows, raise_error=True)
            message = self._json("GET", f"/api/v1/messages/{posted['id']}")
        stayed = [client for client, follow in zip(clients, follows, strict=True) if follow.value]
        check_clients(stayed, message["content"])
        self.counts["runs"] += 1
        self.counts[f"ended: {message['finish_reason']}"] += 1

    def _follow(self, run_id: str, applied: Applied) -> bool:
        """False if the client leaves without a word."""
        while applied.ended is None:
            try:
                if not self._connect(run_id, applied):
                    return False
            except AWAY:
                self.counts["reconnects"] += 1
                gevent.sleep(random.uniform(0.05, 0.5))
        return True

    def _connect(self, run_id: str, applied: Applied) -> bool:
        cut_after = random.choice([None, 2, 10, 40])
        asked = time.monotonic()
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            headers = {"Last-Event-ID": str(applied.last)} if applied.last else {}
            connection.request("GET", f"/api/v1/messages/{run_id}/events", headers=headers)
            response = connection.getresponse()
            if response.status == 204:
                raise Broken(f"204 for a client without its terminal event, after {applied.last}")
            if response.status != 200:
                raise HTTPException(str(response.status))
            self._first_ms = max(self._first_ms, (time.monotonic() - asked) * 1000)
            decoder = SSEDecoder()
            while data := response.read1(65_536):
                for event in decoder.feed(data):
                    if is_passing(event):
                        raise HTTPException("the store is away")
                    applied.apply(event, text_of)
                self.counts["reads"] += 1
                cut_after = None if cut_after is None else cut_after - 1
                if cut_after == 0:
                    self.counts["cuts"] += 1
                    return random.random() > LEAVES_SHARE
        return True

    def _json(self, method: str, path: str, body: object = None) -> Any:
        """From whichever worker answers; asked again while none does."""
        key = {"Idempotency-Key": random.randbytes(8).hex()} if method == "POST" else {}
        while True:
            try:
                with closing(HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
                    headers = {"Content-Type": "application/json", **key}
                    connection.request(method, path, json.dumps(body) if body else None, headers)
                    response = connection.getresponse()
                    if response.status < 300:
                        return json.loads(response.read())
                    self.counts[f"refused: {response.status}"] += 1
            except AWAY:
                self.counts["reconnects"] += 1
            gevent.sleep(0.2)

    def _sample_for_ever(self) -> None:
        while self._goes_on:
            held = [held for pid in self._workers() if (held := holdings(pid))]
            memory, descriptors = sum(each.memory_kib for each in held) / 1024, sum(each.descriptors for each in held)
            self.samples.append(Sample(time.monotonic() - self._began, memory, descriptors, self._first_ms))
            self._first_ms = 0.0
            gevent.sleep(SAMPLE_S)

    def _workers(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self._master}/task/{self._master}/children").read_text().split()]

    def _kill_worker(self) -> None:
        os.kill(random.choice(self._workers()), signal.SIGKILL)

    def _replace_workers(self) -> None:
        os.kill(self._master, signal.SIGHUP)

    def _hold_log(self) -> None:
        with closing(sqlite3.connect(self._data / "log.sqlite3", isolation_level=None, timeout=5)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            gevent.sleep(8)
            connection.execute("ROLLBACK")

    def _stop_worker(self) -> None:
        worker = random.choice(self._workers())
        os.kill(worker, signal.SIGSTOP)
        gevent.sleep(5)
        os.kill(worker, signal.SIGCONT)


def text_of(event: ServerEvent) -> str:
    return str(json.loads(event.data)["delta"]) if event.type == "content_delta" else ""


def is_passing(event: ServerEvent) -> bool:
    """An error of this response, not of the run: it has no id, and the client resumes."""
    return event.type == "error" and json.loads(event.data).get("code") in ("log_unavailable", "overloaded")


def holdings(pid: int) -> Holdings | None:
    try:
        return Holdings.of(pid)
    except (OSError, AssertionError):  # it has ended
        return None


@contextmanager
def server(data: Path) -> Iterator[tuple[int, int]]:
    """The port and the master's pid of a server of two workers."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    env = {name: value for name, value in os.environ.items() if not name.startswith("CHATAPP_")}
    env |= {"PORT": str(port), "CHATAPP_DATA": str(data), "WEB_CONCURRENCY": "2", "CHATAPP_HEARTBEAT_S": "2"}
    env |= {"CHATAPP_LOG_RETENTION_S": "300", "CHATAPP_MAX_OWNER_SHARE": "1"}
    with (data.parent / "output").open("wb") as output:
        process = subprocess.Popen([CHATAPP, "serve"], env=env, stdout=output, stderr=output, start_new_session=True)
    try:
        wait_for(lambda: b"chatapp is ready" in (data.parent / "output").read_bytes())
        yield port, process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(look: Callable[[], bool], seconds: float = 60.0) -> None:
    with gevent.Timeout(seconds):
        while not look():
            gevent.sleep(0.1)


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
    with tempfile.TemporaryDirectory() as folder, server(Path(folder) / "var") as (port, master):
        soak = Soak(port, master, Path(folder) / "var", asked.readers)
        soak.run(asked.minutes * 60)
    asked.picture.write_text(picture(soak.samples))
    for name, count in sorted(soak.counts.items()):
        print(f"{name:24}{count:10}")
    early, late = soak.samples[len(soak.samples) // 4], soak.samples[-1]
    for sample in (early, late):
        print(f"at {sample.at_s:5.0f} s: {sample.memory_mib:.0f} MiB, {sample.descriptors} descriptors")
    for broken in soak.broken[:20]:
        print(f"BROKEN: {broken}")
    print(f"{len(soak.broken)} invariants broken; {asked.picture} shows memory, descriptors and latency")
    return 1 if soak.broken else 0


if __name__ == "__main__":
    sys.exit(main())
