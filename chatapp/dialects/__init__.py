"""What a dialect is: a way to write events as frames. Implementations stand beside this file.

A dialect is pure: events in, frames out, a little state, no I/O, no clock. The same events give the same
frames whenever they are read; that is why a resumed stream is a suffix of the unbroken one.
"""

from collections.abc import Iterable
from typing import ClassVar, Protocol

from chatapp.events import ErrorInfo, RunEnd, StreamEvent, ToolCall, ToolResult
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data


class Dialect(Protocol):
    """One instance per response. Frames carry no id: `streaming` puts the seq on the last frame of an event."""

    name: ClassVar[str]

    own: ClassVar[bool]
    """Whether it is one of ours: then the frame that ends an event carries its seq as `id:`, and a reader may be told
    to reconnect. Clients of other people's protocols take neither."""

    def encode(self, event: StreamEvent) -> Iterable[Frame]:
        """The frames of one event; none where the dialect does not show it."""
        ...

    def heartbeat(self) -> Iterable[Frame]:
        """Frames to send beside the comment when nothing else was sent for a while. Most dialects need none."""
        ...

    def reset(self, reason: str) -> Iterable[Frame]:
        """What tells the client to forget what it holds: everything is sent again after it. Nothing where the protocol
        has no word for it."""
        ...


BEGUN_ANEW = ErrorInfo(
    "attempt_reset",
    "The provider broke off and the answer was begun anew; what came so far is void. Ask again.",
    True,
    "",
)
"""How a protocol that has no word for an `attempt-reset` ends, where something of the attempt was shown already: rather
than with two answers run together."""


def failed(end: RunEnd) -> bool:
    """Whether the run ends as the dialect's error event. A cancelled one does not: it is what was asked for."""
    return end.reason in ("error", "interrupted")


def error_data(end: RunEnd) -> str:
    """{"code","message","retryable","trace_id"} of a failed run."""
    return json_data(end.error)


def call_data(call: ToolCall) -> dict[str, object]:
    return {"id": call.id, "type": call.type, "name": call.name, "arguments": call.arguments}


def arguments_text(call: ToolCall) -> str:
    """The arguments' JSON; what the model wrote instead, where it wrote something else."""
    return call.unread or json_data(call.arguments)


def outcome_data(outcome: ToolResult) -> dict[str, object]:
    """With `result` where the call succeeded, else with `error`."""
    came = {"result": outcome.result} if outcome.error is None else {"error": outcome.error}
    return {"tool_call_id": outcome.tool_call_id, **came}
