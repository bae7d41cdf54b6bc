"""What a tool is: something that a model may call and that this server runs. Implementations stand beside this file.

    functions   typed Python functions, made tools by `@tool`
    builtin     the few that come along
    mcp         those of MCP servers

A tool of a client, sent with its request, is none of these: it is passed out and never run here.
"""

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

from chatapp.cancel import CancelScope
from chatapp.chat import ToolSpec

Arguments: TypeAlias = dict[str, object]
Decision: TypeAlias = Literal["approved", "denied", "expired"]


class ToolFailed(Exception):
    """The call failed. The message is for the model and the client: it says what to do otherwise, and no secret."""


class Tool(Protocol):
    @property
    def spec(self) -> ToolSpec:
        """What the model is told of it. `parameters` is a JSON schema; the arguments are checked against it."""
        ...

    @property
    def type(self) -> Literal["function", "mcp"]: ...

    @property
    def ask(self) -> bool:
        """Whether each call needs its owner's approval."""
        ...

    def call(self, arguments: Arguments, scope: CancelScope) -> object:
        """The result, as anything that JSON can say. Everything that waits, waits in `scope`. Raises ToolFailed."""
        ...


class ToolSource(Protocol):
    """A server that has tools, such as an MCP server."""

    def tools(self) -> Sequence[Tool]:
        """All it has now; empty where it cannot be asked. May wait, for a bounded time. Never raises."""
        ...

    def problem(self) -> str:
        """Why it could not be asked the last time; empty where it could."""
        ...

    def close(self) -> None: ...


class Approvals(Protocol):
    """Decisions of owners about calls, from whichever process they were made in."""

    def decision(self, run_id: str, call_id: str) -> Decision | None:
        """None while there is none. Raises DatabaseUnavailable."""
        ...

    def decide(self, run_id: str, call_id: str, decision: Decision) -> Decision:
        """Decide; return what holds: the first decision wins. Raises DatabaseUnavailable."""
        ...
