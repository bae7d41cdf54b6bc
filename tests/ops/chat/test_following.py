"""A run is followed to its end, whatever happens to the connections."""

import json
import os
import signal
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import pytest
from waiting import soon

from chatapp.errors import ChatappError
from chatapp.ops.chat.following import StopOnInterrupt, follow
from chatapp.ops.http import NoConnection, Refused

GONE = NoConnection("gone")


def frame(seq: int, name: str = "content_delta", id: bool = True, **data: Any) -> bytes:
    number = f"id: {seq}\n" if id else ""
    return f"event: {name}\n{number}data: {json.dumps(data or {'delta': str(seq)})}\n\n".encode()


class Script:
    """A site whose connections follow a script: each is a list of pieces, which may end with an error."""

    def __init__(self, *connections: list[bytes | Exception] | Exception | int) -> None:
        self.url = "http://here"
        self.asked: list[str | None] = []
        self._connections = list(connections)

    def stream(self, path: str, headers: dict[str, str]) -> "Connection":
        self.asked.append(headers.get("Last-Event-ID"))
        script = self._connections.pop(0)
        if isinstance(script, Exception):
            raise script
        return Connection(204, []) if isinstance(script, int) else Connection(200, script)


class Connection:
    def __init__(self, status: int, pieces: list[bytes | Exception]) -> None:
        self.status = status
        self._pieces = pieces

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _traceback: TracebackType | None) -> None:
        pass

    def pieces(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


def heard(site: Any, patience_s: float = 60.0) -> list[str]:
    cuts: list[str] = []
    events = follow(site, "run", cuts.append, patience_s, sleep=lambda _: None)
    return [str(event.data.get("delta", event.name)) for event in events]


END = frame(9, "completed", finish_reason="stop")


def test_a_run_ends_with_its_terminal_event() -> None:
    assert heard(Script([frame(1) + frame(2)[:9], frame(2)[9:], END, frame(10)])) == ["1", "2", "completed"]


@pytest.mark.parametrize("cut", [GONE, Refused("restarting", 502), Refused("draining", 503)])
def test_after_a_cut_it_goes_on_behind_the_last_event(cut: Exception) -> None:
    site = Script([frame(1), frame(2), frame(3)[:12], GONE], cut, cut, [frame(3), END])
    assert heard(site) == ["1", "2", "3", "completed"]
    assert site.asked == [None, "2", "2", "2"]


def test_a_connection_that_ends_without_an_end_is_a_cut_too() -> None:
    assert heard(Script([frame(1)], [b":\n"], [END])) == ["1", "completed"]


def test_an_error_without_an_id_is_of_the_response_and_not_of_the_run() -> None:
    failed = frame(1, "error", id=False, code="log_unavailable", message="away", retryable=True)
    assert heard(Script([frame(1), failed], [frame(2), END])) == ["1", "2", "completed"]


def test_a_run_that_failed_ends_with_its_error() -> None:
    assert heard(Script([frame(1), frame(2, "error", code="interrupted", message="x", retryable=True)])) == [
        "1",
        "error",
    ]


def test_nothing_more_to_come_is_an_end() -> None:
    assert heard(Script([frame(1)], 204)) == ["1"]


@pytest.mark.parametrize("problem", [Refused("no such answer", 404), Refused("who are you", 401)])
def test_what_waiting_does_not_mend_is_raised(problem: ChatappError) -> None:
    with pytest.raises(Refused, match=problem.message):
        heard(Script([frame(1)], problem))


def test_patience_ends() -> None:
    with pytest.raises(NoConnection, match="gone"):
        heard(Script(GONE, GONE), patience_s=0.0)


def test_another_kind_of_server_is_said() -> None:
    with pytest.raises(Refused, match="not an event of chatapp"):
        heard(Script([b"data: hello\n\n"]))


def test_the_first_interrupt_stops_beside_and_the_second_raises() -> None:
    stops: list[int] = []
    before = signal.getsignal(signal.SIGINT)  # of a job in the background it is to ignore it
    with StopOnInterrupt(lambda: stops.append(1)) as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        soon(lambda: stops)
        assert interrupt.stopped
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            soon(lambda: False)
    assert signal.getsignal(signal.SIGINT) is before
