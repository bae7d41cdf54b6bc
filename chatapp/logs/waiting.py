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
        self._waiting: list[Waiter[None]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def wait(self, seconds: float) -> None:
        """Return when woken, or after `seconds`."""
        hub = get_hub()
        waiter: Waiter[None] = Waiter(hub)
        timer = hub.loop.timer(seconds)
        timer.start(waiter.switch, None)
        self._waiting.append(waiter)
        try:
            waiter.get()
        finally:
            timer.close()
            if waiter in self._waiting:  # else `wake` took it out
                self._waiting.remove(waiter)

    def wake(self) -> None:
        """Let all of them go on, in a later turn of the loop: the caller is not interrupted."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            run_callback = get_hub().loop.run_callback
            for waiter in waiting:
                run_callback(waiter.switch, None)


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
