"""A run: one generation in a greenlet of its own, from the provider's first byte to the durable `run-end`.

It writes the log and touches no client. Whatever happens (an end, an error, Stop, a shutdown, a dead process)
the log gets exactly one `run-end`, and the answer is kept: by the run itself, or by `Runs.recover` in another
process when this one died.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Literal, Protocol

import gevent

from chatapp.cancel import CancelScope
from chatapp.chat import Began, Chat, Finish, Message
from chatapp.errors import ChatappError, Overloaded, Truncated, UnknownRun
from chatapp.events import (
    Entry,
    ErrorInfo,
    FinishReason,
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
from chatapp.logs import EventLog
from chatapp.providers import Provider
from chatapp.tracing import new_trace_id
from chatapp.transcript import Transcript

RECOVER_S = 1.0  # how soon the runs of a process that died are ended: within what a reader takes for alive
ORPHAN_S = 60.0  # an answer without a log, older than this, was lost before its run began
CLOSE_S = 3.0  # for stopped runs to write their end: some commits, even on a slow disk
RETRY_S, MAX_RETRY_S = 0.5, 30.0  # while a store is away at the end of a run
CHARS_PER_TOKEN = 4  # the usual rule of thumb, for what a provider did not count

logger = logging.getLogger(__name__)
run_logger = logging.getLogger("chatapp.run")


class AnswerStore(Protocol):
    """Where answers are kept once they ended."""

    def finish(self, answer_id: str, transcript: Transcript) -> None: ...

    def unfinished(self, before: float) -> Sequence[str]:
        """Ids of answers that were begun before this time (epoch seconds) and not finished."""
        ...


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
    """One generation. `run()` is its whole life; `scope` stops it."""

    def __init__(self, run_id: str, trace_id: str, provider: Provider, chat: Chat, log: EventLog) -> None:
        self.id = run_id
        self.trace_id = trace_id
        self.scope = CancelScope()
        self.transcript = Transcript()
        self._provider = provider
        self._chat = chat
        self._log = log
        self._started = time.monotonic()
        self._first_byte_ms: int | None = None
        self._first_token_ms: int | None = None

    def begin(self) -> None:
        """Create the log and write `run-start`: from here on the run can be followed and recovered."""
        self._log.create(self.id)
        reasoning: Literal["enabled", "disabled"] = "enabled" if self._chat.thinking else "disabled"
        self.append(RunStart(self.id, self.trace_id, self._provider.name, self._chat.model, reasoning, time.time()))

    def generate(self) -> RunEnd:
        """Write the provider's events; return how it ended. Never raises an Exception."""
        try:
            finish = self._take_reply()
            self.scope.check()  # a stop that came after the last wait
            return self._end(finish.reason, finish.usage)
        except RunStopped as stopped:
            return self._end(stopped.reason, error=_stopped_error(stopped.reason, self.trace_id))
        except ChatappError as error:
            info = ErrorInfo(error.code, error.message, error.retryable, self.trace_id)
            return self._end("error", error=info)
        except Exception:
            logger.exception("run %s failed, trace_id %s", self.id, self.trace_id)
            info = ErrorInfo("internal_error", "The server failed to make this answer.", True, self.trace_id)
            return self._end("error", error=info)

    def append(self, event: StreamEvent) -> None:
        self.transcript.add(Entry(self._log.append(self.id, event), event))

    def _take_reply(self) -> Finish:
        with closing(self._provider.stream(self._chat, self.scope)) as items:  # type: ignore[type-var]
            finish = None
            for item in items:
                if isinstance(item, Began):
                    self._first_byte_ms = self._elapsed_ms()
                elif isinstance(item, Finish):
                    finish = item
                else:
                    self._append_reply(item)
        if finish is None:
            raise Truncated(f"{self._provider.name} ended its answer without an end")
        return finish

    def _append_reply(self, event: StreamEvent) -> None:
        if self._first_token_ms is None and isinstance(event, (TextDelta, ReasoningDelta, ToolInputDelta, ToolCall)):
            self._first_token_ms = self._elapsed_ms()
        self.append(event)

    def _end(self, reason: FinishReason, usage: Usage | None = None, error: ErrorInfo | None = None) -> RunEnd:
        timing = Timing(self._first_byte_ms, self._first_token_ms, self._elapsed_ms())
        return RunEnd(reason, usage or estimate_usage(self._chat.messages, self.transcript), timing, error)

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)


