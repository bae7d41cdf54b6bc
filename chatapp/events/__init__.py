"""The log's vocabulary: every event that can occur in a run, as frozen values.

The names are part of the contract with clients. A `StreamEvent` is one thing that happened; an
`Entry` is an event with its place in the log. `encode_events` and `decode_events` define how logs
store events: a self-describing msgpack list of maps, so that the next version can read a log that
this one wrote (add fields with defaults; never rename). `tools` has the events of tool calls,
`measures` what a run used; both are imported from here.
"""

from typing import Literal, TypeAlias

import msgspec

from chatapp.events.base import Event
from chatapp.events.measures import COST_DIGITS, ErrorInfo, Timing, Usage
from chatapp.events.tools import ToolApproval, ToolCall, ToolInputDelta, ToolProgress, ToolQuestion, ToolResult

__all__ = [
    "COST_DIGITS",
    "AttemptReset",
    "Bytes",
    "CitedSource",
    "Entry",
    "ErrorInfo",
    "Event",
    "File",
    "FinishReason",
    "NativePiece",
    "Part",
    "PlanStep",
    "Raw",
    "ReasoningDelta",
    "RunEnd",
    "RunQueued",
    "RunStart",
    "StreamEvent",
    "TextDelta",
    "Timing",
    "ToolApproval",
    "ToolCall",
    "ToolInputDelta",
    "ToolProgress",
    "ToolQuestion",
    "ToolResult",
    "Usage",
    "decode_events",
    "encode_events",
]

FinishReason: TypeAlias = Literal["stop", "length", "content_filter", "tool_limit", "cancelled", "interrupted", "error"]

Bytes: TypeAlias = bytes  # a field of that name hides the type


class RunStart(Event, frozen=True, tag="run-start"):
    """Always first. `created` is in seconds since the epoch; `session_id` is the client's own name
    for the conversation, or empty. `asked_tokens` estimates what is asked: if this process dies,
    nobody else can count it."""

    run_id: str
    trace_id: str
    provider: str
    model: str
    reasoning: Literal["enabled", "disabled"]
    created: float
    session_id: str = ""
    asked_tokens: int = 0


class RunQueued(Event, frozen=True, tag="run-queued"):
    """The provider has the request and lets it wait for its turn; with `waiting` false, the wait is
    over. So is it when anything else comes. Only the `message` dialect shows it."""

    waiting: bool = True


class ReasoningDelta(Event, frozen=True, tag="reasoning-delta"):
    text: str


class TextDelta(Event, frozen=True, tag="text-delta"):
    text: str


class PlanStep(Event, frozen=True, tag="plan-step"):
    """A step that an agent announces. `begun`: the agent now works on this announced step; only the
    `message` dialect shows that."""

    index: int
    text: str
    begun: bool = False


class CitedSource(Event, frozen=True, tag="source"):
    """A source that the answer cites: its address and title, either of which may be empty, and the
    words that are quoted from it.

    `start` and `end` are offsets in characters of the whole answer's text, for the part of it that
    the source supports; None if the provider does not say which. `id` is unique in the run.
    """

    id: str
    url: str
    title: str = ""
    quote: str = ""
    start: int | None = None
    end: int | None = None

    def moved(self, chars: int) -> "CitedSource":
        """The same behind so many characters more of text."""
        if self.start is None or not chars:
            return self
        end = None if self.end is None else self.end + chars
        return msgspec.structs.replace(self, start=self.start + chars, end=end)


class File(Event, frozen=True, tag="file"):
    """A picture or another file that the model made, as `bytes` or at the address `url`; or
    neither, and then `error` says why there is nothing to show. `id` is unique in the run."""

    id: str
    media_type: str
    name: str = ""
    bytes: Bytes = b""
    url: str = ""
    error: str = ""


class Raw(Event, frozen=True, tag="raw"):
    """Upstream bytes, unparsed. The first event of a body has its `content_type`."""

    bytes: bytes
    content_type: str = ""


class NativePiece(Event, frozen=True, tag="native-piece"):
    """A piece of a turn as its provider wrote it, with signatures that nobody else can create.

    The pieces of one reply, joined, are the turn; `whole` marks the last one. Without that one the
    reply broke off, and the turn is of no use. It goes back unchanged, and only to `provider`.
    `protocol` is the adapter's; a dialect shows a piece only if it speaks the same one.
    """

    protocol: str
    provider: str
    content: list[object]
    whole: bool = False


class AttemptReset(Event, frozen=True, tag="attempt-reset"):
    """Everything since the last reset, or the start, is void: the run moves to another attempt."""

    reason: str


class RunEnd(Event, frozen=True, tag="run-end"):
    """Always last, exactly once. `reasoning_ms`: how long thinking arrived, None without any.

    `provider` and `model` answered, if that were not those of `run-start`: a fallback did.
    `stop_sequence`: the one of the request at which the reply ended, if the provider told it.
    """

    reason: FinishReason
    usage: Usage
    timing: Timing
    error: ErrorInfo | None = None
    reasoning_ms: int | None = None
    provider: str = ""
    model: str = ""
    stop_sequence: str = ""


StreamEvent: TypeAlias = (
    RunStart
    | RunQueued
    | ReasoningDelta
    | TextDelta
    | ToolInputDelta
    | ToolCall
    | ToolApproval
    | ToolQuestion
    | ToolProgress
    | ToolResult
    | PlanStep
    | CitedSource
    | File
    | Raw
    | NativePiece
    | AttemptReset
    | RunEnd
)


class Part(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What came together of a joined delta: so many characters, with the seq and the time of the
    last."""

    seq: int
    chars: int
    at: float


class Entry(msgspec.Struct, frozen=True, gc=False, array_like=True, eq=False):
    """An event and its seq, which counts a run's events from 1 without a gap.

    `at` is when it was given to the log, in seconds since the epoch; 0.0 if that is not known.
    Events that came within a few ms may share one. A delta that was joined from what came over a
    longer time has `parts`; see `chatapp.transcript`. Two entries are equal if they are the same
    event in the same place, whenever it came.
    """

    seq: int
    event: StreamEvent
    at: float = 0.0
    parts: tuple[Part, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and self.seq == other.seq and self.event == other.event

    __hash__ = None  # type: ignore[assignment]  # an event may hold lists


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[StreamEvent])


def encode_events(events: list[StreamEvent]) -> bytes:
    return _encoder.encode(events)


def decode_events(data: bytes) -> list[StreamEvent]:
    return _decoder.decode(data)
