"""Ends the streams of a credential that has ended: revoked, expired, signed out, taken back.

One greenlet for a process asks once a second about all credentials that have a stream open, however
many they are. It lives only while there are any.
"""

import logging
from collections.abc import Callable, Collection

import gevent

from chatapp.errors import DatabaseUnavailable

EVERY_S = 1.0

logger = logging.getLogger(__name__)


class CredentialWatch:
    """`ended` gives those of the credentials that have ended; it may wait. `watching`: there are
    streams to end."""

    def __init__(self, ended: Callable[[Collection[str]], Collection[str]], every_s: float = EVERY_S) -> None:
        self._ended = ended
        self._every_s = every_s
        self._open: dict[str, set[Callable[[], object]]] = {}
        self.watching = False

    def enter(self, credential: str, end: Callable[[], object]) -> Callable[[], None]:
        """Call `end` once the credential has ended. Call what is returned when the stream is over.
        An empty credential never ends."""
        if not credential:
            return _nothing
        self._open.setdefault(credential, set()).add(end)
        if not self.watching:
            self.watching = True
            gevent.spawn(self._watch)
        return lambda: self._leave(credential, end)

    def _leave(self, credential: str, end: Callable[[], object]) -> None:
        ends = self._open.get(credential, set())
        ends.discard(end)
        if not ends:
            self._open.pop(credential, None)

    def _watch(self) -> None:
        try:
            while self._open:
                gevent.sleep(self._every_s)
                self._end(self._ended_now())
        finally:
            self.watching = False

    def _ended_now(self) -> Collection[str]:
        try:
            return self._ended(list(self._open))
        except DatabaseUnavailable as error:  # nothing can be known; what is open stays open
            logger.warning("open streams are not checked: %s", error)
            return ()

    def _end(self, credentials: Collection[str]) -> None:
        for credential in credentials:
            for end in self._open.pop(credential, set()):
                end()


def _nothing() -> None:
    """For a stream that ends by itself."""
