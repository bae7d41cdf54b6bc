"""A run: one generation, from the provider's first byte to its end. It touches no client."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Literal

import msgspec

from chatapp.cancel import CancelScope
from chatapp.chat import Chat
from chatapp.errors import ChatappError, LogError, Rejected, RequestError, Truncated, Unavailable, Unreachable
from chatapp.events import (
    Entry,
    ErrorInfo,
    FinishReason,
    ReasoningDelta,
    RunEnd,
    RunStart,
    StreamEvent,
    TextDelta,
    Usage,
)
from chatapp.generation.finish import stopped_error
from chatapp.generation.media import Media, MediaLimits
from chatapp.generation.meter import Answering, RunMeter
from chatapp.generation.waiting import Waiting, Waits
from chatapp.hub import ITEM_WORK, TURN_WORK, let_others_run
from chatapp.logs import Appender
from chatapp.prices import PriceTable
from chatapp.providers import AttemptFailed, Finished, Progress, Provider, Started, StepFinished
from chatapp.providers.usage import estimate_prompt
from chatapp.transcript import Transcript

REFUSED = (Rejected, Unreachable, Unavailable, RequestError, LogError)
"""Errors of a request that nobody worked on, if no reply had begun."""

logger = logging.getLogger(__name__)


class RunStopped(Exception):
    """The run's scope was cancelled: by its owner (`cancelled`) or a shutdown (`interrupted`)."""

    def __init__(self, reason: FinishReason) -> None:
        super().__init__(reason)
        self.reason = reason


def cancelled() -> RunStopped:
    return RunStopped("cancelled")


def interrupted() -> RunStopped:
    return RunStopped("interrupted")


class Run:
    """One generation. `generate()` is its whole life; `stop`, or cancelling `scope`, ends it.

    `transcript` holds what is in the log, `attempts` the ones that failed; `answered_by` names the
    provider whose reply began last: a fallback, or the one that was asked. `skipped` counts what
    could not be read or carried of the replies, by its kind.
    """

    def __init__(
        self,
        run_id: str,
        trace_id: str,
        provider: Provider,
        chat: Chat,
        log: Appender,
        limits: MediaLimits | None = None,
        prices: PriceTable | None = None,
        waits: Waits | None = None,
    ) -> None:
        self.id = run_id
        self.trace_id = trace_id
        self.scope = CancelScope()
        self.transcript = Transcript()
        self.attempts: list[AttemptFailed] = []
        self.answered_by: str | None = None
        self.skipped: Counter[str] = Counter()
        self.start = _start(run_id, trace_id, provider, chat)
        self._provider = provider
        self._chat = chat
        self._log = log
        self._media = Media(limits or MediaLimits())
        self._waiting = Waiting(run_id, waits)
        self._asked = Answering(provider.name, chat.model)
        self._meter = RunMeter(chat.messages, self.transcript, asked=self._asked, prices=prices)

    def generate(self) -> RunEnd:
        """Write `run-start` and the provider's events; return how it ended. Raises no Exception."""
        try:
            self.append(self.start)
            finished = self._take_reply()
            self._tell_skipped()
            self.scope.check()  # a stop that came after the last wait
            return self._end(finished.reason, finished.usage, stop_sequence=finished.stop_sequence)
        except RunStopped as stopped:
            self._meter.upstream_closed()  # with the provider's iterator
            return self._end(stopped.reason, error=stopped_error(stopped.reason, self.trace_id))
        except ChatappError as error:
            return self.failed(error)
        except Exception:
            logger.exception("run %s failed, trace_id %s", self.id, self.trace_id)
            info = ErrorInfo("internal_error", "The server failed to make this answer.", True, self.trace_id)
            return self._end("error", error=info)

    def stop(self, reason: Callable[[], RunStopped]) -> None:
        """Stop it: `cancelled` or `interrupted`. It may be called in the hub."""
        self._meter.stop_asked()
        self.scope.cancel(reason)

    def failed(self, error: ChatappError) -> RunEnd:
        when = error.retry_after if isinstance(error, Rejected) and error.retry_after else msgspec.UNSET
        info = ErrorInfo(error.code, error.message, error.retryable, self.trace_id, when)
        return self._end("error", error=info, refused=isinstance(error, REFUSED))

    def rest(self, end: RunEnd) -> list[StreamEvent]:
        """What the log lacks up to the end: its first event too, if the log did not take that."""
        return [end] if self.transcript.start else [self.start, end]

    def append(self, event: StreamEvent) -> None:
        self.transcript.add(Entry(self._log.append(self.id, event), event, time.time()))

    def _take_reply(self) -> Finished:
        """Write the reply's events. If many are there at once, the other greenlets have their turns
        in between."""
        finished: Finished | None = None
        before: type | None = None
        work = 0
        with closing(self._provider.stream(self._chat, self.scope)) as items:  # type: ignore[type-var]
            for item in items:
                if isinstance(item, (TextDelta, ReasoningDelta)):  # nearly always
                    if type(item) is not before:  # to the meter all of a text is one
                        self._meter.event_came(item)
                    self.append(item)
                    work += len(item.text)
                elif isinstance(item, Progress):
                    self._take_progress(item)
                    finished = item if isinstance(item, Finished) else finished
                elif event := self._media.take(item):
                    self._meter.event_came(event)
                    self.append(event)
                    self._waiting.take(event)
                before = type(item)
                work += ITEM_WORK
                if work > TURN_WORK:
                    self.scope.run(let_others_run)
                    work = 0
        if finished is None:
            raise Truncated(f"{self._provider.name} ended its reply before it was complete")
        return finished

    def _take_progress(self, progress: Progress) -> None:
        match progress:
            case Started():
                self.answered_by = progress.provider or self._provider.name
                self._meter.reply_began(Answering(self.answered_by, progress.model or self._chat.model))
            case AttemptFailed():
                self.attempts.append(progress)
            case StepFinished():
                self.skipped.update(progress.skipped)
                self._meter.request_ended(progress.usage)
            case Finished():
                self.skipped.update(progress.skipped)

    def _tell_skipped(self) -> None:
        """A line beside the run's own: something of a good reply could not be read or carried."""
        if self.skipped:
            line = {
                "run_id": self.id,
                "trace_id": self.trace_id,
                "provider": self.answered_by,
                "skipped": dict(self.skipped),
            }
            logger.warning("parts of the reply were left out", extra={"fields": line})

    def _end(
        self,
        reason: FinishReason,
        usage: Usage | None = None,
        error: ErrorInfo | None = None,
        refused: bool = False,
        stop_sequence: str = "",
    ) -> RunEnd:
        meter = self._meter
        other = meter.answering if meter.answering != self._asked else ("", "")
        used, timing = meter.usage(usage, refused), meter.timing()
        return RunEnd(reason, used, timing, error, meter.reasoning_ms(), *other, stop_sequence)


def _start(run_id: str, trace_id: str, provider: Provider, chat: Chat) -> RunStart:
    reasoning: Literal["enabled", "disabled"] = "enabled" if chat.thinking else "disabled"
    return RunStart(
        run_id,
        trace_id,
        provider.name,
        chat.model,
        reasoning,
        time.time(),
        chat.session_id,
        estimate_prompt(chat.messages),
    )
