"""The log's vocabulary: every event that can occur in a run, as frozen values.

The names are part of the contract with clients. A `StreamEvent` is one thing that happened; an
`Entry` is an event with its place in the log. `encode_events` and `decode_events` define how logs
store events: a self-describing msgpack list of maps, so that the next version can read a log that
this one wrote (add fields with defaults; never rename).
"""

from typing import Literal, TypeAlias

import msgspec

FinishReason: TypeAlias = Literal["stop", "length", "content_filter", "tool_limit", "cancelled", "interrupted", "error"]


Bytes: TypeAlias = bytes  # a field of that name hides the type

COST_DIGITS = 9
"""Costs are whole numbers of 10^-9 of the currency: one token of a cheap model is less than
10^-6."""


class Event(msgspec.Struct, frozen=True, tag_field="event", omit_defaults=True):
    """The base of every event. Its tag is the event's public name."""


class Usage(msgspec.Struct, frozen=True):
    """Tokens, and what they cost by the price table; `cost` is None if that has no price for them.

    `prompt` includes `cached`, which were read from the provider's cache, and `cache_written`;
    `completion` includes `reasoning`. `estimated`: the provider gave no usage, and chatapp
    estimated it from lengths.
    """

    prompt: int = 0
    completion: int = 0
    total: int = 0
    reasoning: int = 0
    cached: int = 0
    estimated: bool = False
    cache_written: int = 0
    cost: float | None = None
    currency: str | None = None

    def __add__(self, other: "Usage") -> "Usage":
        """The usage of two requests of one run; estimated if either is. A request without a price
        adds nothing to the cost."""
        costs = [usage.cost for usage in (self, other) if usage.cost is not None]
        return Usage(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.total + other.total,
            self.reasoning + other.reasoning,
            self.cached + other.cached,
            self.estimated or other.estimated,
            self.cache_written + other.cache_written,
            round(sum(costs), COST_DIGITS) if costs else None,
            self.currency or other.currency,
        )


class Timing(msgspec.Struct, frozen=True):
    """Milliseconds since the run's start. None: the run ended before that point."""

    first_byte_ms: int | None = None
    first_token_ms: int | None = None
    total_ms: int = 0


class ErrorInfo(msgspec.Struct, frozen=True):
    """The part of a failure that is safe to show to a client."""

    code: str
    message: str
    retryable: bool
    trace_id: str


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


class ReasoningDelta(Event, frozen=True, tag="reasoning-delta"):
    text: str


class TextDelta(Event, frozen=True, tag="text-delta"):
    text: str


class ToolInputDelta(Event, frozen=True, tag="tool-input-delta"):
    """A piece of a tool call's JSON arguments, as it arrives."""

    tool_call_id: str
    name: str
    text: str


class ToolCall(Event, frozen=True, tag="tool-call"):
    """`unread` is the model's text if it was not a JSON object; `arguments` is then empty.
    `by_provider`: the provider ran the tool itself, whatever its name, and no one else may."""

    id: str
    type: Literal["function", "mcp"]
    name: str
    arguments: dict[str, object]
    unread: str = ""
    by_provider: bool = False


class ToolResult(Event, frozen=True, tag="tool-result"):
    """The outcome of a call: `result`, any JSON value, if `error` is None; otherwise `error`."""

    tool_call_id: str
    result: object = None
    error: str | None = None


class ToolApproval(Event, frozen=True, tag="tool-approval"):
    """The state of a call that needs its owner's approval: first `asked`, then one of the others.

    No vendor's protocol has this event, so a dialect shows nothing if its clients might stumble
    over it. At `expires` (epoch seconds) the call is denied.
    """

    tool_call_id: str
    state: Literal["asked", "approved", "denied", "expired"]
    expires: float


class ToolQuestion(Event, frozen=True, tag="tool-question"):
    """A question of a running call's tool to the owner, such as an MCP server's elicitation: first
    `asked`, then one of the other states. What the owner fills in stands in no log.

    `schema` is the JSON schema of a flat form; only the first event has it, and the `message`. At
    `expires` (epoch seconds) nobody is waited for any more. `id` is unique.
    """

    tool_call_id: str
    id: str
    state: Literal["asked", "accepted", "declined", "cancelled", "expired"]
    expires: float
    message: str = ""
    schema: dict[str, object] = {}


class ToolProgress(Event, frozen=True, tag="tool-progress"):
    """How far a running call is: `done` of `total`, which is None if nobody knows it. A client that
    misses one is told by the next, and a kept answer has none."""

    tool_call_id: str
    done: float
    total: float | None = None
    message: str = ""


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
    """

    reason: FinishReason
    usage: Usage
    timing: Timing
    error: ErrorInfo | None = None
    reasoning_ms: int | None = None
    provider: str = ""
    model: str = ""


StreamEvent: TypeAlias = (
    RunStart
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


class Part(msgspec.Struct, frozen=True, array_like=True):
    """What came together of a joined delta: so many characters, with the seq and the time of the
    last."""

    seq: int
    chars: int
    at: float


class Entry(msgspec.Struct, frozen=True, array_like=True, eq=False):
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
