"""A tool: something that a model may call and this server runs.

    functions   `@tool`: typed Python functions as tools
    builtin     the tools that are always there
    mcp         tools of MCP servers
    catalog     all of them, and the choice of those that a run gets
    offered     the same, as a client is shown them
    dialogue    what a running call tells its owner, and asks
    toolbox     runs the calls of one run
    validation  checks arguments, and results

A tool that a client sends with its request is not one of these: its calls go to the client.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from chatapp.cancel import CancelScope
from chatapp.chat import ToolSpec

Arguments: TypeAlias = dict[str, object]
Decision: TypeAlias = Literal["approved", "denied", "expired"]
InputState: TypeAlias = Literal["accepted", "declined", "cancelled", "expired"]


class UserInput(msgspec.Struct, frozen=True):
    """What the owner said to a tool's question; `content` is the form, filled in, if accepted."""

    state: InputState
    content: dict[str, object] = {}


class ToolFailed(Exception):
    """The call failed. The message is shown to the model and the client: no secrets in it."""


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
        """The result, which JSON must be able to represent. Raises ToolFailed.

        All waiting happens in `scope`.
        """
        ...


class CallOwner(Protocol):
    """The owner of a running call, as its tool sees it. No method waits."""

    def progress(self, done: float, total: float | None, message: str) -> None:
        """Tell how far the call is."""
        ...

    def ask(self, message: str, schema: Mapping[str, object], told: Callable[[UserInput], None]) -> Callable[[], None]:
        """Ask for a flat form of this JSON schema; `told` gets what is said, or that nobody said
        anything in time. Returns what takes the question back."""
        ...


@runtime_checkable
class AsksOwner(Protocol):
    """A tool that may tell and ask the owner while a call runs."""

    def call_for(self, owner: CallOwner, arguments: Arguments, scope: CancelScope) -> object:
        """As `Tool.call`."""
        ...


class ToolSource(Protocol):
    """A server that offers tools, such as an MCP server."""

    def tools(self) -> Sequence[Tool]:
        """Its tools; empty if it fails to list them. Never raises; may wait for a bounded time."""
        ...

    def problem(self) -> str:
        """Why it failed to list them the last time, or which are left out; empty if all are
        there."""
        ...

    def is_listed(self) -> bool:
        """Whether its tools are known, so that no other server's can be taken for one of them."""
        ...

    def close(self) -> None: ...


class Approvals(Protocol):
    """The owners' decisions about calls, shared by all worker processes."""

    def decision(self, run_id: str, call_id: str) -> Decision | None:
        """None until there is one. Raises DatabaseUnavailable."""
        ...

    def decide(self, run_id: str, call_id: str, decision: Decision) -> Decision:
        """Record a decision; return the one that holds, the first. Raises DatabaseUnavailable."""
        ...


class UserInputs(Protocol):
    """What owners said to questions of tools, shared by all worker processes."""

    def said(self, run_id: str, question_id: str) -> UserInput | None:
        """None until the owner has said something. Raises DatabaseUnavailable."""
        ...

    def say(self, run_id: str, question_id: str, said: UserInput) -> UserInput:
        """Record it; return what holds, the first. Raises DatabaseUnavailable."""
        ...
