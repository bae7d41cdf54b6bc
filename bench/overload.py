"""Twice the load that a server was sized for, in numbers.

    .venv/bin/python bench/overload.py
    .venv/bin/python bench/overload.py --streams 100 --rounds 1

The server has places for as many streams as are measured. By turns they are alone, and as many
clients again ask for a stream each, over and over: the surplus must be refused at once, with the
time after which to come again, and the others be served as before. It ends with 1 if something was
broken. Linux only.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from gevent import monkey

monkey.patch_all()

import gevent
from _healthy import Streams, compared
from _load import BODY
from _servers import Host, host

PACE_MS, SECONDS = 50, 10.0
REFUSED_S = 1.0  # in which a client must know
SETTINGS = {"WEB_CONCURRENCY": "1", "CHATAPP_MAX_OWNER_SHARE": "1"}


class Surplus:
    """Clients that the server has no place for. Each comes again when it was told to, as a client
    of the usual SDKs does, and once a second if it was not told."""

    def __init__(self, server: Host, count: int) -> None:
        self.statuses: Counter[str] = Counter()
        self.waits_s: list[float] = []
        self._port = server.port
        self._count = count
        self._greenlets: list[gevent.Greenlet[..., None]] = []

    def start(self) -> None:
        self._greenlets = [gevent.spawn(self._ask_for_ever) for _ in range(self._count)]

    def stop(self) -> None:
        gevent.killall(self._greenlets)

    def broken(self) -> list[str]:
        self.waits_s.sort()
        p99 = self.waits_s[int(0.99 * (len(self.waits_s) - 1))]
        told = ", ".join(f"{count} × {status}" for status, count in self.statuses.items())
        print(f"the surplus was told {told}; after {p99 * 1000:.0f} ms (p99)", flush=True)
        broken = [f"the surplus was told {status}" for status in self.statuses if status not in REFUSALS]
        return broken + [f"refusing took {p99:.1f} s (p99)"] * (p99 > REFUSED_S)

    def _ask_for_ever(self) -> None:
        gevent.sleep(random.random())
        while True:
            asked = time.monotonic()
            with closing(HTTPConnection("127.0.0.1", self._port, timeout=30)) as connection:
                connection.request("POST", "/chat/stream", BODY, {"Content-Type": "application/json"})
                response = connection.getresponse()
                self.waits_s.append(time.monotonic() - asked)
                again = response.getheader("Retry-After")
                self.statuses[f"{response.status}{' with' if again else ' without'} Retry-After"] += 1
            gevent.sleep(float(again or 1) * random.uniform(0.75, 1.25))


REFUSALS = ("429 with Retry-After", "503 with Retry-After")


def main() -> int:
    parser = argparse.ArgumentParser(description="Twice the load that a server was sized for.")
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    streams = Streams(asked.streams, PACE_MS, SECONDS)
    alone, beside, broken = [], [], []
    with tempfile.TemporaryDirectory() as folder, streams.provider() as config:
        path = Path(folder) / "chatapp.toml"
        path.write_text(config)
        sized = {"CHATAPP_MAX_LIVE_RUNS": str(asked.streams), "CHATAPP_MAX_READERS": str(asked.streams)}
        with host(Path(folder) / "var", {**SETTINGS, **sized, "CHATAPP_CONFIG": str(path)}) as server:
            for _ in range(asked.rounds):
                alone.append(streams.measure(server))
                gevent.sleep(2)  # its streams have left
                surplus = Surplus(server, asked.streams)
                beside.append(streams.measure(server, surplus.start))
                surplus.stop()
                broken += surplus.broken()
                gevent.sleep(2)
    broken += compared(alone, beside, "the surplus")
    for each in broken:
        print(f"BROKEN: {each}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
