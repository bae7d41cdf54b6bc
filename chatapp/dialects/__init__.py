"""What a dialect is: a way to write a run's events as frames. The dialects stand beside this file,
with the few helpers that several of them use."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from typing import ClassVar, Self

from chatapp.events import ErrorInfo, RunEnd, RunStart, StreamEvent, ToolCall, ToolProgress, ToolQuestion, ToolResult
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data


class Dialect(ABC):
    """Writes the events of one run for one response: each response has an instance of its own.

    It is pure: events in, frames out, a little state, no I/O and no clock. The same events give the
    same frames whenever they are read. A reader relies on that when a client resumes: it runs a new
    instance from the first event on and mutes it up to the client's position, so that what is sent
    is a suffix of the unbroken stream.

    The frames of `RunEnd` say how the run ended, and are the last. If the protocol has no word for
    an `AttemptReset`, an error may end the stream there; then later events give no frames.
    """

    name: ClassVar[str]
    """Clients ask for it as `?dialect=NAME`."""

    has_event_ids: ClassVar[bool]
    """True for our own dialects: the reader puts the seq of an event as `id:` on its last frame, so
    that a client can resume, and may tell it to reconnect. The vendors' clients expect neither."""

    @abstractmethod
    def encode(self, event: StreamEvent) -> Iterable[Frame]:
        """The frames of the next event, without ids; none if the dialect does not show it.

        Take all of them before the next call."""

    def fresh(self) -> Self:
        """The same dialect, as it was before its first event."""
        return type(self)()

    def heartbeat(self) -> Iterable[Frame]:
        """Frames to send along with the comment if nothing else was sent for a while."""
        return ()

    def reset(self, reason: str) -> Iterable[Frame]:
        """Frames that tell the client to forget what it holds, because all of it is sent again."""
        return ()


BEGUN_ANEW = ErrorInfo(
    "attempt_reset",
    "The provider broke off and the answer was begun anew; what came so far is void. Ask again.",
    True,
    "",
)
"""The error that ends a stream at an `AttemptReset` if the protocol has no word for it and
something of the attempt was shown: better than two answers run together."""


def failed(end: RunEnd) -> bool:
    """Whether the run ends with the dialect's error event. To be cancelled is no failure."""
    return end.reason in ("error", "interrupted")


def error_data(end: RunEnd) -> str:
    """The error of a failed run: `{"code", "message", "retryable", "trace_id"}`."""
    return json_data(end.error)


def answered_by(start: RunStart, end: RunEnd) -> dict[str, str]:
    """Who answered: what was asked for, or a fallback."""
    return {"provider": end.provider or start.provider, "model": end.model or start.model}


def call_data(call: ToolCall) -> dict[str, object]:
    by_provider = {"by_provider": True} if call.by_provider else {}
    return {"id": call.id, "type": call.type, "name": call.name, "arguments": call.arguments, **by_provider}


def arguments_text(call: ToolCall) -> str:
    """The JSON of the arguments, or the text that the model wrote instead of JSON."""
    return call.unread or json_data(call.arguments)


def is_shown(tool: str, tools: Collection[str] | None) -> bool:
    """Whether a client sees calls of this tool. `tools` are the names of those that it runs itself;
    calls of others are the server's own. None: it sees all calls."""
    return tools is None or tool in tools


def question_data(question: ToolQuestion) -> dict[str, object]:
    """A question of a running call; its words and its form come only when it is asked."""
    asked = {"message": question.message, "schema": question.schema} if question.state == "asked" else {}
    return {
        "tool_call_id": question.tool_call_id,
        "question": question.id,
        "state": question.state,
        "expires": question.expires,
        **asked,
    }


def progress_data(progress: ToolProgress) -> dict[str, object]:
    """How far a running call is; `total` is null if nobody knows it."""
    return {
        "tool_call_id": progress.tool_call_id,
        "done": progress.done,
        "total": progress.total,
        "message": progress.message,
    }


def outcome_data(outcome: ToolResult) -> dict[str, object]:
    """The outcome of a call: with `result` if it succeeded, else with `error`."""
    result = {"result": outcome.result} if outcome.error is None else {"error": outcome.error}
    return {"tool_call_id": outcome.tool_call_id, **result}
