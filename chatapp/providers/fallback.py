"""A provider that is tried again if it fails, then replaced by others.

To its caller it is one provider. Before a reply's first event nobody has seen anything: the same
provider is tried again if time may help, with growing pauses, then each fallback. One that failed
often just before is asked last, and nobody is refused while anybody can be asked. Each failed
request is reported as an `AttemptFailed`. After the first event a second answer would contradict
what was read, so the failure stands. Only if the configuration allows it the run goes on elsewhere,
and says so with an `AttemptReset` before anything else comes.
"""

import math
import random
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import gevent
import msgspec

from chatapp.cancel import CancelScope
from chatapp.chat import Chat
from chatapp.errors import (
    EmptyReply,
    RateLimited,
    Rejected,
    Reported,
    RequestError,
    Truncated,
    Unavailable,
    Unreachable,
    UpstreamError,
)
from chatapp.events import AttemptReset, ReasoningDelta, RunQueued, TextDelta
from chatapp.providers import AttemptFailed, Checks, Finished, Progress, Provider, ReplyItem, Started
from chatapp.providers.circuit_breaker import CircuitBreaker, Trial
from chatapp.providers.model_list import same_model

Sleep = Callable[[float], object]

FIRST_WAIT_S = 0.5  # doubled for each further pause
TEMPORARY = (Unreachable, RateLimited, Reported, Truncated, EmptyReply)
"""Errors that may be gone a moment later. Not a timeout: it took its time, and would again."""

TEMPORARY_STATUS = frozenset({408, 425, 500, 502, 503, 504, 529})


@dataclass(frozen=True)
class Retries:
    """How often a failed request is repeated, and the longest pause before, in seconds.

    A provider that asks for a longer one (`retry-after`) is not tried again for this reply.
    """

    times: int
    max_wait_s: float


@dataclass(frozen=True)
class Candidate:
    """A provider that can be asked, and what is known about its health."""

    provider: Provider
    breaker: CircuitBreaker
    retries: Retries


class FallbackProvider:
    """`first`, then each of `fallbacks` in order. It has the name and the models of the first.

    `midway`: go on at the next fallback also if a reply breaks off after its first event.
    """

    def __init__(
        self,
        first: Candidate,
        fallbacks: Sequence[Candidate] = (),
        *,
        midway: bool = False,
        sleep: Sleep = gevent.sleep,
    ) -> None:
        self.name = first.provider.name
        self._candidates = [first, *fallbacks]
        self._midway = midway
        self._sleep = sleep

    def models(self) -> Sequence[str]:
        return self._candidates[0].provider.models()

    def check(self, chat: Chat) -> None:
        """As the first one does. What a fallback cannot carry shows when it is asked."""
        if isinstance(self._candidates[0].provider, Checks):
            self._candidates[0].provider.check(chat)

    def stream(self, chat: Chat, scope: CancelScope) -> Generator[ReplyItem, None, None]:
        failures: dict[str, UpstreamError] = {}
        void = ""  # why what was shown is void, until something replaces it
        line = [*self._candidates]
        passed_over: set[str] = set()
        while line:
            candidate = line.pop(0)
            name = candidate.provider.name
            fitting = self._fitting(candidate, chat, scope)
            breaker, key = candidate.breaker, (fitting.model, chat.owner)
            trial = breaker.admit(*key)
            if trial is None and (wait_s := breaker.named_s(*key)):
                yield AttemptFailed(name, Unavailable.code)
                failures[name] = _unavailable(name, wait_s)
                continue
            if trial is None and line and name not in passed_over:
                yield AttemptFailed(name, Unavailable.code)
                passed_over.add(name)
                line.append(candidate)  # if the others fail too, it is asked after all
                continue
            reply = _Reply(candidate, fitting, scope, self._sleep, trial or breaker.ask_anyway(*key))
            try:
                yield from reply.after_reset(void) if void else reply.items()
                return
            except UpstreamError as error:
                failures[name] = error
                if reply.shown:
                    # Raw bytes belong to one body: another's cannot follow them.
                    if not self._midway or chat.raw or not line:
                        raise
                    void = error.code
            except RequestError as error:
                if candidate is self._candidates[0]:
                    raise
                # A chat that does not fit here may fit the next one.
                yield AttemptFailed(name, error.code)
        try:
            raise self._most_telling(failures)
        finally:
            failures.clear()  # they hold this frame by their tracebacks

    def _most_telling(self, failures: Mapping[str, UpstreamError]) -> UpstreamError:
        """That of the provider that was asked for; but one that was not asked tells nothing."""
        in_order = [failures[each.provider.name] for each in self._candidates if each.provider.name in failures]
        return next((error for error in in_order if not isinstance(error, Unavailable)), in_order[0])

    def _fitting(self, candidate: Candidate, chat: Chat, scope: CancelScope) -> Chat:
        """The chat for this candidate: a fallback without the model is asked for its default."""
        if candidate is self._candidates[0]:
            return chat
        models = scope.run(candidate.provider.models)
        if not models:
            return chat
        return msgspec.structs.replace(chat, model=same_model(models, chat.model) or models[0])


