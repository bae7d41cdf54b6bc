"""The events of a tool call: from its arguments, over what its owner is asked, to its outcome."""

from typing import Literal

import msgspec

from chatapp.events.base import Event


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
    schema: dict[str, object] = msgspec.field(default_factory=dict)


class ToolProgress(Event, frozen=True, tag="tool-progress"):
    """How far a running call is: `done` of `total`, which is None if nobody knows it. A client that
    misses one is told by the next, and a kept answer has none."""

    tool_call_id: str
    done: float
    total: float | None = None
    message: str = ""
