"""A recorded body, served again as if it came from its provider: for front ends, without a key.

Only the connection is replaced. The body goes through the adapter of its protocol like any other,
so the events, the raw bytes and the failures are those of the real stream. A body records no times:
its frames follow each other at a fixed interval.
"""

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Self

import gevent

from chatapp.cancel import CancelScope
from chatapp.errors import Unreachable
from chatapp.wire.deadline import Deadline
from chatapp.wire.response import UpstreamResponse
from chatapp.wire.upstream import UpstreamRequest

TOTAL_S = 900.0
INTERVAL_S = 0.02  # between two frames: about as fast as a quick model speaks
CONTENT_TYPES = {b"{": "application/json", b"[": "application/json", b"<": "text/html"}

_frames = re.compile(rb".+?(?:\r\n\r\n|\n\n|\r\r|\Z)", re.DOTALL)


class RecordedTransport:
    """Answers every request with the file's content, one frame every `interval` seconds.

    `lines`: a line is a frame (NDJSON). `total_s` is the time limit for a reply. The file is read
    again for each reply, so it can be edited meanwhile.
    """

    def __init__(self, path: Path, interval: float, *, lines: bool = False, total_s: float = TOTAL_S) -> None:
        self._path = path
        self._interval = interval
        self._lines = lines
        self._total_s = total_s

    def open(
        self, request: UpstreamRequest, scope: CancelScope, who: str, total_timeout: float | None = None
    ) -> UpstreamResponse:
        try:
            body = self._path.read_bytes()
        except OSError as error:
            raise Unreachable(f"{who} cannot read its recording: {error.strerror}") from None
        deadline = Deadline(scope, who, self._total_s, total_timeout or self._total_s)
        return _RecordedResponse(body, frames_of(body, lines=self._lines), self._interval, deadline)


def frames_of(body: bytes, *, lines: bool = False) -> list[bytes]:
    """The body, cut after each frame. A body of JSON or HTML is one piece."""
    if lines:
        return body.splitlines(keepends=True)
    return [body] if body.lstrip()[:1] in CONTENT_TYPES else _frames.findall(body)


class _RecordedResponse:
    """The response of a RecordedTransport: there is no connection behind it."""

    def __init__(self, body: bytes, frames: list[bytes], interval: float, deadline: Deadline) -> None:
        self.content_type = CONTENT_TYPES.get(body.lstrip()[:1], "text/event-stream")
        self._pieces = self._paced(frames, interval, deadline)
        self._deadline = deadline

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> bytes:
        return next(self._pieces, b"")

    def body(self) -> Iterator[bytes]:
        return self._pieces

    def rest(self, within: float) -> Iterator[bytes]:
        return self._pieces

    def drain(self) -> None:
        """Do nothing: no connection waits to be used again."""

    def close(self) -> None:
        self._pieces.close()
        self._deadline.close()

    def _paced(self, frames: list[bytes], interval: float, deadline: Deadline) -> Generator[bytes, None, None]:
        for frame in frames:
            deadline.run(gevent.sleep, interval)
            yield frame
