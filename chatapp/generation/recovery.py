"""Ends as `interrupted` the runs whose process died, and the answers lost before their run began.

Every process that shares the log does this. The log gives each run to one of them.
"""

import logging
import time
from collections.abc import Callable, Sequence

import gevent
from gevent.event import Event

from chatapp.events import StreamEvent
from chatapp.generation.finish import AnswerStore, finish_lost, finish_run, interrupted_end, lost_run
from chatapp.generation.observer import RunObserver
from chatapp.hub import let_others_run
from chatapp.logs import EventLog
from chatapp.prices import PriceTable
from chatapp.transcript import Transcript

RECOVER_S = 1.0  # how soon a dead process's runs are ended: its readers see no longer silence
ORPHAN_S = 60.0  # an answer without a log that is older than this was lost before its run began
ORPHANS_S = 15.0  # how often to look for such answers: there are some after a crash only
CREATES_S = 1.0  # in which a process whose log was held by another creates the logs of its runs
STOP_S = 3.0  # in which an end is written, even on a slow disk
RETRY_S = 30.0  # until a run that could not be ended is tried again

logger = logging.getLogger(__name__)


class Recovery:
    """Recovers once a second, from `start` to `stop`.

    `is_live` tells which runs this process makes. A run that cannot be ended is tried again after
    `retry_s`.
    """

    def __init__(
        self,
        log: EventLog,
        answers: AnswerStore,
        observer: RunObserver,
        is_live: Callable[[str], bool],
        retry_s: float = RETRY_S,
        prices: PriceTable | None = None,
        creates_s: float = CREATES_S,
    ) -> None:
        self._log = log
        self._answers = answers
        self._observer = observer
        self._is_live = is_live
        self._retry_s = retry_s
        self._creates_s = creates_s
        self._prices = prices or PriceTable()
        self._left: dict[str, float] = {}  # given to us once; when to try them (again)
        self._looked_for_orphans = -ORPHANS_S
        self._keeps_ends = False  # it has looked for them
        self._stopping = Event()
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._recover_for_ever)

    def stop(self) -> None:
        """It ends no further run. Waits for the one under way, but not for a store that stands
        still: nothing may be thrown into its call."""
        self._stopping.set()
        if self._greenlet is not None:
            self._greenlet.join(timeout=STOP_S)

    def recover(self) -> None:
        """One round. Raises what the stores raise, except for a single run that cannot be ended."""
        for run_id in self._log.adopt():
            logger.warning("run %s was left by a process that died: ending it", run_id)
            self._left[run_id] = 0.0
        for run_id, not_before in list(self._left.items()):
            if self._stopping.is_set():
                return
            if time.monotonic() >= not_before and self._end_left(run_id):
                del self._left[run_id]
        if time.monotonic() - self._looked_for_orphans >= ORPHANS_S:
            self._looked_for_orphans = time.monotonic()
            self._end_orphans()

    def _recover_for_ever(self) -> None:
        while not self._stopping.is_set():
            try:
                self.recover()
            except Exception:  # the store is away; the next round tries again
                logger.exception("recovery failed")
            self._stopping.wait(RECOVER_S)

    def _end_left(self, run_id: str) -> bool:
        """False if it cannot be ended now: then the others are not kept from their ends."""
        try:
            self._end_interrupted(run_id)
        except Exception:  # a log that cannot be read, whatever the store raises
            logger.exception("run %s cannot be ended now; next try in %s s", run_id, self._retry_s)
            self._left[run_id] = time.monotonic() + self._retry_s
            return False
        return True

    def _end_interrupted(self, run_id: str) -> None:
        transcript = self._transcript(run_id)
        finish_run(self._log, self._answers, run_id, transcript, self._rest(run_id, transcript))
        self._observer.ended(transcript, (), None)

    def _transcript(self, run_id: str) -> Transcript:
        transcript = Transcript()
        while entries := self._log.read(run_id, transcript.last_seq):
            for entry in entries:
                transcript.add(entry)
            let_others_run()
        return transcript

    def _rest(self, run_id: str, transcript: Transcript) -> list[StreamEvent]:
        """What the log of such a run lacks."""
        if transcript.end is not None:
            return []
        if end := self._answers.kept_end(run_id):  # it died after keeping the answer
            return [end]
        return [interrupted_end(transcript, self._prices)] if transcript.start else lost_run(run_id)

    def _end_orphans(self) -> None:
        old = self._answers.unfinished(before=time.time() - ORPHAN_S)
        if not self._keeps_ends:
            self._keeps_ends = True
            self._keep_ends(old)
        lost = [run_id for run_id in old if self._has_no_log(run_id)]
        if not lost:
            return
        # Another process may have begun a run while the log was held. If the log takes this, it
        # takes that run too.
        self._log.settle(lost[0])
        self._stopping.wait(self._creates_s)
        for run_id in filter(self._has_no_log, lost):
            if self._stopping.is_set():
                return
            logger.warning("answer %s has no log: ending it", run_id)
            finish_lost(self._answers, run_id)

    def _keep_ends(self, run_ids: Sequence[str]) -> None:
        """Once, after the start: a power failure may have taken the last commits of the database,
        and not the ends of the same runs, which the log has on its disk."""
        for run_id in run_ids:
            if self._is_live(run_id) or not self._log.exists(run_id):
                continue
            transcript = self._transcript(run_id)
            if transcript.end is not None:
                logger.warning("the database lost the answer of run %s: keeping it again", run_id)
                self._answers.finish(run_id, transcript)

    def _has_no_log(self, run_id: str) -> bool:
        return not self._is_live(run_id) and not self._log.exists(run_id)