class _Reply:
    """The requests to one candidate for one chat. `shown`: an event of a reply was yielded.

    Together they are one trial: a circuit that opens meanwhile does not hide why they failed.
    """

    def __init__(self, candidate: Candidate, chat: Chat, scope: CancelScope, sleep: Sleep, trial: Trial) -> None:
        self.shown = False
        self._queued = False
        self._candidate = candidate
        self._name = candidate.provider.name
        self._chat = chat
        self._scope = scope
        self._sleep = sleep
        self._trial = trial

    def items(self) -> Generator[ReplyItem, None, None]:
        end: Callable[[], None] = self._trial.abandoned
        try:
            for past in range(self._candidate.retries.times + 1):
                finished = self._queued = False
                try:
                    with closing(self._candidate.provider.stream(self._chat, self._scope)) as items:  # type: ignore[type-var]
                        for item in items:
                            if not (self.shown and isinstance(item, (TextDelta, ReasoningDelta))):
                                item = self._noted(item)
                                finished = finished or isinstance(item, Finished)
                            yield item
                    if not finished:
                        raise Truncated(f"{self._name} ended its reply before it was complete")
                    end = self._trial.succeeded
                    return
                except UpstreamError as error:
                    if self._queued:
                        yield RunQueued(waiting=False)
                    wait = self._wait(error, past)
                    yield AttemptFailed(self._name, error.code, again=wait is not None)
                    if wait is None:
                        end = partial(_tell, self._trial, error)
                        raise
                self._scope.run(self._sleep, wait)
        finally:
            end()
            del end  # it may hold the error, whose traceback holds this frame

    def after_reset(self, reason: str) -> Iterator[ReplyItem]:
        """The items, with a reset before the first event. Until then half an answer beats none."""
        with closing(self.items()) as items:
            for item in items:
                if reason and (self.shown or isinstance(item, Finished)):
                    yield AttemptReset(reason)
                    reason = ""
                yield item

    def _noted(self, item: ReplyItem) -> ReplyItem:
        """The item, which is more than one more piece of text."""
        if isinstance(item, Started):
            return Started(self._name, self._chat.model)
        if isinstance(item, RunQueued):
            self._queued = item.waiting
        elif not isinstance(item, Progress) and not self.shown:
            self.shown = True
            self._trial.answered()
        return item

    def _wait(self, error: UpstreamError, past: int) -> float | None:
        """Seconds until the next request; None if there is none.

        `past`: how many came before this one.
        """
        retries = self._candidate.retries
        if self.shown or past == retries.times or not _is_temporary(error):
            return None
        asked = error.retry_after if isinstance(error, Rejected) and error.retry_after else 0.0
        if asked > retries.max_wait_s:
            return None
        own = min(FIRST_WAIT_S * 2**past, retries.max_wait_s)
        return max(asked, random.uniform(own / 2, own))  # at random, so that many runs do not come back together


def _is_temporary(error: UpstreamError) -> bool:
    if isinstance(error, Rejected) and not isinstance(error, RateLimited):
        return error.upstream_status in TEMPORARY_STATUS
    return isinstance(error, TEMPORARY)


def _tell(trial: Trial, error: UpstreamError) -> None:
    if isinstance(error, RateLimited):
        trial.abandoned()  # too many requests are not an outage, and no sign of health either
    elif error.retryable or _is_temporary(error):
        trial.failed((error.retry_after if isinstance(error, Rejected) else None) or 0.0)
    else:
        trial.succeeded()  # a provider that refuses a request is there, and may be in good health


def _unavailable(name: str, wait_s: float) -> Unavailable:
    return Unavailable(f"{name} failed several times in a row and asked to be left alone for {math.ceil(wait_s)} s")
