"""A tool: something that a model may call and this server runs.

    functions   `@tool`: typed Python functions as tools
    builtin     the tools that are always there
    mcp         tools of MCP servers
    catalog     all of them, and the choice of those that a run gets
    toolbox     runs the calls of one run
    validation  checks arguments, and results

A tool that a client sends with its request is not one of these: its calls go to the client.
"""

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

from chatapp.cancel import CancelScope
from chatapp.chat import ToolSpec

Arguments: TypeAlias = dict[str, object]
Decision: TypeAlias = Literal["approved", "denied", "expired"]


class ToolFailed(Exception):
    """The call failed. The model and the client read the message: it should help them, and hold no secret."""


class Tool(Protocol):
    @property
    def spec(self) -> ToolSpec:
        """What the model is told. Arguments are checked against `parameters`, a JSON schema."""
        ...

    @property
    def type(self) -> Literal["function", "mcp"]: ...

    @property
    def ask(self) -> bool:
        """Whether each call waits for approval by the owner of the conversation."""
        ...

    def call(self, arguments: Arguments, scope: CancelScope) -> object:
        """The result, which JSON must be able to represent. All waiting happens in `scope`. Raises ToolFailed."""
        ...


class ToolSource(Protocol):
    """A server that offers tools, such as an MCP server."""

    def tools(self) -> Sequence[Tool]:
        """Its tools now; empty if it cannot be asked. May wait, for a bounded time. Never raises."""
        ...

    def problem(self) -> str:
        """Why it could not be asked the last time; empty if it could."""
        ...

    def close(self) -> None: ...


class Approvals(Protocol):
    """The owners' decisions about calls, shared by all worker processes."""

    def decision(self, run_id: str, call_id: str) -> Decision | None:
        """None until there is one. Raises DatabaseUnavailable."""
        ...

    def decide(self, run_id: str, call_id: str, decision: Decision) -> Decision:
        """Record a decision and return the one that holds: the first. Raises DatabaseUnavailable."""
        ...
