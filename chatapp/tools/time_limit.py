"""A time limit that can be paused: a call's time does not run while its owner is asked."""

import time
from types import TracebackType
from typing import Any, Self

from gevent import get_hub, getcurrent


class TimeOver(BaseException):
    """Thrown into the greenlet when its time is over. Not an Exception, like `gevent.Timeout`: a
    tool must not take it for a failure of its own."""


class TimeLimit:
    """Throws `TimeOver` into the greenlet that entered it after so many seconds, not counting those
    in which it was paused. Pauses nest; any greenlet may call for them."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._greenlet: Any = None
        self._timer: Any = None
        self._since = 0.0
        self._pauses = 0

    def __enter__(self) -> Self:
        self._greenlet = getcurrent()
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._greenlet = None
        self._stop()

    def pause(self) -> None:
        self._pauses += 1
        self._stop()

    def resume(self) -> None:
        self._pauses -= 1
        if not self._pauses and self._greenlet is not None:
            self._start()

    def _start(self) -> None:
        self._since = time.monotonic()
        self._timer = get_hub().loop.timer(max(self._left, 0.001))
        self._timer.start(self._greenlet.throw, TimeOver, update=True)

    def _stop(self) -> None:
        if self._timer is not None:
            self._left -= time.monotonic() - self._since
            self._timer.stop()
            self._timer.close()
            self._timer = None
