"""A provider that is tried again when it fails, then replaced by others: a provider itself, to whoever asks it.

Before the first event of a reply nobody has seen anything: the same provider is tried again where time may heal
it, with growing pauses, then each fallback. Every failed try is told as an `AttemptFailed`. After the first event a second
answer would contradict what was read, so the failure stands; only where the configuration wants it the run goes
on elsewhere, and says so with an `AttemptReset` before anything else comes.
"""

import random
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import gevent
import msgspec

from chatapp.cancel import CancelScope
from chatapp.chat import Chat
from chatapp.errors import (
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
from chatapp.providers.circuit_breaker import Circuit, Try

FIRST_WAIT_S = 0.5  # doubled for each further one
HEALS = (Unreachable, RateLimited, Reported, Truncated)
"""What may be gone a moment later. Not a timeout: its limit was waited for already, and again is as long."""

HEALING_STATUS = frozenset({408, 425, 500, 502, 503, 504, 529})


@dataclass(frozen=True)
class Retries:
    """How often a failed try is repeated, and how long a pause may be, in seconds: a provider that asks for more
    (`retry-after`) is not tried again for this reply."""

    times: int
    max_wait_s: float


@dataclass(frozen=True)
class Source:
    """A provider that can be asked, and what is known of its health."""

    provider: Provider
    circuit: Circuit
    retries: Retries


class Resilient:
    """`first`, else each of `fallbacks` in order. It has the first one's name and models.

    `midway`: go on at the next fallback also when a reply breaks off after its first event.
    """

    def __init__(self, first: Source, fallbacks: Sequence[Source] = (), *, midway: bool = False) -> None:
        self.name = first.provider.name
        self._sources = [first, *fallbacks]
        self._midway = midway

    def models(self) -> Sequence[str]:
        return self._sources[0].provider.models()

    def check(self, chat: Chat) -> None:
        """As the first one does: what of it a fallback cannot carry shows when that is asked."""
        if isinstance(self._sources[0].provider, Checks):
            self._sources[0].provider.check(chat)

    def stream(self, chat: Chat, scope: CancelScope) -> Generator[ReplyItem, None, None]:
        failure: UpstreamError | None = None
        void = ""  # why what was shown is void, once something stands in its place
        for source in self._sources:
            reply = _Reply(source, self._fitting(source, chat, scope), scope)
            try:
                yield from reply.instead(void) if void else reply.items()
                return
            except UpstreamError as error:
                failure = failure or error  # of all failures the asked provider's says most
                if reply.shown:
                    # Raw bytes that were passed on are one body's: another's cannot follow them.
                    if not self._midway or chat.raw or source is self._sources[-1]:
                        raise
                    void = error.code
            except RequestError as error:
                if failure is None:
                    raise
                yield AttemptFailed(source.provider.name, error.code)  # what does not fit here may fit the next
        assert failure is not None
        raise failure

    def _fitting(self, source: Source, chat: Chat, scope: CancelScope) -> Chat:
        """The chat for this source: a fallback that does not have the model is asked for its default."""
        if source is self._sources[0]:
            return chat
        models = scope.run(source.provider.models)
        return chat if chat.model in models or not models else msgspec.structs.replace(chat, model=models[0])


class _Reply:
    """The tries of one source for one chat. `shown` once an event of it was yielded."""

    def __init__(self, source: Source, chat: Chat, scope: CancelScope) -> None:
        self.shown = False
        self._source = source
        self._name = source.provider.name
        self._chat = chat
        self._scope = scope

    def items(self) -> Generator[ReplyItem, None, None]:
        for past in range(self._source.retries.times + 1):
            try:
                yield from self._try()
                return
            except UpstreamError as error:
                yield AttemptFailed(self._name, error.code)
                wait = self._wait(error, past)
                if wait is None:
                    raise
            self._scope.run(gevent.sleep, wait)

    def instead(self, void: str) -> Iterator[ReplyItem]:
        """The items, the first event after a reset: half an answer is better than none, until there is another."""
        with closing(self.items()) as items:
            for item in items:
                if void and (self.shown or isinstance(item, Finished)):
                    yield AttemptReset(void)
                    void = ""
                yield item

    def _try(self) -> Iterator[ReplyItem]:
        outcome = self._source.circuit.admit()
        if outcome is None:
            raise _left_alone(self._name, self._source.circuit.wait_s)
        told = False
        try:
            yield from self._stream(outcome)
            told = True
            outcome.succeeded()
        except UpstreamError as error:
            told = True
            # A request that it does not take says nothing of how it is; but it is there.
            (outcome.failed if _is_unwell(error) else outcome.succeeded)()
            raise
        finally:
            if not told:
                outcome.left()

    def _stream(self, outcome: Try) -> Iterator[ReplyItem]:
        finished = False
        with closing(self._source.provider.stream(self._chat, self._scope)) as items:  # type: ignore[type-var]
            for item in items:
                if isinstance(item, Started):
                    item = Started(self._name)
                elif isinstance(item, Finished):
                    finished = True
                elif not isinstance(item, AttemptFailed) and not self.shown:
                    self.shown = True
                    outcome.answered()
                yield item
        if not finished:
            raise Truncated(f"{self._name} ended its answer without an end")

    def _wait(self, error: UpstreamError, past: int) -> float | None:
        """Seconds until the next try; None where there is none. `past` is how many there were before this one."""
        retries = self._source.retries
        if self.shown or past == retries.times or not _heals(error):
            return None
        asked = error.retry_after if isinstance(error, Rejected) and error.retry_after else 0.0
        if asked > retries.max_wait_s:
            return None
        own = min(FIRST_WAIT_S * 2**past, retries.max_wait_s)
        return max(asked, random.uniform(own / 2, own))  # spread, so that many runs do not come back together


def _heals(error: UpstreamError) -> bool:
    if isinstance(error, Rejected) and not isinstance(error, RateLimited):
        return error.upstream_status in HEALING_STATUS
    return isinstance(error, HEALS)


def _is_unwell(error: UpstreamError) -> bool:
    """Whether the failure says something of the provider, rather than of what it was asked."""
    return error.retryable or _heals(error)


def _left_alone(name: str, wait_s: float) -> Unavailable:
    when = f"in {wait_s:.0f} s" if wait_s >= 1 else "in a moment"
    return Unavailable(f"{name} failed several times in a row and is left alone; it is tried again {when}")
