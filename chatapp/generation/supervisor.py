"""The runs of this process: each in a greenlet of its own, ended and kept whatever happens.

After an end, an error, a stop or a shutdown, the run's own greenlet gives the log exactly one
`run-end` and keeps the answer. If this process dies, another one's `Recovery` does.
"""

import logging
from collections.abc import Sequence
from functools import partial
from time import monotonic

import gevent

from chatapp.chat import Chat
from chatapp.errors import LogError, Overloaded, RunTimeout, UnknownRun
from chatapp.generation.finish import AnswerStore, finish_run, finish_without_log
from chatapp.generation.media import MediaLimits
from chatapp.generation.observer import Observers, RunObserver
from chatapp.generation.recovery import Recovery
from chatapp.generation.run import Run, cancelled, interrupted
from chatapp.generation.waiting import Waits
from chatapp.logs import EventLog
from chatapp.prices import PriceTable
from chatapp.providers import Provider
from chatapp.quotas.places import OwnerPlaces
from chatapp.trace import carrying

CLOSE_S = 3.0  # for stopped runs to write their end: some commits, even on a slow disk
TIMEOUT_S = 3600.0

logger = logging.getLogger(__name__)


class RunSupervisor:
    """Makes runs while there are `places` for their owners, and tells the observers of them.
    `media` limits the files and sources of each, `timeout_s` its time; `prices` say what it costs;
    `waits` keeps which of them wait for their owners.

    From `start` to `drain` it also recovers the runs of processes that died.
    """

    def __init__(
        self,
        log: EventLog,
        answers: AnswerStore,
        places: OwnerPlaces,
        observers: Sequence[RunObserver] = (),
        media: MediaLimits | None = None,
        prices: PriceTable | None = None,
        timeout_s: float = TIMEOUT_S,
        waits: Waits | None = None,
    ) -> None:
        self._log = log
        self._answers = answers
        self._places = places
        self._media = media
        self._prices = prices
        self._waits = waits
        self._timeout_s = timeout_s
        self._observer = Observers(observers)
        self._live: dict[str, tuple[Run, gevent.Greenlet[..., None]]] = {}
        self._draining = False
        self._recovery = Recovery(log, answers, self._observer, self._live.__contains__, prices=prices)
        log.listen(self._cancel_here)

    @property
    def live(self) -> int:
        """How many runs go on in this process."""
        return len(self._live)

    def start(self) -> None:
        self._recovery.start()

    def admit(self, owner: str) -> None:
        """Raise Overloaded if one more run is too many, LimitExceeded if it is for this owner. Ask
        before storing anything for it."""
        if self._draining:
            raise Overloaded("the server is shutting down; try again in a moment")
        self._places.check(owner)

    def begin(self, run_id: str, trace_id: str, provider: Provider, chat: Chat) -> None:
        """Begin the run in a greenlet of its own. Its log can be read once this returns.

        Raises LogUnavailable; the answer is ended all the same, so that nobody waits for it.
        """
        run = Run(run_id, trace_id, provider, chat, self._log, self._media, self._prices, self._waits)
        try:
            self._log.create(run_id)
        except LogError as error:
            gevent.spawn(finish_without_log, self._answers, run_id, run.rest(run.failed(error)))
            raise
        self._places.enter(chat.owner)
        self._live[run_id] = run, gevent.spawn(carrying(self._run), run, chat.owner)

    def cancel(self, run_id: str) -> None:
        """Stop the run, in whichever process it is. Raises UnknownRun, LogUnavailable."""
        self._log.cancel(run_id)

    def drain(self, grace_s: float) -> None:
        """Give the live runs `grace_s` to end, with those that begin meanwhile: requests come in on
        connections that are open. Then interrupt them, and admit no more."""
        deadline = monotonic() + grace_s
        while self._live and (left := deadline - monotonic()) > 0:
            gevent.joinall(self._greenlets(), timeout=left)
        if self._live or grace_s <= 0:
            self._draining = True
        for run, _ in self._live.values():
            run.stop(interrupted)
        gevent.joinall(self._greenlets(), timeout=CLOSE_S)
        self._recovery.stop()

    def _run(self, run: Run, owner: str) -> None:
        late = partial(RunTimeout, f"The answer took longer than {self._timeout_s:g} s (setting run_timeout_s).")
        timer = gevent.get_hub().loop.timer(self._timeout_s)
        timer.start(run.scope.cancel, late)
        try:
            self._observer.started(run.start)
            end = run.generate()
            finish_run(self._log, self._answers, run.id, run.transcript, run.rest(end))
            self._observer.ended(run.transcript, run.attempts, run.answered_by)
        except UnknownRun:  # this process was taken for dead: the other one ends the run
            logger.warning("run %s is another process's now", run.id)
        finally:
            timer.close()
            self._places.leave(owner)
            del self._live[run.id]

    def _cancel_here(self, run_id: str) -> None:
        """The log calls this in the hub."""
        if run_id in self._live:
            self._live[run_id][0].stop(cancelled)

    def _greenlets(self) -> list["gevent.Greenlet[..., None]"]:
        return [greenlet for _, greenlet in self._live.values()]
