"""What requests to a large database cost the process, and how long each holds its hub: CPU times, in one process.

    .venv/bin/python bench/turns.py                       # 10,000 conversations, one of 10,000 messages, 0.3 GB

bench/growth.py asks a real server and needs a quiet machine. This one counts the CPU time of the
thread, so that a machine that does other work spoils little. `turn` is the longest time for which
one greenlet ran before it let the others run.
"""

import argparse
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from gevent import monkey

monkey.patch_all()

import gc

import gevent
import greenlet
from flask import Flask
from growth import fill

from chatapp.app import create_app
from chatapp.settings import Settings
from chatapp.web.warming import warm_up

TIMES = 7
OWNER = "local"  # a client without a cookie
LIST = "/api/v1/conversations"


class Turns:
    """The longest turn of a greenlet so far, in CPU seconds."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._hub, self._since = gevent.get_hub(), time.thread_time()
        greenlet.settrace(self._switched)

    def begin(self) -> None:
        gevent.sleep(0.001)
        self.longest = 0.0

    def _switched(self, _event: str, args: Any) -> None:
        now = time.thread_time()
        if args[0] is not self._hub:
            self.longest = max(self.longest, now - self._since)
        self._since = now


class Site:
    def __init__(self, app: Flask) -> None:
        self._app = app

    def get(self, path: str) -> Any:
        response = self._app.test_client().get(path)
        if response.status_code >= 300:
            raise SystemExit(f"{path}: {response.status_code} {response.data[:300]!r}")
        if "Content-Length" not in response.headers:  # it is told in pieces: a client would not hold them
            return sum(map(len, response.response))
        return response.get_json() if response.is_json else response.data

    def pages(self, path: str, count: int = 2) -> None:
        page = self.get(path)
        for _ in range(count - 1):
            page = self.get(f"{path}&before={page['next']}")

    def answer(self, **ask: Any) -> None:
        asked = {"prompt": "hi", "provider": "mock", "max_tokens": 1, **ask}
        self.get(self._app.test_client().post("/api/v1/messages", json=asked).get_json()["events_url"])


def questions(site: Site, long: str) -> Iterator[tuple[str, Callable[[], object]]]:
    page = f"{LIST}/{long}/messages?limit=50"
    yield "list", lambda: site.get(LIST)
    yield "list, two pages of 50", lambda: site.pages(f"{LIST}?limit=50")
    yield "page /", lambda: site.get("/")
    yield "open, last page", lambda: site.get(page)
    yield "open, two pages", lambda: site.pages(page)
    yield "open, all", lambda: site.get(f"{LIST}/{long}")
    yield "export", lambda: site.get(f"{LIST}/{long}/export")
    yield "ask anew", site.answer
    yield "ask in the long one", lambda: site.answer(conversation_id=long)
    yield "search", lambda: site.get("/api/v1/search?q=word")
    yield "search, two letters", lambda: site.get("/api/v1/search?q=qz")
    yield "/readyz", lambda: site.get("/readyz")


def measure(turns: Turns, what: Callable[[], object]) -> tuple[float, float]:
    """CPU time of one request, the median, and the longest turn, in ms."""
    what()
    gc.collect()
    gc.freeze()  # as a worker does
    turns.begin()
    used = []
    for _ in range(TIMES):
        began = time.process_time()
        gevent.spawn(what).get()
        used.append(time.process_time() - began)
    return median(used) * 1000, turns.longest * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description="What requests to a large database cost, in CPU ms.")
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--gigabytes", type=float, default=0.3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        long = fill(Path(folder), OWNER, asked.conversations, asked.messages, asked.gigabytes)
        with sqlite3.connect(Path(folder) / "conversations.sqlite3") as database:
            database.execute("DELETE FROM search_queue")  # nothing is indexed beside the requests
        app = create_app(Settings(data=Path(folder), max_messages=1_000_000), start=False)
        warm_up(app)
        turns = Turns()
        print(f"{'in ms of CPU':24}{'request':>9}{'turn':>9}")
        for name, what in questions(Site(app), long):
            print(f"{name:24}" + "".join(f"{figure:9.1f}" for figure in measure(turns, what)), flush=True)
        os._exit(0)


if __name__ == "__main__":
    main()
