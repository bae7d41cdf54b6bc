"""The clocks and counts of a run: all that its `RunEnd` says of time and tokens."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from chatapp.chat import Message
from chatapp.events import (
    AttemptReset,
    CitedSource,
    File,
    NativePiece,
    PlanStep,
    Raw,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    Timing,
    ToolCall,
    ToolInputDelta,
    Usage,
)
from chatapp.prices import PriceTable
from chatapp.providers.usage import estimate_usage
from chatapp.transcript import Transcript

TOKENS = (TextDelta, ReasoningDelta, ToolInputDelta, ToolCall, File)
BESIDE_THINKING = (Raw, PlanStep, CitedSource, NativePiece)  # they come in the middle of it, and do not end it


class Answering(NamedTuple):
    """Who a request was sent to, by whose price it is charged."""

    provider: str
    model: str


NOBODY = Answering("", "")


class RunMeter:
    """Measures a run, which makes one or more requests, from now on.

    `messages` is what is asked, `transcript` what the log holds so far; `asked` says of whom, until
    another one answers. `clock` returns seconds.
    """

    def __init__(
        self,
        messages: Sequence[Message],
        transcript: Transcript,
        clock: Callable[[], float] = time.monotonic,
        asked: Answering = NOBODY,
        prices: PriceTable | None = None,
    ) -> None:
        self._messages = messages
        self._transcript = transcript
        self._clock = clock
        self._prices = prices or PriceTable()
        self.answering = self._before = asked
        self._has_begun = False  # the reply to the request under way
        self._began = clock()
        self._stopped_at: float | None = None
        self._upstream_closed_ms: int | UnsetType = UNSET
        self._first_byte_ms: int | None = None
        self._first_token_ms: int | None = None
        self._thinking_since: float | None = None
        self._reasoning_ms: int | None = None
        self._used: Usage | None = None  # by the requests that have ended
        self._counted = 0, 0  # characters of reasoning and answer that `_used` accounts for

    def reply_began(self, answering: Answering) -> None:
        """A provider has sent its first byte."""
        self._before, self.answering = self.answering, answering
        self._has_begun = True
        if self._first_byte_ms is None:
            self._first_byte_ms = self._elapsed_ms()

    def stop_asked(self) -> None:
        """Somebody wants the run to stop."""
        if self._stopped_at is None:
            self._stopped_at = self._clock()

    def upstream_closed(self) -> None:
        """The connection of a run that was stopped is closed."""
        if self._stopped_at is not None:
            self._upstream_closed_ms = round((self._clock() - self._stopped_at) * 1000)

    def event_came(self, event: StreamEvent) -> None:
        if self._first_token_ms is None and isinstance(event, TOKENS):
            self._first_token_ms = self._elapsed_ms()
        if type(event) is ReasoningDelta:
            if self._thinking_since is None:
                self._thinking_since = self._clock()
        elif self._thinking_since is not None and not isinstance(event, BESIDE_THINKING):
            self._end_thinking()
        if type(event) is AttemptReset:
            self._reasoning_ms = None
            # What broke off was paid for. The attempt that voids it has begun its reply already.
            self._used = self._with(self._estimate(), self._before)

    def request_ended(self, usage: Usage) -> None:
        """A request that another one follows used this much."""
        self._used = self._with(usage, self.answering)
        self._has_begun = False
        self._counted = len(self._transcript.reasoning), len(self._transcript.content)

    def timing(self) -> Timing:
        return Timing(self._first_byte_ms, self._first_token_ms, self._elapsed_ms(), self._upstream_closed_ms)

    def reasoning_ms(self) -> int | None:
        """How long the model thought; None if it did not. Thinking that goes on ends here."""
        if self._thinking_since is not None:
            self._end_thinking()
        return self._reasoning_ms

    def usage(self, last: Usage | None, refused: bool = False) -> Usage:
        """Of all requests. `last` is the last one's; if the provider gave none, it is estimated.
        `refused`: the last one failed, and if no reply to it had begun it used nothing."""
        nothing = Usage(estimated=True) if refused and not self._has_begun else None
        return self._with(last or nothing or self._estimate(), self.answering)

    def _with(self, usage: Usage, answering: Answering) -> Usage:
        """All that was used, with a further request."""
        priced = self._prices.priced(*answering, usage)
        return self._used + priced if self._used else priced

    def _end_thinking(self) -> None:
        assert self._thinking_since is not None
        thought = round((self._clock() - self._thinking_since) * 1000)
        self._reasoning_ms, self._thinking_since = (self._reasoning_ms or 0) + thought, None

    def _estimate(self) -> Usage:
        reasoned, said = self._counted
        transcript = self._transcript
        return estimate_usage(self._messages, transcript.reasoning[reasoned:], transcript.content[said:])

    def _elapsed_ms(self) -> int:
        return round((self._clock() - self._began) * 1000)
