"""The last steps of a run: its end in the log, its answer in the conversation, in an order that survives a crash
between any two of them.

The answer is kept before the end can be seen: who has read the terminal event finds the answer in its conversation,
and a next question sent at once is asked with it. A store that is away is tried until it is back.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

import gevent

from chatapp.errors import UnknownRun
from chatapp.events import Entry, RunEnd, StreamEvent
from chatapp.logs import LogWriter
from chatapp.transcript import Transcript, transcript_of

RETRY_S, MAX_RETRY_S = 0.5, 30.0  # while a store is away

logger = logging.getLogger(__name__)


class AnswerStore(Protocol):
    """Where answers are kept once they ended."""

    def finish(self, answer_id: str, transcript: Transcript) -> None: ...

    def kept_end(self, answer_id: str) -> RunEnd | None:
        """How a kept answer ended; None while it is not kept."""
        ...

    def unfinished(self, before: float) -> Sequence[str]:
        """Ids of answers that were begun before this time (epoch seconds) and not finished."""
        ...


def finish_run(
    log: LogWriter, answers: AnswerStore, run_id: str, transcript: Transcript, rest: Sequence[StreamEvent]
) -> None:
    """Write `rest`, the events that the log lacks up to its `run-end`; keep the answer; let the log go."""
    _insist(lambda: log.sync(run_id))  # what is kept must not be more than what was shown
    for event in rest:
        transcript.add(Entry(transcript.last_seq + 1, event))
    kept = _try(lambda: answers.finish(run_id, transcript))
    for event in rest:
        _insist(lambda event=event: log.append(run_id, event))  # type: ignore[misc]
    if not kept:  # nobody waits for the end of the stream until a database is back
        _insist(lambda: answers.finish(run_id, transcript))
    _insist(lambda: log.sync(run_id))
    _insist(lambda: log.settle(run_id))


def finish_without_log(answers: AnswerStore, run_id: str, events: Sequence[StreamEvent]) -> None:
    """Keep what there is of a run that could not have a log."""
    transcript = transcript_of([Entry(seq, event) for seq, event in enumerate(events, 1)])
    _insist(lambda: answers.finish(run_id, transcript))


def _try(step: Callable[[], object]) -> bool:
    try:
        step()
    except UnknownRun:
        raise  # the log was given to somebody else, who ends it
    except Exception:  # whatever a store raises
        logger.exception("the end of a run cannot be written now")
        return False
    return True


def _insist(step: Callable[[], object]) -> None:
    pause = RETRY_S
    while not _try(step):
        gevent.sleep(pause)
        pause = min(pause * 2, MAX_RETRY_S)
