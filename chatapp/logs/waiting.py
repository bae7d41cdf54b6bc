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

    __slots__ = ("_waits",)

    def __init__(self) -> None:
        self._waits: dict[_Wait, None] = {}

    def __bool__(self) -> bool:
        return bool(self._waits)

    def wait(self, seconds: float, goes_on: Callable[[], bool] | None = None) -> None:
        """Return when woken, or after `seconds`.

        `goes_on` is called in the hub by each wake-up; if it returns True, the greenlet sleeps on:
        to wake it costs as much as what there is to do for a token. What it raises is raised here.
        """
        hub = get_hub()
        wait = _Wait(Waiter(hub), goes_on)
        timer = hub.loop.timer(seconds)
        timer.start(wait.waiter.switch, None)
        self._waits[wait] = None
        try:
            wait.waiter.get()
        finally:
            wait.is_over = True
            timer.close()
            del self._waits[wait]

    def wake(self) -> None:
        """Let all of them go on, in a later turn of the loop: the caller is not interrupted."""
        if self._waits:
            run_callback = get_hub().loop.run_callback
            for wait in self._waits:
                if not wait.is_called:
                    wait.is_called = True
                    run_callback(wait.look)

    def end(self) -> None:
        """Wake also those that would go on waiting: there is nothing to wait for any more."""
        for wait in self._waits:
            wait.goes_on = None
        self.wake()


class _Wait:
    """One wait of a greenlet, until it `is_over`. `is_called`: its wake-up is on its way."""

    __slots__ = ("goes_on", "is_called", "is_over", "waiter")

    def __init__(self, waiter: "Waiter[None]", goes_on: Callable[[], bool] | None) -> None:
        self.is_called = self.is_over = False
        self.waiter = waiter
        self.goes_on = goes_on

    def look(self) -> None:
        """In the hub: wake the greenlet, unless it goes on waiting."""
        self.is_called = False
        if self.is_over:
            return
        try:
            goes_on = self.goes_on is not None and self.goes_on()
        except Exception as error:  # noqa: BLE001  raised again, where the greenlet waits
            self.waiter.throw(error)
            return
        if not goes_on:
            self.waiter.switch(None)


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
