"""The tools of one run: calls them side by side, within bounds, after their owner's approval where they need it.

Whatever happens to a call, its outcome is a `ToolResult`, for the model as for the client; only a stop of the run
goes further. It knows no provider: what is called when is decided by `rounds`.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import gevent
import jsonschema
import msgspec
from gevent.queue import SimpleQueue
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from chatapp.cancel import CancelScope
from chatapp.chat import ToolSpec
from chatapp.errors import DatabaseUnavailable
from chatapp.events import ToolApproval, ToolCall, ToolResult
from chatapp.tools import Approvals, Decision, Tool, ToolFailed
from chatapp.wire.json_text import MAX_LEVELS, storable, too_deep

LOOK_S, LOOK_LONG_S = 0.25, 2.0  # how soon, and at last how often, a call that waits asks whether it was decided
LOOK_GROWS = 1.2  # each pause on the one before: hundreds that wait for minutes must not keep a processor busy
ERROR_CHARS = 2000  # of what a tool says went wrong
TOO_DEEP = f"The result is nested too deeply: {MAX_LEVELS} levels are allowed."

Report = Callable[[ToolApproval | ToolResult], None]

logger = logging.getLogger(__name__)


class Limits(msgspec.Struct, frozen=True):
    """`calls` of a run; the others of one call."""

    calls: int
    seconds: float
    result_bytes: int
    approval_s: float


class Abandoned(Exception):
    """Nobody waits for this call any more."""


class Toolbox:
    """What one run may call. `left` is how many calls it has left."""

    def __init__(self, run_id: str, tools: Mapping[str, Tool], limits: Limits, approvals: Approvals) -> None:
        self.left = limits.calls
        self._run_id = run_id
        self._tools = tools
        self._limits = limits
        self._approvals = approvals

    @property
    def specs(self) -> list[ToolSpec]:
        return [tool.spec for tool in self._tools.values()]

    def type_of(self, name: str) -> Literal["function", "mcp"]:
        return self._tools[name].type if name in self._tools else "function"

    def call_all(self, calls: Sequence[ToolCall], scope: CancelScope) -> Iterator[ToolApproval | ToolResult]:
        """Call them side by side; yield what happens when it happens, one result for each call.

        Raises the reason of `scope` when that is cancelled; the calls that are still under way are then ended, as
        when the iterator is closed.
        """
        self.left -= len(calls)
        happened: SimpleQueue[ToolApproval | ToolResult] = SimpleQueue()
        scopes = [CancelScope() for _ in calls]
        for call, own in zip(calls, scopes, strict=True):
            gevent.spawn(self._call, call, own, happened.put)
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
        try:
            report(ToolResult(call.id, self._result(call, scope, report)))
        except Abandoned:
            return
        except ToolFailed as error:
            report(ToolResult(call.id, error=str(error)[:ERROR_CHARS]))
        except BaseException as error:  # whatever a developer's function raises: the run waits for its result
            logger.exception("tool %s failed", call.name)
            report(ToolResult(call.id, error=f"The tool {call.name} failed ({type(error).__name__})."))

    def _result(self, call: ToolCall, scope: CancelScope, report: Report) -> object:
        tool = self._tools.get(call.name)
        if tool is None:
            raise ToolFailed(f"There is no tool named {call.name!r}.")
        if call.unread:
            raise ToolFailed(f"The arguments are not a JSON object: {call.unread}")
        check_arguments(tool.spec.parameters, call.arguments)
        if tool.ask:
            self._wait_for_approval(call, scope, report)
        limit = gevent.Timeout(self._limits.seconds)
        try:
            with limit:
                result = tool.call(call.arguments, scope)
        except gevent.Timeout as timeout:
            if timeout is not limit:
                raise
            raise ToolFailed(f"The tool {call.name} took longer than {self._limits.seconds:g} s.") from None
        return plain_json(result, self._limits.result_bytes)

    def _wait_for_approval(self, call: ToolCall, scope: CancelScope, report: Report) -> None:
        expires = time.time() + self._limits.approval_s
        report(ToolApproval(call.id, "asked", expires))
        pauses = looks()
        while not (decision := self._decision(call.id, expires)):
            scope.run(gevent.sleep, next(pauses))
        report(ToolApproval(call.id, decision, expires))
        if decision == "denied":
            raise ToolFailed("The user has denied this call.")
        if decision == "expired":
            raise ToolFailed("Nobody has approved this call in time.")

    def _decision(self, call_id: str, expires: float) -> Decision | None:
        try:
            if time.time() < expires:
                return self._approvals.decision(self._run_id, call_id)
            return self._approvals.decide(self._run_id, call_id, "expired")
        except DatabaseUnavailable:
            return None  # it is asked again


def looks() -> Iterator[float]:
    """Seconds to wait before each look for a decision: who decides at once sees it at once."""
    pause = LOOK_S
    while True:
        yield pause
        pause = min(pause * LOOK_GROWS, LOOK_LONG_S)


def check_arguments(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Raise ToolFailed, saying what is wrong. A schema that is itself wrong refuses nothing: the tool checks again."""
    dialect = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    validator = dialect(schema, registry=Registry())  # an own registry: none fetches anything
    try:
        error = best_match(validator.iter_errors(arguments))
    except (SchemaError, Unresolvable, ValueError, TypeError):
        return
    if error is not None:
        where = ".".join(map(str, error.absolute_path)) or "arguments"
        raise ToolFailed(f"The arguments are not valid: {where}: {error.message}")


def plain_json(value: object, max_bytes: int) -> object:
    """The value as JSON would carry it, and as a log can hold it. Raises ToolFailed where it is too large or too deep."""
    try:
        data = msgspec.json.encode(value)
        if len(data) > max_bytes:
            raise ToolFailed(f"The result is too large: {len(data)} bytes, and {max_bytes} are allowed. Ask for less.")
        plain: object = msgspec.json.decode(data)
    except RecursionError:
        raise ToolFailed(TOO_DEEP) from None
    if too_deep(plain):
        raise ToolFailed(TOO_DEEP)
    return storable(plain, data)
