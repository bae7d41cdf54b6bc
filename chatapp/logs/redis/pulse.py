"""Shows that this process lives, and looks who else does, from `start` to `stop`."""

from collections.abc import Callable

import gevent

from chatapp.errors import LogUnavailable
from chatapp.logs.redis.lease import Leases, clock
from chatapp.logs.redis.store import Store
from chatapp.logs.redis.tuning import Tuning


class Pulse:
    """`check` is called every few seconds, `doubt` instead if this process stood still for so long
    that others may have taken its runs over."""

    def __init__(
        self, store: Store, leases: Leases, tuning: Tuning, check: Callable[[], None], doubt: Callable[[], None]
    ) -> None:
        self._store = store
        self._leases = leases
        self._tuning = tuning
        self._check = check
        self._doubt = doubt
        self._stopped = False
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """It ends at its next beat: nothing is thrown into it."""
        self._stopped = True

    def look(self) -> None:
        """Raises LogUnavailable."""
        self._leases.look(self._store.beats(), clock())

    def _run(self) -> None:
        beaten_at = checked_at = clock()
        while not self._stopped:
            now = clock()
            if now - beaten_at > self._tuning.lease_s:
                self._doubt()
            elif now - checked_at > self._tuning.check_s:
                checked_at = now
                self._check()
            beaten_at = now
            self._beat()
            gevent.sleep(self._tuning.beat_s)

    def _beat(self) -> None:
        try:
            self._store.beat()
            self.look()
        except LogUnavailable:  # the writer reports it; the next beat tries again
            pass
