"""How a greenlet waits in the hub: until it is woken, or for a time. It knows nothing of logs.

A waiting greenlet may be thrown out of its wait at any moment (`chatapp.cancel`). A wake-up that
was already on its way then wakes nobody: each wait has its own `Waiter`, which switches only into
its own `get`.
"""

from collections.abc import Callable

from gevent import get_hub
from gevent.hub import Waiter


class Waiters:
    """The greenlets that wait for the same event."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[_Wait] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def wait(self, seconds: float, goes_on: Callable[[], bool] | None = None) -> None:
        """Return when woken, or after `seconds`.

        `goes_on` is called in the hub by each wake-up; if it returns True, the greenlet sleeps on:
        to wake it costs as much as what there is to do for a token. What it raises is raised here.
        """
        hub = get_hub()
        wait = _Wait(Waiter(hub), goes_on)
        timer = hub.loop.timer(seconds)
        timer.start(wait.waiter.switch, None)
        self._waiting.append(wait)
        try:
            wait.waiter.get()
        finally:
            wait.is_over = True
            timer.close()
            if wait in self._waiting:  # else `wake` took it out
                self._waiting.remove(wait)

    def wake(self) -> None:
        """Let all of them go on, in a later turn of the loop: the caller is not interrupted."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            run_callback = get_hub().loop.run_callback
            for wait in waiting:
                run_callback(self._end_or_sleep_on, wait)

    def _end_or_sleep_on(self, wait: "_Wait") -> None:
        """In the hub."""
        if wait.is_over:
            return
        try:
            goes_on = wait.goes_on is not None and wait.goes_on()
        except Exception as error:  # noqa: BLE001  raised again, where the greenlet waits
            wait.waiter.throw(error)
            return
        if goes_on:
            self._waiting.append(wait)
        else:
            wait.waiter.switch(None)


class _Wait:
    """One wait of a greenlet, until it `is_over`."""

    __slots__ = ("goes_on", "is_over", "waiter")

    def __init__(self, waiter: "Waiter[None]", goes_on: Callable[[], bool] | None) -> None:
        self.is_over = False
        self.waiter = waiter
        self.goes_on = goes_on


class Alarm:
    """Calls a function in the hub, so many seconds after `set`. Setting it again moves the call."""

    def __init__(self, function: Callable[[], None]) -> None:
        self.is_set = False
        self._function = function
        self._loop = get_hub().loop
        self._timer = self._loop.timer(0)

    def set(self, seconds: float) -> None:
        self._timer.close()
        self._timer = self._loop.timer(seconds)  # a new one: restarted, a used one fires at once
        self._timer.start(self._ring)
        self.is_set = True

    def clear(self) -> None:
        self._timer.close()
        self.is_set = False

    def _ring(self) -> None:
        self.clear()
        self._function()
