"""The time limits of one call to a provider, whose waits end when its run is stopped."""

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any, ParamSpec, TypeVar

from gevent import get_hub, getcurrent

from chatapp.cancel import CancelScope
from chatapp.errors import UpstreamTimeout

P = ParamSpec("P")
T = TypeVar("T")


class Deadline:
    """Limits the silence and the total time of one call, both in seconds.

    A call waits in a scope of its own inside its run's, which the limits cancel. One timer
    serves the whole call and looks again when it fires: a timeout object for each read would cost
    more. Only time spent in `run` counts as the provider's silence. If gevent has not patched the
    process, no hub runs while a socket waits: sockets have timeouts of their own then, and the
    total is checked before each wait.
    """

    def __init__(self, scope: CancelScope, who: str, silence: float, total: float) -> None:
        self.who = who
        self._scope = scope.inner()
        self._hub = get_hub()
        self._silence = silence
        self._total = total
        self._end = monotonic() + total
        self._since: float | None = None
        self._timer: Any = None
        self._look_in(min(silence, total))

    def run(self, block: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Wait for the provider in `block`.

        Raises UpstreamTimeout or the reason of the run's scope.
        """
        self._since = now = monotonic()
        if now > self._end:
            self._look()
        try:
            return self._scope.run(block, *args, **kwargs)
        finally:
            self._since = None

    def wait(self, watcher: Any) -> None:
        """Wait until the watcher fires. It is active only here: it must not end any other wait."""
        self._since = monotonic()
        watcher.start(getcurrent().switch)
        try:
            self._scope.run(self._hub.switch)
        finally:
            watcher.stop()
            self._since = None

    def allow_silence(self, seconds: float) -> None:
        self._silence = seconds
        self._look_in(min(seconds, self._end - monotonic()))

    def limit_rest(self, seconds: float) -> None:
        """Leave at most this much time from now on."""
        self._end = min(self._end, monotonic() + seconds)
        self._look_in(self._end - monotonic())

    def cancel(self, reason: Callable[[], BaseException]) -> None:
        """End the call, whatever its run does."""
        self._scope.cancel(reason)

    def close(self) -> None:
        self._scope.close()
        self._stop_timer()

    def _look(self) -> None:
        """Cancel the call if it is late, else look again. Runs in the hub, mostly."""
        now = monotonic()
        silent_at = (self._since or now) + self._silence
        if now >= self._end:
            late = f"{self.who} took longer than {self._total:g} s for its reply (setting upstream_total_timeout_s)"
            self._scope.cancel(partial(UpstreamTimeout, late))
        elif now >= silent_at:
            silent = f"{self.who} sent nothing for {self._silence:g} s (setting upstream_silence_timeout_s)"
            self._scope.cancel(partial(UpstreamTimeout, silent))
        else:
            self._look_in(min(silent_at, self._end) - now)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None

    def _look_in(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self._hub.loop.timer(max(seconds, 0.001))
        self._timer.start(self._look, update=True)
