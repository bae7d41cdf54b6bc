"""The last steps of a run, in an order that survives a crash between any two of them; and the ends
that no provider can give: of a run that was stopped, and of one whose process died.

The answer is kept before the end can be seen. So a client that has read the terminal event finds
the answer in its conversation, and a next question sent at once is asked with it. While a store is
away, each step is tried again until it is back.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import gevent

from chatapp.errors import LogLost, UnknownRun
from chatapp.events import Entry, ErrorInfo, FinishReason, RunEnd, RunStart, StreamEvent, Timing
from chatapp.logs import LogWriter
from chatapp.prices import PriceTable
from chatapp.providers.usage import estimated_usage
from chatapp.trace import new_trace_id
from chatapp.transcript import Transcript, transcript_of

RETRY_S, MAX_RETRY_S = 0.5, 2.0  # while a store is away: a run ends soon after it is back

logger = logging.getLogger(__name__)


class AnswerStore(Protocol):
    """Keeps answers once they have ended."""

    def finish(self, answer_id: str, transcript: Transcript) -> None: ...

    def kept_end(self, answer_id: str) -> RunEnd | None:
        """How a kept answer ended; None if it is not kept."""
        ...

    def unfinished(self, before: float) -> Sequence[str]:
        """Ids of answers begun before this time (epoch seconds) and not finished."""
        ...


def finish_run(
    log: LogWriter, answers: AnswerStore, run_id: str, transcript: Transcript, rest: Sequence[StreamEvent]
) -> None:
    """Write `rest`, the events that the log lacks up to its `run-end`; keep the answer.

    The log may go afterwards. If the store lost it, the answer is kept all the same. Raises
    UnknownRun if another process has the run now.
    """
    with suppress(LogLost):
        _insist(lambda: log.sync(run_id))  # the kept answer must not hold more than what was shown
    for event in rest:
        transcript.add(Entry(transcript.last_seq + 1, event, time.time()))
    kept = _try(lambda: answers.finish(run_id, transcript))
    with suppress(LogLost):
        for event in rest:
            _insist(lambda event=event: log.append(run_id, event))  # type: ignore[misc]
    if not kept:  # readers do not wait for the end of the stream until a database is back
        _insist(lambda: answers.finish(run_id, transcript))
    with suppress(LogLost):
        _insist(lambda: log.sync(run_id))
    _insist(lambda: log.settle(run_id))


def finish_without_log(answers: AnswerStore, run_id: str, events: Sequence[StreamEvent]) -> None:
    """Keep the answer of a run that could not have a log."""
    _insist(lambda: answers.finish(run_id, _transcript(events)))


def finish_lost(answers: AnswerStore, run_id: str) -> None:
    """Keep the answer of a run that was lost before it had a log."""
    answers.finish(run_id, _transcript(lost_run(run_id)))


def stopped_error(reason: FinishReason, trace_id: str) -> ErrorInfo | None:
    """The error of a run that was stopped; None if its owner asked for that."""
    if reason == "cancelled":
        return None
    return ErrorInfo("interrupted", "The server stopped while it was making this answer.", True, trace_id)


def interrupted_end(transcript: Transcript, prices: PriceTable) -> RunEnd:
    """The end of a run whose process died; it has begun. If it made several requests, the prompt of
    the first stands for all of them."""
    start = transcript.start
    assert start is not None
    error = stopped_error("interrupted", start.trace_id)
    total_ms = round(max(0.0, time.time() - start.created) * 1000)  # its clock may have been ahead
    usage = estimated_usage(start.asked_tokens, transcript.reasoning, transcript.content)
    priced = prices.priced(start.provider, start.model, usage)
    return RunEnd("interrupted", priced, Timing(total_ms=total_ms), error)


def lost_run(run_id: str) -> list[StreamEvent]:
    """All of a run whose process died before its first event was durable."""
    start = RunStart(run_id, new_trace_id(), "", "", "disabled", time.time())
    return [start, interrupted_end(_transcript([start]), PriceTable())]


def _transcript(events: Sequence[StreamEvent]) -> Transcript:
    return transcript_of([Entry(seq, event) for seq, event in enumerate(events, 1)])


def _try(step: Callable[[], object]) -> bool:
    try:
        step()
    except (UnknownRun, LogLost):
        raise  # another process has the run, or nobody has its log: trying again would not help
    except Exception:  # whatever a store raises
        logger.exception("the end of a run cannot be written now")
        return False
    return True


def _insist(step: Callable[[], object]) -> None:
    pause = RETRY_S
    while not _try(step):
        gevent.sleep(pause)
        pause = min(pause * 2, MAX_RETRY_S)
