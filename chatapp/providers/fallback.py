"""A provider that is tried again if it fails, then replaced by others.

To its caller it is one provider. Before a reply's first event nobody has seen anything: the same
provider is tried again if time may help, with growing pauses, then each fallback. Each failed
request is reported as an `AttemptFailed`. After the first event a second answer would contradict
what was read, so the failure stands. Only if the configuration allows it the run goes on elsewhere,
and says so with an `AttemptReset` before anything else comes.
"""

import random
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

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
from chatapp.events import AttemptReset
from chatapp.providers import AttemptFailed, Checks, Finished, Provider, ReplyItem, Started
from chatapp.providers.circuit_breaker import CircuitBreaker, Trial

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
        failure: UpstreamError | None = None
        void = ""  # why what was shown is void, until something replaces it
        for candidate in self._candidates:
            reply = _Reply(candidate, self._fitting(candidate, chat, scope), scope, self._sleep)
            try:
                yield from reply.after_reset(void) if void else reply.items()
                return
            except UpstreamError as error:
                failure = failure or error  # of all failures that of the provider that was asked says most
                if reply.shown:
                    # Raw bytes belong to one body: another's cannot follow them.
                    if not self._midway or chat.raw or candidate is self._candidates[-1]:
                        raise
                    void = error.code
            except RequestError as error:
                if failure is None:
                    raise
                # A chat that does not fit here may fit the next one.
                yield AttemptFailed(candidate.provider.name, error.code)
        assert failure is not None
        raise failure

    def _fitting(self, candidate: Candidate, chat: Chat, scope: CancelScope) -> Chat:
        """The chat for this candidate: a fallback without the model is asked for its default."""
        if candidate is self._candidates[0]:
            return chat
        models = scope.run(candidate.provider.models)
        return chat if chat.model in models or not models else msgspec.structs.replace(chat, model=models[0])


class _Reply:
    """The requests to one candidate for one chat. `shown`: an event of it was yielded."""

    def __init__(self, candidate: Candidate, chat: Chat, scope: CancelScope, sleep: Sleep) -> None:
        self.shown = False
        self._candidate = candidate
        self._name = candidate.provider.name
        self._chat = chat
        self._scope = scope
        self._sleep = sleep

    def items(self) -> Generator[ReplyItem, None, None]:
        for past in range(self._candidate.retries.times + 1):
            try:
                yield from self._attempt()
                return
            except UpstreamError as error:
                yield AttemptFailed(self._name, error.code)
                wait = self._wait(error, past)
                if wait is None:
                    raise
            self._scope.run(self._sleep, wait)

    def after_reset(self, reason: str) -> Iterator[ReplyItem]:
        """The items, with a reset before the first event. Until then half an answer beats none."""
        with closing(self.items()) as items:
            for item in items:
                if reason and (self.shown or isinstance(item, Finished)):
                    yield AttemptReset(reason)
                    reason = ""
                yield item

    def _attempt(self) -> Iterator[ReplyItem]:
        trial = self._candidate.breaker.admit()
        if trial is None:
            raise _unavailable(self._name, self._candidate.breaker.wait_s)
        told = False
        try:
            yield from self._stream(trial)
            told = True
            trial.succeeded()
        except UpstreamError as error:
            told = True
            # A provider that refuses a request is there, and may be in good health.
            (trial.failed if _is_unhealthy(error) else trial.succeeded)()
            raise
        finally:
            if not told:
                trial.abandoned()

    def _stream(self, trial: Trial) -> Iterator[ReplyItem]:
        finished = False
        with closing(self._candidate.provider.stream(self._chat, self._scope)) as items:  # type: ignore[type-var]
            for item in items:
                if isinstance(item, Started):
                    item = Started(self._name)
                elif isinstance(item, Finished):
                    finished = True
                elif not isinstance(item, AttemptFailed) and not self.shown:
                    self.shown = True
                    trial.answered()
                yield item
        if not finished:
            raise Truncated(f"{self._name} ended its reply before it was complete")

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


def _is_unhealthy(error: UpstreamError) -> bool:
    """Whether the failure says something about the provider rather than about the request."""
    return error.retryable or _is_temporary(error)


def _unavailable(name: str, wait_s: float) -> Unavailable:
    when = f"in {wait_s:.0f} s" if wait_s >= 1 else "in a moment"
    return Unavailable(f"{name} failed several times in a row; it will be tried again {when}")
