"""What it means to a run that one of its readers leaves: nothing, its end, or its end unless somebody comes back.

Who reads a run is counted in this process, who came back to it in the database, for that may be at another worker.
(docs/decisions/0008-an-eventsource-comes-back.md)
"""

import logging
from contextlib import suppress

import gevent
import msgspec

from chatapp.errors import ChatappError, UnknownRun
from chatapp.web import Services

logger = logging.getLogger(__name__)


class OnLeave(msgspec.Struct, frozen=True):
    """Of one reader of the run. `awaited`: it may come back, and has done so for the so-manieth time."""

    run_id: str
    stops: bool = False
    awaited: int | None = None


def over(app: Services, leaving: OnLeave, early: bool) -> None:
    """A response, counted with `app.attendance.enter`, is over; `early`: the client went before the end of the run."""
    stops = early and leaving.stops
    turn = app.attendance.leave(leaving.run_id, leaving.awaited if stops else None)
    if stops and leaving.awaited is None:
        stop(app, leaving.run_id)
    elif turn is not None:
        gevent.spawn_later(app.settings.come_back_s, _stop_unless_back, app, leaving.run_id, turn)


def stop(app: Services, run_id: str) -> None:
    """Nobody is there any more to be told of a failure. May wait for another process."""
    try:
        with suppress(UnknownRun):  # it ended long ago
            app.runs.cancel(run_id)
    except ChatappError as error:
        logger.warning("run %s, which its reader left, was not stopped: %s", run_id, error)


def _stop_unless_back(app: Services, run_id: str, turn: int) -> None:
    if app.attendance.stays(run_id, turn):
        return
    try:
        back = app.conversations.returns(run_id) != turn
    except ChatappError as error:
        logger.warning("run %s, which its reader left, goes on: %s", run_id, error)
        return
    if not back:
        stop(app, run_id)
