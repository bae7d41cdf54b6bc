"""The log's vocabulary: what can happen in a run, as frozen values. Names are the contract's.

A `StreamEvent` is what happened; an `Entry` is an event with its place in the log. `encode_events` and
`decode_events` are the form in which logs keep them: a msgpack list of maps, self-describing, so that a log
written by one version is read by the next (add fields with defaults; never rename).
"""

from typing import Literal, NamedTuple, TypeAlias

import msgspec

FinishReason: TypeAlias = Literal["stop", "length", "content_filter", "tool_limit", "cancelled", "interrupted", "error"]


class Event(msgspec.Struct, frozen=True, tag_field="event", omit_defaults=True):
    """The base of every event. Its tag is the event's name in the contract."""


class Usage(msgspec.Struct, frozen=True):
    """Tokens. `estimated` where the provider said nothing and chatapp counted by length."""

    prompt: int = 0
    completion: int = 0
    total: int = 0
    reasoning: int = 0
    cached: int = 0
    estimated: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        """Of two requests of one run; estimated where either is."""
        return Usage(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.total + other.total,
            self.reasoning + other.reasoning,
            self.cached + other.cached,
            self.estimated or other.estimated,
        )


class Timing(msgspec.Struct, frozen=True):
    """Milliseconds since the run's start. None where it never came so far."""

    first_byte_ms: int | None = None
    first_token_ms: int | None = None
    total_ms: int = 0


class ErrorInfo(msgspec.Struct, frozen=True):
    """What a client may know of a failure."""

    code: str
    message: str
    retryable: bool
    trace_id: str


class RunStart(Event, frozen=True, tag="run-start"):
    """Always first. `created` is in seconds since the epoch; `session_id` is the client's own name of the conversation,
    empty where it gave none."""

    run_id: str
    trace_id: str
    provider: str
    model: str
    reasoning: Literal["enabled", "disabled"]
    created: float
    session_id: str = ""


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
    """`unread` is what the model wrote instead of a JSON object; the arguments are empty then."""

    id: str
    type: Literal["function", "mcp"]
    name: str
    arguments: dict[str, object]
    unread: str = ""


class ToolResult(Event, frozen=True, tag="tool-result"):
    """Exactly one of `result` (any JSON value) and `error` is meant: `error` is None when the call succeeded."""

    tool_call_id: str
    result: object = None
    error: str | None = None


class ToolApproval(Event, frozen=True, tag="tool-approval"):
    """The state of a call that needs its owner's approval: first `asked`, then one of the others. No contract of others
    knows it: a dialect whose clients might stumble shows nothing. `expires` (epoch seconds): then it is denied."""

    tool_call_id: str
    state: Literal["asked", "approved", "denied", "expired"]
    expires: float


class PlanStep(Event, frozen=True, tag="plan-step"):
    """A step that an agent announces. `begun`: one that was announced is now worked on; only `message` tells."""

    index: int
    text: str
    begun: bool = False


class Raw(Event, frozen=True, tag="raw"):
    """Upstream bytes, unparsed. The first of a body says its `content_type`."""

    bytes: bytes
    content_type: str = ""


class AttemptReset(Event, frozen=True, tag="attempt-reset"):
    """What came since the last reset, or the start, is void: the run moves to another attempt."""

    reason: str


class RunEnd(Event, frozen=True, tag="run-end"):
    """Always last, exactly once. `reasoning_ms` is how long pieces of thinking came; None where none did."""

    reason: FinishReason
    usage: Usage
    timing: Timing
    error: ErrorInfo | None = None
    reasoning_ms: int | None = None


StreamEvent: TypeAlias = (
    RunStart
    | ReasoningDelta
    | TextDelta
    | ToolInputDelta
    | ToolCall
    | ToolApproval
    | ToolResult
    | PlanStep
    | Raw
    | AttemptReset
    | RunEnd
)


class Entry(NamedTuple):
    """An event and its seq: 1 for the first of a run, without a gap."""

    seq: int
    event: StreamEvent


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[StreamEvent])


def encode_events(events: list[StreamEvent]) -> bytes:
    return _encoder.encode(events)


def decode_events(data: bytes) -> list[StreamEvent]:
    return _decoder.decode(data)
