"""What a large database costs: 10,000 conversations, one of 10,000 messages, a gigabyte in all.

    .venv/bin/python bench/growth.py                      # on SQLite; builds it in a minute
    .venv/bin/python bench/growth.py --gigabytes 0.3

It asks the same of a server with an empty database and of one with a large one, and prints how long
each answer took (the median and the longest of some), how long /healthz waited beside it at the
most, which is how long the hub was held, and what the worker holds in memory. Nothing of the large
one is in the search index yet: a search is asked for while that is being filled, all else without
that work beside it.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any

from gevent import monkey

monkey.patch_all()

import gevent
from _churn import AWAY
from _servers import Host, host
from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from chatapp.ids import new_id
from chatapp.storage.database import open_database
from chatapp.storage.search_tables import SearchQueueRow
from chatapp.storage.tables import ConversationRow, MessageRow

TIMES = 7
SETTINGS = {"WEB_CONCURRENCY": "1", "CHATAPP_MAX_MESSAGES": "1000000"}
BATCH = 500
FIRST_USED = 1_700_000_000.0
FIRST_EVENT = json.dumps(
    [
        [
            1,
            {"event": "run-start", "run_id": "r", "trace_id": "t", "provider": "mock", "model": "words"}
            | {"reasoning": "disabled", "created": 0.0},
        ],
        [2, {"event": "text-delta", "text": ""}],
        [3, {"event": "run-end", "reason": "stop", "usage": {}, "timing": {}}],
    ]
)


class Site:
    """One server, asked one thing at a time."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.longest_ms = 0.0  # that /healthz took
        gevent.spawn(self._watch)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        data, content_type = self.fetch(method, path, body)
        return json.loads(data) if content_type == "application/json" else data

    def fetch(self, method: str, path: str, body: object = None) -> tuple[bytes, str]:
        """Undecoded: to decode 10,000 messages would hold this process, and look like a server that is held."""
        with closing(HTTPConnection("127.0.0.1", self.host.port, timeout=120)) as connection:
            connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
            response = connection.getresponse()
            data = response.read()
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {data[:300]!r}")
        return data, response.headers["Content-Type"]

    def timed(self, what: Callable[[], object]) -> tuple[float, float, float]:
        """The median and the longest time of some, and how long the hub was held meanwhile, in ms."""
        what()
        self.longest_ms, took = 0.0, []
        for _ in range(TIMES):
            asked = time.monotonic()
            what()
            took.append((time.monotonic() - asked) * 1000)
        return median(took), max(took), self.longest_ms

    def answer(self, **ask: Any) -> str:
        """Ask, and read the answer to its end."""
        begun = self.ask("POST", "/api/v1/messages", {"prompt": "hi", "provider": "mock", "max_tokens": 1, **ask})
        self.ask("GET", begun["events_url"])
        return str(begun["id"])

    def _watch(self) -> None:
        while True:
            asked = time.monotonic()
            try:
                self.ask("GET", "/healthz")
            except AWAY:  # it has ended
                return
            self.longest_ms = max(self.longest_ms, (time.monotonic() - asked) * 1000)
            gevent.sleep(0.005)


def fill(data: Path, owner: str, conversations: int, messages: int, gigabytes: float) -> str:
    """Return the id of the long conversation."""
    database = open_database("", data)
    size = max(1, int(gigabytes * 1e9 / (3 * conversations)))  # a question, and an answer that is kept twice
    with Session(database.engine) as session:
        for number in range(conversations):
            _conversation(session, owner, f"conversation {number}", 2, size, number)
            if number % BATCH == 0:
                session.commit()
        long_id = _conversation(session, owner, "the long one", messages, min(size, 500), conversations)
        session.commit()
    database.close()
    return long_id


