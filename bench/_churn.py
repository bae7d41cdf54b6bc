"""Clients that ask, follow from several places at once, are cut at any byte and resume, or go away
without a word; and check what they see by the invariants of the tests (tests/invariants.py).

A client takes any server of several, and any error of a response that is not the end of its run, as
what it is: it comes back. Only what contradicts a promise is written down as `broken`.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

import _paths  # noqa: F401
import gevent
from invariants import Applied, Broken, check_clients

from chatapp.wire.frames import ServerEvent, SSEDecoder

LEAVES_SHARE = 0.1  # of the clients: they go without a word
AWAY = (OSError, HTTPException, ValueError)
CLIENTS = 4  # of each run
ANSWER_S = 60.0  # in which a server that says nothing is left


class Churn:
    """Asks `askers` questions at a time of the servers at `ports`, from `start` to `stop`.

    `broken` holds what must not be. `counts` says what was; `longest` the slowest so far, in
    seconds: an `answer` to a question, the `first byte` of a stream, a `silence` within one. A run
    must come to its end within `patience_s`.
    """

    def __init__(self, ports: Sequence[int], askers: int, patience_s: float, **question: Any) -> None:
        self.counts: Counter[str] = Counter()
        self.longest: dict[str, float] = {"answer": 0.0, "first byte": 0.0, "silence": 0.0}
        self.broken: list[str] = []
        self._ports = ports
        self._count = askers
        self._patience_s = patience_s
        self._question = {"prompt": "soak", "provider": "mock", **question}
        self._askers: list[gevent.Greenlet[..., None]] = []
        self._goes_on = False

    def start(self) -> None:
        self._goes_on = True
        self._askers = [gevent.spawn(self._ask_for_ever) for _ in range(self._count)]

    def stop(self) -> None:
        """Return when the runs that are under way have ended."""
        self._goes_on = False
        gevent.joinall(self._askers, timeout=self._patience_s)

    def _ask_for_ever(self) -> None:
        while self._goes_on:
            try:
                with gevent.Timeout(self._patience_s):
                    self._one_run()
            except Broken as broken:
                self.broken.append(str(broken))
            except gevent.Timeout:
                self.broken.append(f"a run did not come to its end within {self._patience_s:g} s")

    def _one_run(self) -> None:
        """Ask, and follow with several clients; one may leave for good."""
        posted = self.json("POST", "/api/v1/messages", self._question)
        clients = [Applied() for _ in range(CLIENTS)]
        follows = [gevent.spawn(self._follow, posted["id"], client) for client in clients]
        try:
            gevent.joinall(follows, raise_error=True)
        finally:
            gevent.killall(follows)
        message = self._ended(posted["id"])
        stayed = [client for client, follow in zip(clients, follows, strict=True) if follow.value]
        check_clients(stayed, message["content"])
        self.counts["runs"] += 1
        self.counts[f"ended: {message['finish_reason']}"] += 1

    def _ended(self, run_id: str) -> Any:
        """The message, once it is stored: a database that was away gets it a moment later."""
        while (message := self.json("GET", f"/api/v1/messages/{run_id}"))["status"] != "done":
            gevent.sleep(0.2)
        return message

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
        asked = time.monotonic()
        with closing(self._connection()) as connection:
            headers = {"Last-Event-ID": str(applied.last)} if applied.last else {}
            connection.request("GET", f"/api/v1/messages/{run_id}/events", headers=headers)
            response = connection.getresponse()
            if response.status == 204:
                raise Broken(f"204 for a client without its terminal event, after {applied.last}")
            if response.status != 200:
                raise HTTPException(str(response.status))
            self._note("first byte", asked)
            return self._read(response, applied)

    def _read(self, response: HTTPResponse, applied: Applied) -> bool:
        decoder, cut_after = SSEDecoder(), random.choice([None, 2, 10, 40])
        since = time.monotonic()
        while data := response.read1(65_536):
            since = self._note("silence", since)
            for event in decoder.feed(data):
                if is_passing(event, applied):
                    raise HTTPException("the store is away")
                applied.apply(event, text_of)
            self.counts["reads"] += 1
            cut_after = None if cut_after is None else cut_after - 1
            if cut_after == 0:
                self.counts["cuts"] += 1
                return random.random() > LEAVES_SHARE
        return True

    def json(self, method: str, path: str, body: object = None) -> Any:
        """From whichever server answers; asked again while none does."""
        key = {"Idempotency-Key": random.randbytes(8).hex()} if method == "POST" else {}
        while True:
            asked = time.monotonic()
            try:
                with closing(self._connection()) as connection:
                    headers = {"Content-Type": "application/json", **key}
                    connection.request(method, path, json.dumps(body) if body else None, headers)
                    response = connection.getresponse()
                    self._note("answer", asked)
                    if response.status < 300:
                        return json.loads(response.read())
                    self.counts[f"refused: {response.status}"] += 1
            except AWAY:
                self.counts["reconnects"] += 1
            gevent.sleep(0.2)

    def _connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", random.choice(self._ports), timeout=ANSWER_S)

    def _note(self, what: str, since: float) -> float:
        now = time.monotonic()
        self.longest[what] = max(self.longest[what], now - since)
        return now


def text_of(event: ServerEvent) -> str:
    return str(json.loads(event.data)["delta"]) if event.type == "content_delta" else ""


def is_passing(event: ServerEvent, applied: Applied) -> bool:
    """An error of this response, not of the run: it has no id of its own, and the client resumes."""
    return event.type == "error" and event.last_event_id in ("", str(applied.last))
