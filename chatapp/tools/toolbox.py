"""Runs the tool calls of one run: side by side, within limits, after approval if required.

Every outcome of a call is a `ToolResult`, for the model and for the client; only a stop of the run
is raised. It knows no provider: the tool loop decides which calls are made, and when.
"""

import logging
import os
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import gevent
import msgspec
from gevent.queue import SimpleQueue

from chatapp.cancel import CancelScope
from chatapp.chat import ToolSpec
from chatapp.errors import DatabaseUnavailable
from chatapp.events import ToolApproval, ToolCall, ToolProgress, ToolQuestion, ToolResult
from chatapp.tools import Approvals, AsksOwner, Decision, Tool, ToolFailed, UserInputs
from chatapp.tools.dialogue import Dialogue, looks
from chatapp.tools.owner import work_for
from chatapp.tools.time_limit import TimeLimit, TimeOver
from chatapp.tools.validation import check_arguments, plain_json
from chatapp.trace import carrying, current_call

ERROR_CHARS = 2000  # kept of a tool's error message

Happening: TypeAlias = ToolApproval | ToolQuestion | ToolProgress | ToolResult
Report = Callable[[Happening], None]

logger = logging.getLogger(__name__)


class Limits(msgspec.Struct, frozen=True):
    """`calls` applies to a whole run, the others to each call. `approval_s`: how long its owner is
    waited for, beside the `seconds` that the tool may take."""

    calls: int
    seconds: float
    result_bytes: int
    approval_s: float


class Abandoned(Exception):
    """Ends a call whose result nobody waits for any more."""


class Toolbox:
    """The tools of one run. `left` counts down the calls that it may still make. Without `inputs`
    no tool can ask the owner anything. A tool may know the `owner`'s name."""

    def __init__(
        self,
        run_id: str,
        tools: Mapping[str, Tool],
        limits: Limits,
        approvals: Approvals,
        inputs: UserInputs | None = None,
        owner: str = "",
    ) -> None:
        self.left = limits.calls
        self._run_id = run_id
        self._tools = tools
        self._limits = limits
        self._approvals = approvals
        self._inputs = inputs
        self._owner = owner

    @property
    def specs(self) -> list[ToolSpec]:
        return [tool.spec for tool in self._tools.values()]

    def type_of(self, name: str) -> Literal["function", "mcp"]:
        return self._tools[name].type if name in self._tools else "function"

    def call_all(self, calls: Sequence[ToolCall], scope: CancelScope) -> Iterator[Happening]:
        """Run the calls side by side. Yields a result for each call, and before it what the call
        waits for and tells, as they come.

        Raises the reason of `scope` if it is cancelled. Calls still running end then, and also when
        the iterator is closed.
        """
        self.left -= len(calls)
        happened: SimpleQueue[Happening] = SimpleQueue()
        scopes = [CancelScope() for _ in calls]
        for call, own in zip(calls, scopes, strict=True):
            gevent.spawn(carrying(self._call), call, own, happened.put)
        waiting = len(calls)
        try:
            while waiting:
                event = scope.run(happened.get)
                waiting -= isinstance(event, ToolResult)
                yield event
        finally:
            for own in scopes if waiting else ():
                own.cancel(Abandoned)

    def _call(self, call: ToolCall, scope: CancelScope, report: Report) -> None:
        work_for(self._owner)
        current_call.set(call.id)
        try:
            report(ToolResult(call.id, self._result(call, scope, report)))
        except Abandoned:
            return
        except ToolFailed as error:
            report(ToolResult(call.id, error=str(error)[:ERROR_CHARS]))
        except BaseException as error:  # noqa: BLE001  a function may raise anything, and the run waits
            # Not the message: it may quote the arguments, which are the user's.
            logger.error("tool %s failed: %s %s", call.name, type(error).__name__, _place(error))
            report(ToolResult(call.id, error=f"The tool {call.name} failed ({type(error).__name__})."))

    def _result(self, call: ToolCall, scope: CancelScope, report: Report) -> object:
        tool = self._tools.get(call.name)
        if tool is None:
            raise ToolFailed(f"Unknown tool {call.name!r}; available: {', '.join(self._tools) or 'none'}.")
        if call.unread:
            raise ToolFailed(f"The arguments are not a JSON object: {call.unread}")
        check_arguments(tool.spec.parameters, call.arguments)
        if tool.ask:
            self._wait_for_approval(call, scope, report)
        try:
            result = self._run(tool, call, scope, report)
        except TimeOver:
            raise ToolFailed(f"The tool {call.name} took longer than {self._limits.seconds:g} s.") from None
        return plain_json(result, self._limits.result_bytes)

    def _run(self, tool: Tool, call: ToolCall, scope: CancelScope, report: Report) -> object:
        with TimeLimit(self._limits.seconds) as limit:
            if not isinstance(tool, AsksOwner):
                return tool.call(call.arguments, scope)
            owner = Dialogue(self._run_id, call.id, self._inputs, self._limits.approval_s, limit, report)
            try:
                return tool.call_for(owner, call.arguments, scope)
            finally:
                owner.close()

    def _wait_for_approval(self, call: ToolCall, scope: CancelScope, report: Report) -> None:
        expires = time.time() + self._limits.approval_s
        report(ToolApproval(call.id, "asked", expires))
        pauses = looks()
        while not (decision := self._decision(call.id, expires)):
            scope.run(gevent.sleep, next(pauses))
        report(ToolApproval(call.id, decision, expires))
        if decision == "denied":
            raise ToolFailed("The user denied this call.")
        if decision == "expired":
            raise ToolFailed("Nobody approved this call in time.")

    def _decision(self, call_id: str, expires: float) -> Decision | None:
        try:
            if time.time() < expires:
                return self._approvals.decision(self._run_id, call_id)
            return self._approvals.decide(self._run_id, call_id, "expired")
        except DatabaseUnavailable:
            return None  # the next look asks again


def _place(error: BaseException) -> str:
    """Where it was raised, as `file.py:12`."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"in {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