def _conversation(session: Session, owner: str, title: str, messages: int, size: int, place: int) -> str:
    """Each was used a minute after the one in the place before."""
    now, id = FIRST_USED + 60 * place, new_id("conv")
    session.execute(insert(ConversationRow).values(id=id, owner=owner, title=title, created=now, updated=now))
    parent, rows = None, []
    for number in range(messages):
        rows.append(_message(id, owner, parent, number % 2 == 1, ("word " * (size // 5 + 1))[:size], now))
        parent = rows[-1]["id"]
    session.execute(insert(MessageRow), rows)
    return id


def _message(
    conversation: str, owner: str, parent: str | None, is_answer: bool, text: str, now: float
) -> dict[str, Any]:
    entries = FIRST_EVENT.replace('"text": ""', f'"text": "{text}"') if is_answer else "[]"
    return {
        "id": new_id("msg"),
        "conversation_id": conversation,
        "owner": owner,
        "role": "assistant" if is_answer else "user",
        "status": "done",
        "content": text,
        "entries": entries,
        "provider": "mock" if is_answer else None,
        "model": "words" if is_answer else None,
        "superseded": False,
        "created": now,
        "parent": parent,
    }


def questions(site: Site, conversation: str) -> Iterator[tuple[str, Callable[[], object]]]:
    finished = site.answer()
    page = f"/api/v1/conversations/{conversation}/messages"
    yield "list", lambda: site.ask("GET", "/api/v1/conversations")
    yield "next page", lambda: _next_page(site, "/api/v1/conversations?limit=50")
    yield "open, last page", lambda: site.ask("GET", page)
    yield "open, page before", lambda: _next_page(site, page + "?limit=50")
    yield "open, all", lambda: site.fetch("GET", f"/api/v1/conversations/{conversation}")
    yield "page in a browser", lambda: site.ask("GET", f"/c/{conversation}")
    yield "ask anew", site.answer
    yield "ask in it", lambda: site.answer(conversation_id=conversation)
    yield "resume", lambda: site.ask("GET", f"/api/v1/messages/{finished}/events?after=2")
    yield "search, two letters", lambda: site.ask("GET", "/api/v1/search?q=qz")
    yield "export", lambda: site.fetch("GET", f"/api/v1/conversations/{conversation}/export")
    yield "/readyz", lambda: site.ask("GET", "/readyz")


def searches(site: Site, conversation: str) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "search while indexing", lambda: site.ask("GET", "/api/v1/search?q=word")
    yield "for nothing", lambda: site.ask("GET", "/api/v1/search?q=quetzalcoatl")


def _next_page(site: Site, path: str) -> None:
    following = site.ask("GET", path)["next"]
    if following:
        site.ask("GET", f"{path}&before={following}")


@contextmanager
def measured(folder: Path, fill_it: Callable[[Path, str], str] | None) -> Iterator[dict[str, tuple[float, ...]]]:
    data = folder / "var"
    with host(data, SETTINGS) as server:
        site = Site(server)
        conversation = site.ask("POST", "/api/v1/messages", {"prompt": "hi", "provider": "mock"})["conversation_id"]
        gevent.sleep(2)
    if fill_it is not None:
        began = time.monotonic()
        conversation = fill_it(data, _owner_of(data, conversation))
        gigabytes = sum(file.stat().st_size for file in data.glob("conversations*")) / 1e9
        print(f"built {gigabytes:.2f} GB in {time.monotonic() - began:.0f} s", flush=True)
    with host(data, SETTINGS) as server:
        site = Site(server)
        (before,) = server.holdings()
        figures = {name: site.timed(what) for name, what in searches(site, conversation)}
    _forget_the_queue(data)
    with host(data, SETTINGS) as server:
        site = Site(server)
        figures |= {name: site.timed(what) for name, what in questions(site, conversation)}
        (after,) = server.holdings()
        figures["memory, MiB"] = (before.memory_kib / 1024, after.memory_kib / 1024, 0)
        yield figures


def _forget_the_queue(data: Path) -> None:
    database = open_database("", data)
    with Session(database.engine) as session:
        session.execute(delete(SearchQueueRow))
        session.commit()
    database.close()


def _owner_of(data: Path, conversation: str) -> str:
    database = open_database("", data)
    with Session(database.engine) as session:
        owner = session.get_one(ConversationRow, conversation).owner
    database.close()
    return owner


def main() -> None:
    parser = argparse.ArgumentParser(description="What a large database costs.")
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    asked = parser.parse_args()

    def filled(data: Path, owner: str) -> str:
        return fill(data, owner, asked.conversations, asked.messages, asked.gigabytes)

    with tempfile.TemporaryDirectory() as small, measured(Path(small), None) as empty:
        pass
    with tempfile.TemporaryDirectory() as large, measured(Path(large), filled) as full:
        pass
    print(f"{'in ms':24}{'empty: median':>14}{'longest':>9}{'hub':>7}{'large: median':>15}{'longest':>9}{'hub':>7}")
    for name, small_figures in empty.items():
        print(
            f"{name:24}"
            + "".join(
                f"{figure:{w}.1f}"
                for figure, w in zip((*small_figures, *full[name]), (14, 9, 7, 15, 9, 7), strict=True)
            )
        )


if __name__ == "__main__":
    main()
