"""The runs of this process: each in a greenlet of its own, ended and kept whatever happens.

An end, an error, Stop, a shutdown, a dead process: the log gets exactly one `run-end`, and the answer is kept, by
the run's own greenlet, or by `RunSupervisor.recover` in another process when this one died.
"""

import logging
import time
from collections.abc import Sequence

import gevent

from chatapp.chat import Chat
from chatapp.errors import LogError, Overloaded
from chatapp.events import StreamEvent
from chatapp.generation.endings import interrupted_end, lost_transcript
from chatapp.generation.finish import AnswerStore, finish_run, finish_without_log
from chatapp.generation.run import Run, cancelled, interrupted
from chatapp.logs import EventLog
from chatapp.providers import AttemptFailed, Provider
from chatapp.transcript import Transcript

RECOVER_S = 1.0  # how soon the runs of a process that died are ended: within what a reader takes for alive
ORPHAN_S = 60.0  # an answer without a log, older than this, was lost before its run began
ORPHANS_S = 15.0  # how often such answers are looked for: there are some after a crash only
LEFT_S = 30.0  # until a left run that could not be read is tried again
CLOSE_S = 3.0  # for stopped runs to write their end: some commits, even on a slow disk

logger = logging.getLogger(__name__)
run_logger = logging.getLogger("chatapp.run")


class RunSupervisor:
    """The runs of this process, and those of processes that died."""

    def __init__(self, log: EventLog, answers: AnswerStore, max_live: int) -> None:
        self._log = log
        self._answers = answers
        self._max_live = max_live
        self._live: dict[str, tuple[Run, gevent.Greenlet[..., None]]] = {}
        self._left: dict[str, float] = {}  # of processes that died, given to us once; when to try them (again)
        self._orphans_sought = -ORPHANS_S
        self._draining = False
        self._recovery: gevent.Greenlet[..., None] | None = None
        log.listen(self._cancel_here)

    def start(self) -> None:
        """Begin to end the runs whose process died."""
        if self._recovery is None:
            self._recovery = gevent.spawn(self._recover_for_ever)

    def admit(self) -> None:
        """Raise Overloaded where one more run would be too many. To be asked before anything is stored for it."""
        if self._draining:
            raise Overloaded("the server is going down; try again in a moment")
        if len(self._live) >= self._max_live:
            raise Overloaded(f"the server is making {self._max_live} answers already (setting max_live_runs)")

    def begin(self, run_id: str, trace_id: str, provider: Provider, chat: Chat) -> None:
        """Begin the run in a greenlet of its own; it can be followed once this returns.

        Raises LogUnavailable; the answer is then ended all the same, so that nobody waits for it.
        """
        run = Run(run_id, trace_id, provider, chat, self._log)
        try:
            self._log.create(run_id)
        except LogError as error:
            gevent.spawn(finish_without_log, self._answers, run_id, run.rest(run.failed(error)))
            raise
        self._live[run_id] = run, gevent.spawn(self._live_and_end, run)

    def cancel(self, run_id: str) -> None:
        """Stop the run, in whichever process it is."""
        self._log.cancel(run_id)

    def recover(self) -> None:
        """End the runs whose process died as `interrupted`, and the answers that were lost before their run began."""
        for run_id in self._log.adopt():
            logger.warning("run %s was left by a process that died: ending it", run_id)
            self._left[run_id] = 0.0
        for run_id, not_before in list(self._left.items()):
            if time.monotonic() >= not_before and self._end_left(run_id):
                del self._left[run_id]
        if time.monotonic() - self._orphans_sought >= ORPHANS_S:
            self._orphans_sought = time.monotonic()
            self._end_orphans()

    def _end_orphans(self) -> None:
        for run_id in self._answers.unfinished(before=time.time() - ORPHAN_S):
            if run_id not in self._live and not self._log.exists(run_id):
                logger.warning("answer %s has no log: ending it", run_id)
                self._answers.finish(run_id, lost_transcript(run_id))

    def drain(self, grace_s: float) -> None:
        """Start no more; give the live runs `grace_s` to end, then end them as `interrupted`."""
        self._draining = True
        gevent.joinall(self._greenlets(), timeout=grace_s)
        for run, _ in self._live.values():
            run.scope.cancel(interrupted)
        gevent.joinall(self._greenlets(), timeout=CLOSE_S)
        if self._recovery is not None:
            self._recovery.kill()

    def _live_and_end(self, run: Run) -> None:
        try:
            end = run.generate()
            finish_run(self._log, self._answers, run.id, run.transcript, run.rest(end))
            _log_line(run.transcript, run.attempts, run.answered_by)
        finally:
            del self._live[run.id]

    def _end_left(self, run_id: str) -> bool:
        """One that cannot be ended now must not keep the others from it."""
        try:
            self._end_interrupted(run_id)
        except Exception:  # a log that cannot be read, whatever the store says of it
            logger.exception("run %s cannot be ended now; next try in %s s", run_id, LEFT_S)
            self._left[run_id] = time.monotonic() + LEFT_S
            return False
        return True

    def _end_interrupted(self, run_id: str) -> None:
        transcript = Transcript()
        while entries := self._log.read(run_id, transcript.last_seq):
            for entry in entries:
                transcript.add(entry)
        finish_run(self._log, self._answers, run_id, transcript, self._rest(run_id, transcript))
        _log_line(transcript)

    def _rest(self, run_id: str, transcript: Transcript) -> list[StreamEvent]:
        """What the log of a run lacks whose process died."""
        if transcript.end is not None:
            return []
        if end := self._answers.kept_end(run_id):  # it died between keeping the answer and saying so
            return [end]
        lost = interrupted_end(transcript) if transcript.start else lost_transcript(run_id).entries
        return [entry.event for entry in lost]

    def _cancel_here(self, run_id: str) -> None:
        """Called by the log, in the hub."""
        if run_id in self._live:
            self._live[run_id][0].scope.cancel(cancelled)

    def _recover_for_ever(self) -> None:
        while True:
            try:
                self.recover()
            except Exception:  # the store is away; the next round tries again
                logger.exception("recovery failed")
            gevent.sleep(RECOVER_S)

    def _greenlets(self) -> list["gevent.Greenlet[..., None]"]:
        return [greenlet for _, greenlet in self._live.values()]


def _log_line(transcript: Transcript, attempts: Sequence[AttemptFailed] = (), answered_by: str | None = None) -> None:
    """One JSON line a run: how it went, never what was said."""
    start, end = transcript.start, transcript.end
    if start is None or end is None:
        return
    line = {
        "run_id": start.run_id,
        "trace_id": start.trace_id,
        "provider": start.provider,
        "model": start.model,
        "answered_by": answered_by,
        "finish": end.reason,
        "error": end.error and end.error.code,
        "attempts": [{"provider": attempt.provider, "error": attempt.error} for attempt in attempts],
        "latency_ms": end.timing.total_ms,
        "first_byte_ms": end.timing.first_byte_ms,
        "first_token_ms": end.timing.first_token_ms,
        "tokens": {"prompt": end.usage.prompt, "completion": end.usage.completion, "estimated": end.usage.estimated},
    }
    run_logger.info("run ended", extra={"fields": line})
