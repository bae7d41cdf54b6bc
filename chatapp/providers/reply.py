"""A reply as its frames arrive, whatever the protocol: how it may end, and what is left out of it.

Nothing that is not understood becomes a success: a frame that says it failed ends the reply, and so
does an end at which nothing was said and something was not understood. No odd detail costs a good
reply: whatever cannot be read beside it is left out and counted, and after the finish reason
nothing can fail it.
"""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import ClassVar, Generic, TypeVar

import msgspec

from chatapp.errors import BadReply, EmptyReply, ReplyTooLarge, Reported, Truncated, UpstreamError
from chatapp.events import FinishReason, NativePiece, ReasoningDelta, RunQueued, StreamEvent, TextDelta, ToolInputDelta
from chatapp.providers import Finished
from chatapp.providers.finish_reasons import finish_reason
from chatapp.providers.read_limits import MAX_REPLY_BYTES, held_too_much
from chatapp.text import GrowingText
from chatapp.wire.failures import is_keep_alive, reports_failure, words_report_failure
from chatapp.wire.half_characters import HalfCharacters
from chatapp.wire.json_text import UNREADABLE, parse_loosely
from chatapp.wire.upstream_errors import stream_error

T = TypeVar("T")

Piece = TypeVar("Piece", bound=TextDelta | ReasoningDelta | ToolInputDelta)

SILENT = (NativePiece, RunQueued)
"""Events that are no part of what a reader is told."""

NO_CHARACTER = "\ufffd"
WORDS, KEPT_ALIVE, AFTER_END = "frame that is not JSON", "keep-alive", "frame after the end"
HARMLESS = (WORDS, KEPT_ALIVE, AFTER_END)
"""What may be left out without anything being lost."""

_fields = msgspec.json.Decoder(dict[str, object])

MAX_KINDS = 20  # of things left out that are told apart: a provider chooses some of the names


class Told:
    """The text of one kind that was told so far: later frames may repeat it whole."""

    def __init__(self) -> None:
        self._text = GrowingText()
        self.add = self._text.add

    @property
    def text(self) -> str:
        return str(self._text)

    def missing(self, whole: str, *, repeats: bool = True) -> str:
        """What the whole text has beyond the pieces.

        If it does not begin with them: nothing, if it `repeats` them; else all of it, for then it
        is another piece.
        """
        text = self.text
        if whole.startswith(text):
            return whole[len(text) :]
        return "" if repeats else whole


class Skipped(Counter[str]):
    """How often each kind of thing was left out."""

    def note(self, kind: str) -> None:
        kind = re.sub(r"[^\w .-]", "_", kind)[:60]
        self[kind if kind in self or len(self) < MAX_KINDS else "other"] += 1


