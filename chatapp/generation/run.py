"""A run: one generation, from the provider's first byte to how it ended. It writes the log and touches no client."""

import logging
import time
from contextlib import closing
from typing import Literal

from chatapp.cancel import CancelScope
from chatapp.chat import Chat
from chatapp.errors import ChatappError, Truncated
from chatapp.events import (
    AttemptReset,
    Entry,
    ErrorInfo,
    FinishReason,
    PlanStep,
    Raw,
    ReasoningDelta,
    RunEnd,
    RunStart,
    StreamEvent,
    TextDelta,
    Timing,
    ToolCall,
    ToolInputDelta,
    Usage,
)
from chatapp.generation.endings import stopped_error
from chatapp.logs import Appender
from chatapp.providers import AttemptFailed, Finished, Provider, Started, StepFinished
from chatapp.providers.usage import estimate_usage
from chatapp.transcript import Transcript

logger = logging.getLogger(__name__)


class RunStopped(Exception):
    """A run's scope was cancelled: by its owner (`cancelled`), or because the server goes (`interrupted`)."""

    def __init__(self, reason: FinishReason) -> None:
        super().__init__(reason)
        self.reason = reason


def cancelled() -> RunStopped:
    return RunStopped("cancelled")


def interrupted() -> RunStopped:
    return RunStopped("interrupted")


class Run:
    """One generation. `generate()` is its whole life; `scope` stops it."""

    def __init__(self, run_id: str, trace_id: str, provider: Provider, chat: Chat, log: Appender) -> None:
        self.id = run_id
        self.trace_id = trace_id
        self.scope = CancelScope()
        self.transcript = Transcript()
        self.attempts: list[AttemptFailed] = []  # that failed
        self.answered_by: str | None = None  # a fallback, or the provider that was asked
        self.start = _start(run_id, trace_id, provider, chat)
        self._provider = provider
        self._chat = chat
        self._log = log
        self._started = time.monotonic()
        self._first_byte_ms: int | None = None
        self._first_token_ms: int | None = None
        self._thinking_since: float | None = None
        self._reasoning_ms: int | None = None
        self._spent: Usage | None = None  # by the requests of this run that have ended
        self._counted = 0, 0  # characters of reasoning and answer that are in it

    def generate(self) -> RunEnd:
        """Write `run-start` and the provider's events; return how it ended. Never raises an Exception."""
        try:
            self.append(self.start)
            finish = self._take_reply()
            self.scope.check()  # a stop that came after the last wait
            return self._end(finish.reason, finish.usage)
        except RunStopped as stopped:
            return self._end(stopped.reason, error=stopped_error(stopped.reason, self.trace_id))
        except ChatappError as error:
            return self.failed(error)
        except Exception:
            logger.exception("run %s failed, trace_id %s", self.id, self.trace_id)
            info = ErrorInfo("internal_error", "The server failed to make this answer.", True, self.trace_id)
            return self._end("error", error=info)

    def failed(self, error: ChatappError) -> RunEnd:
        return self._end("error", error=ErrorInfo(error.code, error.message, error.retryable, self.trace_id))

    def rest(self, end: RunEnd) -> list[StreamEvent]:
        """What the log lacks up to the end: its very first event too, where the log did not take that."""
        return [end] if self.transcript.start else [self.start, end]

    def append(self, event: StreamEvent) -> None:
        self.transcript.add(Entry(self._log.append(self.id, event), event))

    def _take_reply(self) -> Finished:
        with closing(self._provider.stream(self._chat, self.scope)) as items:  # type: ignore[type-var]
            finish = None
            for item in items:
                if isinstance(item, Started):
                    if self._first_byte_ms is None:
                        self._first_byte_ms = self._elapsed_ms()
                    self.answered_by = item.provider or self._provider.name
                elif isinstance(item, Finished):
                    finish = item
                elif isinstance(item, AttemptFailed):
                    self.attempts.append(item)
                elif isinstance(item, StepFinished):
                    self._spend(item.usage)
                else:
                    self._append_reply(item)
        if finish is None:
            raise Truncated(f"{self._provider.name} ended its answer without an end")
        return finish

    def _append_reply(self, event: StreamEvent) -> None:
        if self._first_token_ms is None and isinstance(event, (TextDelta, ReasoningDelta, ToolInputDelta, ToolCall)):
            self._first_token_ms = self._elapsed_ms()
        if isinstance(event, ReasoningDelta):
            if self._thinking_since is None:
                self._thinking_since = time.monotonic()
        elif self._thinking_since is not None and not isinstance(event, (Raw, PlanStep)):
            self._end_thinking()
        if isinstance(event, AttemptReset):
            self._reasoning_ms = None
        self.append(event)

    def _end_thinking(self) -> None:
        if self._thinking_since is not None:
            thought = round((time.monotonic() - self._thinking_since) * 1000)
            self._reasoning_ms, self._thinking_since = (self._reasoning_ms or 0) + thought, None

    def _end(self, reason: FinishReason, usage: Usage | None = None, error: ErrorInfo | None = None) -> RunEnd:
        self._end_thinking()
        timing = Timing(self._first_byte_ms, self._first_token_ms, self._elapsed_ms())
        usage = usage or self._estimate()
        spent = self._spent + usage if self._spent else usage
        return RunEnd(reason, spent, timing, error, self._reasoning_ms)

    def _spend(self, usage: Usage) -> None:
        self._spent = self._spent + usage if self._spent else usage
        self._counted = len(self.transcript.reasoning), len(self.transcript.content)

    def _estimate(self) -> Usage:
        reasoned, said = self._counted
        return estimate_usage(self._chat.messages, self.transcript.reasoning[reasoned:], self.transcript.content[said:])

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)


def _start(run_id: str, trace_id: str, provider: Provider, chat: Chat) -> RunStart:
    reasoning: Literal["enabled", "disabled"] = "enabled" if chat.thinking else "disabled"
    return RunStart(run_id, trace_id, provider.name, chat.model, reasoning, time.time(), chat.session_id)
