"""Whether a provider is worth asking: after several failures in a row it is not, for a while.

It does no I/O. Each failed request costs its client seconds, and an overloaded provider recovers
sooner if nobody asks it. The caller decides what counts as a failure. There is one breaker per
provider and process: another worker finds out by itself.
"""

from collections.abc import Callable
from time import monotonic


class CircuitBreaker:
    """Closed: it admits every request. Open: none. Half open: one, the probe.

    It opens after `failures` in a row. After `open_s` seconds it is half open, and the probe's
    outcome closes or opens it again.
    """

    def __init__(self, failures: int, open_s: float, clock: Callable[[], float] = monotonic) -> None:
        self._limit = failures
        self._open_s = open_s
        self._clock = clock
        self._failures = 0
        self._open_until: float | None = None
        self._probe: Trial | None = None

    def admit(self) -> "Trial | None":
        """A trial, which must be told its outcome; None while the provider is not to be asked."""
        if self._open_until is None:
            return Trial(self)
        if self._probe is not None or self.wait_s > 0:
            return None
        self._probe = Trial(self)
        return self._probe

    @property
    def wait_s(self) -> float:
        """Seconds until it may be asked again; 0 if only another request's probe is in the way."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._clock())

    def _close(self) -> None:
        self._failures, self._open_until, self._probe = 0, None, None

    def _count(self, failed: "Trial") -> None:
        if failed is self._probe or self._open_until is None:  # one from before it opened says nothing new
            self._failures += 1
            if self._failures >= self._limit:
                self._open_until = self._clock() + self._open_s
        self._forget(failed)

    def _forget(self, ended: "Trial") -> None:
        if ended is self._probe:
            self._probe = None


class Trial:
    """One request to the provider.

    `answered` may come on the way; exactly one of the others, at its end.
    """

    def __init__(self, breaker: CircuitBreaker) -> None:
        self._breaker = breaker

    def answered(self) -> None:
        """The first event arrived. Others need not wait for the rest of a probe's reply."""
        if self is self._breaker._probe:
            self._breaker._close()

    def succeeded(self) -> None:
        self._breaker._close()

    def failed(self) -> None:
        self._breaker._count(self)

    def abandoned(self) -> None:
        """It was stopped before its outcome was known."""
        self._breaker._forget(self)