class Reply(ABC, Generic[T]):
    """What is known of a reply so far. At most `max_bytes` of it may have to be held.

    `finished`: it has a finish reason. `over`: its last frame has arrived. `marked`: its end mark
    has. `alone`: its one frame is all of it. `skipped`: how often each kind of thing was left out;
    `skip` counts one more.
    """

    frame: ClassVar[msgspec.json.Decoder]  # type: ignore[type-arg]  # of T, which a class variable cannot say

    def __init__(self, who: str, max_bytes: int = MAX_REPLY_BYTES) -> None:
        self.finished = self.over = self.marked = self.alone = False
        self.skipped = Skipped()
        self.skip = self.skipped.note  # of it alone: who is told of what is left out must not hold the reply
        self._who = who
        self._characters = HalfCharacters()
        self._decode = self.frame.decode
        self._max_bytes = max_bytes
        self._held_bytes = 0
        self._understood = self._spoke = False
        self._reason: FinishReason = "stop"
        self._is_refusal = False

    @abstractmethod
    def knows(self, frame: T) -> bool:
        """Whether the frame has a field of the protocol. Others may report a failure."""

    @abstractmethod
    def take(self, frame: T) -> Iterable[StreamEvent]:
        """The events of a frame. Raises Reported if it says that the reply failed."""

    @abstractmethod
    def rest(self) -> Iterable[StreamEvent]:
        """The events that only the reply's end makes whole."""

    @abstractmethod
    def end(self) -> Finished:
        """How the reply ended, without what was skipped."""

    def events(self, text: str | bytes) -> Iterator[StreamEvent]:
        """The events of a JSON frame. What fails after the finish reason costs nothing."""
        try:
            size = len(text)
            for event in self.take(self._decoded(text)):
                if isinstance(event, (TextDelta, ReasoningDelta)):
                    self._spoke = True
                    if self._characters.waits:
                        event = self._after_half(event)
                    size = len(event.text)  # the form around it is gone
                else:
                    self._spoke = self._spoke or not isinstance(event, SILENT)
                    if isinstance(event, ToolInputDelta):
                        event = self._after_half(event) if self._characters.waits else event
                        size = len(event.text)
                yield event
            self._held_bytes += size  # of a frame: its text, or all of it
            if self._held_bytes > self._max_bytes:
                raise held_too_much(self._who, self._max_bytes)
        except UpstreamError as error:
            if not self.finished:
                raise
            self.skip(AFTER_END)
            self.over = self.over or isinstance(error, ReplyTooLarge)

    def forgives(self, error: UpstreamError) -> bool:
        """Whether the reply is complete although its body ended so."""
        if self.finished and isinstance(error, BadReply | Reported):
            self.skip(AFTER_END)
        return self.finished

    def finish(self) -> Iterator[StreamEvent | Finished]:
        """What only the end makes whole, then `Finished`. Raises Truncated, EmptyReply,
        BadReply."""
        if self._characters.lost():
            yield TextDelta(NO_CHARACTER)
        for event in self.rest():
            self._spoke = self._spoke or not isinstance(event, SILENT)
            yield event
        self._check_end()
        yield msgspec.structs.replace(self.end(), skipped=dict(self.skipped))

    def skip_words(self, text: str) -> None:
        """A frame that is not JSON: harmless, unless it speaks of a failure."""
        if words_report_failure(text) and not self.finished:
            raise stream_error(self._who, text.encode("utf-8", "replace"))
        self.skip(WORDS)

    def _finish(self, word: str) -> None:
        """Note how the reply ended. A word that is not known ends it well, with a trace. Raises
        Reported for one that names a failure."""
        reason = finish_reason(word)
        if reason == "error":
            raise stream_error(self._who, word.encode("utf-8", "replace"))
        if reason is None:
            self.skip(f"finish reason {word}")
        self.finished, self._reason = True, reason or "stop"

    @property
    def _ending(self) -> FinishReason:
        """How the reply ended. The words of a refusal are no good answer, as with Anthropic's
        `refusal`."""
        return "content_filter" if self._is_refusal and self._reason == "stop" else self._reason

    def _after_half(self, event: Piece) -> Piece:
        """The text after half a character whose other half never came."""
        self._characters.waits = ""
        return msgspec.structs.replace(event, text=NO_CHARACTER + event.text)

    @property
    def _lost(self) -> bool:
        """Whether something was left out that may have been a part of the answer."""
        return any(kind not in HARMLESS for kind in self.skipped)

    def _decoded(self, text: str | bytes) -> T:
        if self._characters.newest or (b"\\" if isinstance(text, bytes) else "\\") in text:  # type: ignore[operator]
            text = self._characters.joined(text)
        try:
            frame: T = self._decode(text)
        except UNREADABLE:
            frame = parse_loosely(self.frame, text, self._who, self.skip)
        if self.knows(frame):
            self._understood = True
        else:
            self._look_at(text)
        return frame

    def _look_at(self, text: str | bytes) -> None:
        fields = parse_loosely(_fields, text, self._who, self.skip)
        if reports_failure(fields):
            raise stream_error(self._who, text if isinstance(text, bytes) else text.encode("utf-8", "replace"))
        self.skip(KEPT_ALIVE if is_keep_alive(fields) else "unknown frame")

    def _check_end(self) -> None:
        if self._understood and not (self.finished or self.marked):
            raise Truncated(f"{self._who} ended its reply before it was complete")
        if not self._spoke and (self._lost or not self.finished):
            raise EmptyReply(f"{self._who} sent a reply without anything that could be understood")
        if self._lost and not self.finished:
            raise BadReply(f"{self._who} sent a reply that does not follow its protocol")
