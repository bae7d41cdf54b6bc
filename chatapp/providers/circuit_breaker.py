"""Whether a provider is worth asking: it is left alone for a while once it failed several times in a row. No I/O.

Each failed try costs its client seconds, and a provider that is overloaded recovers sooner unasked. What counts as
a failure is for whoever asks to say. One circuit per provider and process: another worker finds out by itself.
"""

from collections.abc import Callable
from time import monotonic


class Circuit:
    """Closed: everybody may ask. Open, after `failures` in a row: nobody, for `open_s` seconds. Half open, after that:
    one may, a probe, and its outcome closes or opens it again."""

    def __init__(self, failures: int, open_s: float, clock: Callable[[], float] = monotonic) -> None:
        self._limit = failures
        self._open_s = open_s
        self._clock = clock
        self._failures = 0
        self._open_until: float | None = None
        self._probe: Try | None = None

    def admit(self) -> "Try | None":
        """A try, whose outcome must be told; None where the provider is to be left alone."""
        if self._open_until is None:
            return Try(self)
        if self._probe is not None or self.wait_s > 0:
            return None
        self._probe = Try(self)
        return self._probe

    @property
    def wait_s(self) -> float:
        """Seconds until it may be asked again; 0 where nothing but another's probe stands in the way."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._clock())

    def _close(self) -> None:
        self._failures, self._open_until, self._probe = 0, None, None

    def _count(self, failed: "Try") -> None:
        if failed is self._probe or self._open_until is None:  # others began before it opened: nothing new
            self._failures += 1
            if self._failures >= self._limit:
                self._open_until = self._clock() + self._open_s
        self._forget(failed)

    def _forget(self, ended: "Try") -> None:
        if ended is self._probe:
            self._probe = None


class Try:
    """One request to the provider. `answered` may be told on the way; of the others exactly one, at its end."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit

    def answered(self) -> None:
        """The first event came. It lets others ask again: they need not wait for the whole reply of a probe."""
        if self is self._circuit._probe:
            self._circuit._close()

    def succeeded(self) -> None:
        self._circuit._close()

    def failed(self) -> None:
        self._circuit._count(self)

    def left(self) -> None:
        """It was stopped before it was clear how it would go."""
        self._circuit._forget(self)
