"""The calls of a run: side by side, within limits, after approval; every outcome is a result."""

from collections.abc import Mapping, Sequence
from itertools import islice

import gevent
import msgspec
import pytest
from gevent.event import Event

from chatapp.cancel import CancelScope
from chatapp.errors import DatabaseUnavailable
from chatapp.events import ToolApproval, ToolCall, ToolResult
from chatapp.tools import Decision, Tool
from chatapp.tools.dialogue import looks
from chatapp.tools.functions import tool
from chatapp.tools.toolbox import Limits, Toolbox

LIMITS = Limits(calls=3, seconds=5.0, result_bytes=200, approval_s=60.0)


class Stopped(Exception):
    pass


class Decisions:
    """Approvals in memory. `failures`: so many questions find the database away."""

    def __init__(self, failures: int = 0) -> None:
        self.made: dict[str, Decision] = {}
        self.failures = failures

    def decision(self, run_id: str, call_id: str) -> Decision | None:
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable("away")
        return self.made.get(call_id)

    def decide(self, run_id: str, call_id: str, decision: Decision) -> Decision:
        return self.made.setdefault(call_id, decision)


@tool
def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


@tool(ask=True)
def guarded() -> str:
    """Needs approval."""
    return "done"


def call(id: str, name: str, **arguments: object) -> ToolCall:
    return ToolCall(id, "function", name, arguments)


def toolbox(*tools: Tool, approvals: Decisions | None = None, **limits: float) -> Toolbox:
    by_name: Mapping[str, Tool] = {each.spec.name: each for each in tools}
    return Toolbox("run", by_name, msgspec.structs.replace(LIMITS, **limits), approvals or Decisions())


def run(box: Toolbox, *calls: ToolCall) -> list[ToolApproval | ToolResult]:
    with gevent.Timeout(10):
        return list(box.call_all(calls, CancelScope()))


def states(happened: Sequence[ToolApproval | ToolResult]) -> list[str]:
    return [event.state for event in happened if isinstance(event, ToolApproval)]


def test_each_call_takes_one_off_those_that_are_left() -> None:
    box = toolbox(double)
    assert run(box, call("a", "double", number=1), call("b", "double", number=2)) == [
        ToolResult("a", 2),
        ToolResult("b", 4),
    ]
    assert box.left == 1


def test_an_unknown_tool_is_named_with_those_that_there_are() -> None:
    assert run(toolbox(double, guarded), call("a", "x")) == [
        ToolResult("a", error="Unknown tool 'x'; available: double, guarded.")
    ]


@pytest.mark.parametrize("error", [ValueError("secret"), SystemExit(1), gevent.Timeout(1), KeyboardInterrupt()])
def test_whatever_a_tool_raises_is_an_error_result_with_its_type_alone(error: BaseException) -> None:
    @tool
    def drastic() -> None:
        """Raise something."""
        raise error

    assert run(toolbox(drastic), call("a", "drastic")) == [
        ToolResult("a", error=f"The tool drastic failed ({type(error).__name__}).")
    ]


def test_a_result_that_json_cannot_say_is_an_error() -> None:
    @tool
    def odd() -> object:
        """Return something that is no value."""
        return object()

    assert run(toolbox(odd), call("a", "odd")) == [ToolResult("a", error="The tool odd failed (TypeError).")]


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [("approved", ToolResult("a", "done")), ("denied", ToolResult("a", error="The user denied this call."))],
)
def test_a_guarded_call_waits_for_its_owner(decision: Decision, outcome: ToolResult) -> None:
    decisions = Decisions(failures=1)  # a database that is away for a moment decides nothing
    happening = toolbox(guarded, approvals=decisions).call_all([call("a", "guarded")], CancelScope())
    with gevent.Timeout(10):
        asked = next(happening)
        decisions.decide("run", "a", decision)
        *decided, result = happening
    assert states([asked, *decided]) == ["asked", decision]
    assert result == outcome


def test_a_call_that_nobody_decides_on_is_denied() -> None:
    decisions = Decisions()
    happened = run(toolbox(guarded, approvals=decisions, approval_s=0.1), call("a", "guarded"))
    assert states(happened) == ["asked", "expired"]
    assert happened[-1] == ToolResult("a", error="Nobody approved this call in time.")
    assert decisions.decide("run", "a", "approved") == "expired"


def test_invalid_arguments_are_refused_before_anybody_is_asked() -> None:
    assert states(run(toolbox(guarded), call("a", "guarded", extra=1))) == []


def test_a_call_that_waits_long_looks_for_its_decision_less_often() -> None:
    pauses = list(islice(looks(), 160))
    assert pauses == sorted(pauses) and pauses[0] <= 0.5 and pauses[-1] <= 2
    assert sum(pauses) > 300  # covers the five minutes that an approval may take


def test_a_stop_ends_the_calls_under_way_and_those_that_wait_for_approval() -> None:
    started, ended = Event(), Event()

    @tool
    def endless() -> None:
        """Wait until stopped."""
        started.set()
        try:
            gevent.sleep(1000)
        finally:
            ended.set()

    scope, decisions = CancelScope(), Decisions()
    happening = toolbox(endless, guarded, approvals=decisions).call_all(
        [call("a", "endless"), call("b", "guarded")], scope
    )
    with gevent.Timeout(5):
        assert states([next(happening)]) == ["asked"] and started.wait(5)
        scope.cancel(Stopped)
        with pytest.raises(Stopped):
            next(happening)
        assert ended.wait(5)
