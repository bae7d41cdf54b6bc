"""What it means to a run when one of its readers leaves: nothing, its end, or its end unless the
client returns.

The readers of a run are counted in this process; the log tells whether another process has some.
The visits of its client are counted in the database, because the next one may come to another
worker (docs/decisions/0008-an-eventsource-comes-back.md, 0032-readers-elsewhere.md).
"""

import logging
from collections.abc import Callable
from contextlib import suppress

import gevent
import msgspec

from chatapp.errors import ChatappError, UnknownRun
from chatapp.logs import Attendance
from chatapp.reading.presence import Presence, Present

logger = logging.getLogger(__name__)


class OnLeave(msgspec.Struct, frozen=True):
    """Of one reader of a run. `stops`: its leaving stops the run; with a `visit` (the number of
    this connection of its client) only if the client does not return."""

    run_id: str
    stops: bool = False
    visit: int | None = None

    @property
    def is_bound(self) -> bool:
        """Whether the run ends with this reader, whoever else reads it."""
        return self.stops and self.visit is None


class DisconnectPolicy:
    """`cancel` stops a run, in whichever process it is; `visits` tells how often its client has
    connected again; `attendance` knows the readers in other processes. A client that returns within
    `grace_s` seconds stops nothing. `later` calls a function after so many seconds."""

    def __init__(
        self,
        presence: Presence,
        attendance: Attendance,
        cancel: Callable[[str], None],
        visits: Callable[[str], int],
        grace_s: float,
        later: Callable[..., object] = gevent.spawn_later,
    ) -> None:
        self._presence = presence
        self._attendance = attendance
        self._cancel = cancel
        self._visits = visits
        self._grace_s = grace_s
        self._later = later

    def reader_opened(self, on_leave: OnLeave) -> None:
        present = self._presence.enter(on_leave.run_id)
        if on_leave.is_bound or present.shared:
            return  # most runs have no other reader than the bound one, and nobody asks for that
        try:
            self._attendance.attend(on_leave.run_id)
            present.shared = True
        except ChatappError as error:
            logger.warning("other workers do not know of a reader of run %s: %s", on_leave.run_id, error)

    def reader_closed(self, on_leave: OnLeave, early: bool) -> None:
        """`early`: the client went before the end of the run."""
        stops = early and on_leave.stops
        left = self._presence.leave(on_leave.run_id, on_leave.visit if stops else None)
        if early and on_leave.is_bound:
            self.stop(on_leave.run_id)
        visit = left and self._awaited(on_leave.run_id, left)
        if visit is not None:
            self._later(self._grace_s, self._stop_unless_back, on_leave.run_id, visit)

    def _awaited(self, run_id: str, left: Present) -> int | None:
        """The visit that the run waits for, now that nobody reads it here."""
        if not left.shared:
            return left.visit
        try:
            return self._attendance.leave(run_id, left.visit)
        except ChatappError as error:
            logger.warning("run %s, whose reader left, goes on: %s", run_id, error)
            return None

    def stop(self, run_id: str) -> None:
        """Cancel the run; a failure is logged, because nobody is left to be told. May wait for
        another process."""
        try:
            with suppress(UnknownRun):  # it ended long ago
                self._cancel(run_id)
        except ChatappError as error:
            logger.warning("run %s, whose reader left, was not stopped: %s", run_id, error)

    def _stop_unless_back(self, run_id: str, visit: int) -> None:
        if self._presence.stays(run_id, visit):
            return
        try:
            back = self._attendance.attended(run_id, visit) or self._visits(run_id) != visit
        except ChatappError as error:
            logger.warning("run %s, whose reader left, goes on: %s", run_id, error)
            return
        if not back:
            self.stop(run_id)