class Runs:
    """The runs of this process, and those of processes that died."""

    def __init__(self, log: EventLog, answers: AnswerStore, max_live: int) -> None:
        self._log = log
        self._answers = answers
        self._max_live = max_live
        self._live: dict[str, tuple[Run, gevent.Greenlet[..., None]]] = {}
        self._draining = False
        log.on_cancel = self._cancel_here
        self._recovery = gevent.spawn(self._recover_for_ever)

    def admit(self) -> None:
        """Raise Overloaded where one more run would be too many. To be asked before anything is stored for it."""
        if self._draining:
            raise Overloaded("the server is going down; try again in a moment")
        if len(self._live) >= self._max_live:
            raise Overloaded(f"the server is making {self._max_live} answers already (setting max_live_runs)")

    def start(self, run_id: str, trace_id: str, provider: Provider, chat: Chat) -> None:
        """Begin the run in a greenlet of its own; it can be followed once this returns."""
        run = Run(run_id, trace_id, provider, chat, self._log)
        run.begin()
        greenlet = gevent.spawn(self._live_and_end, run)
        self._live[run_id] = run, greenlet

    def cancel(self, run_id: str) -> None:
        """Stop the run, in whichever process it is."""
        self._log.cancel(run_id)

    def recover(self) -> None:
        """End the runs whose process died as `interrupted`, and the answers that were lost before their run began."""
        for run_id in self._log.adopt():
            logger.warning("run %s was left by a process that died: ending it", run_id)
            self._end_left(run_id)
        for run_id in self._answers.unfinished(before=time.time() - ORPHAN_S):
            if not self._has_log(run_id):
                logger.warning("answer %s has no log: ending it", run_id)
                self._answers.finish(run_id, _lost_transcript(run_id))

    def drain(self, grace_s: float) -> None:
        """Start no more; give the live runs `grace_s` to end, then end them as `interrupted`."""
        self._draining = True
        gevent.joinall(self._greenlets(), timeout=grace_s)
        for run, _ in self._live.values():
            run.scope.cancel(interrupted)
        gevent.joinall(self._greenlets(), timeout=CLOSE_S)
        self._recovery.kill()

    def _live_and_end(self, run: Run) -> None:
        try:
            end = run.generate()
            self._conclude(run.id, run.transcript, lambda: run.append(end))
            _log_line(run.transcript)
        finally:
            del self._live[run.id]

    def _conclude(self, run_id: str, transcript: Transcript, append_end: Callable[[], None]) -> None:
        """Write the end, keep the answer, let the log go: each step until it works, for a store may be away."""
        _insist(append_end)
        _insist(lambda: self._log.sync(run_id))
        _insist(lambda: self._answers.finish(run_id, transcript))
        _insist(lambda: self._log.settle(run_id))

    def _end_left(self, run_id: str) -> None:
        transcript = Transcript()
        while entries := self._log.read(run_id, transcript.last_seq):
            for entry in entries:
                transcript.add(entry)

        def append_end() -> None:
            missing = _lost_transcript(run_id).entries if transcript.start is None else _interrupted_end(transcript)
            for _, event in missing if transcript.end is None else []:
                transcript.add(Entry(self._log.append(run_id, event), event))

        self._conclude(run_id, transcript, append_end)
        _log_line(transcript)

    def _has_log(self, run_id: str) -> bool:
        try:
            self._log.read(run_id)
        except UnknownRun:
            return False
        return True

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


def estimate_usage(asked: Sequence[Message], transcript: Transcript) -> Usage:
    """Tokens by length, for a provider that did not count or was stopped before it could."""
    prompt = _tokens("".join(message.content for message in asked))
    reasoning = _tokens(transcript.reasoning)
    completion = reasoning + _tokens(transcript.content)
    return Usage(prompt, completion, prompt + completion, reasoning, 0, estimated=True)


def _tokens(text: str) -> int:
    return -(-len(text) // CHARS_PER_TOKEN)


def _stopped_error(reason: FinishReason, trace_id: str) -> ErrorInfo | None:
    if reason == "cancelled":
        return None  # what was asked for is no error
    return ErrorInfo("interrupted", "The server stopped while it was making this answer.", True, trace_id)


def _interrupted_end(transcript: Transcript) -> list[Entry]:
    assert transcript.start is not None
    error = _stopped_error("interrupted", transcript.start.trace_id)
    total_ms = round((time.time() - transcript.start.created) * 1000)
    end = RunEnd("interrupted", estimate_usage([], transcript), Timing(total_ms=total_ms), error)
    return [Entry(transcript.last_seq + 1, end)]


def _lost_transcript(run_id: str) -> Transcript:
    """Of a run that died before its first event was durable."""
    transcript = Transcript()
    transcript.add(Entry(1, RunStart(run_id, new_trace_id(), "", "", "disabled", time.time())))
    for entry in _interrupted_end(transcript):
        transcript.add(entry)
    return transcript


def _insist(step: Callable[[], None]) -> None:
    pause = RETRY_S
    while True:
        try:
            return step()
        except UnknownRun:
            raise  # the log was given to somebody else, who ends it
        except Exception:  # whatever a store raises; the step is tried until it works
            logger.exception("the end of a run cannot be written; next try in %s s", pause)
            gevent.sleep(pause)
            pause = min(pause * 2, MAX_RETRY_S)


def _log_line(transcript: Transcript) -> None:
    """One JSON line a run: how it went, never what was said."""
    start, end = transcript.start, transcript.end
    if start is None or end is None:
        return
    line = {
        "run_id": start.run_id,
        "trace_id": start.trace_id,
        "provider": start.provider,
        "model": start.model,
        "finish": end.reason,
        "error": end.error and end.error.code,
        "latency_ms": end.timing.total_ms,
        "first_byte_ms": end.timing.first_byte_ms,
        "first_token_ms": end.timing.first_token_ms,
        "tokens": {"prompt": end.usage.prompt, "completion": end.usage.completion, "estimated": end.usage.estimated},
    }
    run_logger.info("run ended", extra={"fields": line})
