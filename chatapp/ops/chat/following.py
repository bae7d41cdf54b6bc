"""Follows a run in the `message` dialect to its end, through cut connections and restarts, and
stops it on Ctrl-C."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, NamedTuple, Self

from chatapp.errors import ChatappError
from chatapp.ops.http import NoConnection, Refused, Site
from chatapp.wire.frames import ServerEvent, SSEDecoder

ENDS = ("completed", "error")
PATIENCE_S = 60.0  # a restart with a drain takes half of it
PAUSES_S = 0.2, 2.0  # between two attempts: the first, and the longest

Sleep = Callable[[float], object]


class Heard(NamedTuple):
    """An event: its name, and its data as JSON."""

    name: str
    data: dict[str, Any]


def follow(
    site: Site, run_id: str, on_cut: Callable[[str], object], patience_s: float = PATIENCE_S, sleep: Sleep = time.sleep
) -> Iterator[Heard]:
    """Every event of the run, each once, up to the terminal one.

    If the connection is lost, `on_cut` is told and it goes on behind the last event. Raises
    ChatappError if nothing could be heard for `patience_s`.
    """
    place = _Place()
    heard_at, pause = time.monotonic(), PAUSES_S[0]
    while True:
        try:
            for heard in _connection(site, run_id, place):
                heard_at, pause = time.monotonic(), PAUSES_S[0]
                yield heard
                if heard.name in ENDS:
                    return
            if place.complete:
                return
            problem: ChatappError = NoConnection(f"{site.url} closed the connection")
        except (NoConnection, Refused) as error:
            problem = error
        if not problem.retryable or time.monotonic() - heard_at > patience_s:
            raise problem
        on_cut(problem.message)
        sleep(pause)
        pause = min(2 * pause, PAUSES_S[1])


class _Place:
    """Where the client is: the last id that it has; `complete` if there is no more to come."""

    def __init__(self) -> None:
        self.last_id = ""
        self.complete = False


def _connection(site: Site, run_id: str, place: _Place) -> Iterator[Heard]:
    """The events of one connection."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": place.last_id} if place.last_id else {})
    decoder = SSEDecoder()
    with site.stream(f"/api/v1/messages/{run_id}/events", headers) as stream:
        place.complete = stream.status == 204
        for piece in stream.pieces():
            for event in decoder.feed(piece):
                heard = _heard(event)
                if heard.name == "error" and event.last_event_id in ("", place.last_id) and heard.data.get("retryable"):
                    # It has no id of its own: this response failed, not the run.
                    raise NoConnection(str(heard.data.get("message")))
                yield heard
                place.last_id = event.last_event_id or place.last_id


def _heard(event: ServerEvent) -> Heard:
    try:
        data = json.loads(event.data)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise Refused(f"not an event of chatapp: {event.type}", 200)
    return Heard(event.type, data)


class StopOnInterrupt:
    """Inside, the first Ctrl-C calls `stop`, beside what goes on, which it does not disturb: the
    run's own end ends it. A second one raises KeyboardInterrupt, for a server that does not answer.

    `stopped` tells whether there was one. In another thread than the main one it does nothing.
    """

    def __init__(self, stop: Callable[[], object]) -> None:
        self.stopped = False
        self._stop = stop
        self._is_main = threading.current_thread() is threading.main_thread()
        self._before: Any = None

    def __enter__(self) -> Self:
        if self._is_main:
            self._before = signal.signal(signal.SIGINT, self._interrupted)
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _traceback: TracebackType | None) -> None:
        if self._is_main:
            signal.signal(signal.SIGINT, self._before)

    def _interrupted(self, _signal: int, _frame: FrameType | None) -> None:
        if self.stopped:
            raise KeyboardInterrupt
        self.stopped = True
        threading.Thread(target=self._call, daemon=True).start()

    def _call(self) -> None:
        try:
            self._stop()
        except ChatappError:
            self.stopped = False  # the next Ctrl-C tries again
