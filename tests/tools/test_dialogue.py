"""What a running call tells its owner, and asks; and the time that it may take meanwhile."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

import gevent
import msgspec
import pytest
from drivers import NoApprovals
from gevent.event import Event

from chatapp.cancel import CancelScope
from chatapp.chat import ToolSpec
from chatapp.errors import DatabaseUnavailable, InvalidField
from chatapp.events import ToolCall, ToolProgress, ToolQuestion, ToolResult
from chatapp.tools import Arguments, CallOwner, UserInput
from chatapp.tools.time_limit import TimeLimit, TimeOver
from chatapp.tools.toolbox import Happening, Limits, Toolbox
from chatapp.tools.validation import check_form

LIMITS = Limits(calls=3, seconds=5.0, result_bytes=200, approval_s=60.0)
FORM = {
    "type": "object",
    "properties": {"row": {"type": "integer", "maximum": 30}, "mail": {"type": "string", "format": "email"}},
    "required": ["row"],
}


class Inputs:
    """What owners said, in memory. `failures`: so many looks find the database away."""

    def __init__(self, failures: int = 0) -> None:
        self.made: dict[str, UserInput] = {}
        self.failures = failures

    def said(self, run_id: str, question_id: str) -> UserInput | None:
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable("away")
        return self.made.get(question_id)

    def say(self, run_id: str, question_id: str, said: UserInput) -> UserInput:
        return self.made.setdefault(question_id, said)


class Curious:
    """A tool that does with its owner what `ask` says."""

    spec = ToolSpec("curious", "", {"type": "object"})
    type: Literal["function", "mcp"] = "mcp"
    ask = False

    def __init__(self, ask: Callable[[CallOwner], object]) -> None:
        self._ask = ask

    def call(self, arguments: Arguments, scope: CancelScope) -> object:
        raise AssertionError("it has an owner")

    def call_for(self, owner: CallOwner, arguments: Arguments, scope: CancelScope) -> object:
        return self._ask(owner)


def asks_once(owner: CallOwner) -> object:
    said: list[UserInput] = []
    heard = Event()

    def told(what: UserInput) -> None:
        said.append(what)
        heard.set()

    owner.progress(1, 2, "asking")
    owner.ask("Which?", FORM, told)
    heard.wait()
    return [said[0].state, said[0].content]


def events_of(tool: Curious, inputs: Inputs | None, **limits: float) -> Any:
    box = Toolbox("run", {"curious": tool}, msgspec.structs.replace(LIMITS, **limits), NoApprovals(), inputs)
    return box.call_all([ToolCall("c", "mcp", "curious", {})], CancelScope())


def states(events: list[Happening]) -> list[str]:
    return [event.state for event in events if isinstance(event, ToolQuestion)]


def test_a_call_tells_and_asks_and_gets_what_its_owner_said() -> None:
    inputs = Inputs(failures=1)
    happening = events_of(Curious(asks_once), inputs, seconds=0.05)  # shorter than the first look
    with gevent.Timeout(10):
        assert next(happening) == ToolProgress("c", 1, 2, "asking")
        asked = next(happening)
        assert (asked.message, asked.schema, asked.state) == ("Which?", FORM, "asked")
        inputs.say("run", asked.id, UserInput("accepted", {"row": 3}))
        *over, result = happening
    assert states(over) == ["accepted"] and over[0].id == asked.id
    assert result == ToolResult("c", ["accepted", {"row": 3}])


def test_nobody_saying_anything_in_time_is_told_to_the_tool() -> None:
    with gevent.Timeout(10):
        *events, result = events_of(Curious(asks_once), Inputs(), approval_s=0.1)
    assert states(events) == ["asked", "expired"] and result == ToolResult("c", ["expired", {}])


def test_a_second_question_has_the_time_that_the_first_one_left() -> None:
    begun: list[float] = []

    def twice(owner: CallOwner) -> object:
        for _ in range(2):
            begun.append(time.time())
            asks_once(owner)
        return "done"

    with gevent.Timeout(10):
        events = list(events_of(Curious(twice), Inputs(), approval_s=0.5))
    asked = [event for event in events if isinstance(event, ToolQuestion) and event.state == "asked"]
    assert states(events) == ["asked", "expired"] * 2
    assert asked[0].expires - begun[0] >= 0.5 > asked[1].expires - begun[1]


def test_what_is_asked_when_the_call_ends_or_is_taken_back_is_cancelled() -> None:
    def careless(owner: CallOwner) -> object:
        owner.ask("Which?", FORM, lambda said: None)
        owner.ask("Or?", FORM, lambda said: None)()
        return "done"

    with gevent.Timeout(10):
        *events, result = events_of(Curious(careless), Inputs())
    assert sorted(states(events)) == ["asked", "asked", "cancelled", "cancelled"] and result == ToolResult("c", "done")


def test_without_an_owner_nobody_is_asked() -> None:
    with gevent.Timeout(10):
        *events, result = events_of(Curious(asks_once), None)
    assert states(events) == [] and result == ToolResult("c", ["cancelled", {}])


def test_a_time_limit_counts_no_pause() -> None:
    with gevent.Timeout(10), TimeLimit(0.05) as limit:
        limit.pause()
        limit.pause()
        limit.resume()
        gevent.sleep(0.1)
        limit.resume()
        with pytest.raises(TimeOver):
            gevent.sleep(5)


def test_a_time_limit_that_is_over_in_time_throws_nothing() -> None:
    with TimeLimit(0.02) as limit:
        limit.pause()
    limit.resume()
    gevent.sleep(0.05)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "content.row: missing"),
        ({"row": "3"}, "content.row: '3' is not of type 'integer'"),
        ({"row": 31}, "content.row: 31 is greater than"),
        ({"row": 3, "seat": 1}, "content.seat: not asked for; expected row, mail"),
        ({"row": 3, "mail": "nowhere"}, "content.mail: 'nowhere' is not a 'email'"),
    ],
)
def test_a_form_that_was_not_asked_for_is_refused_by_field(content: Mapping[str, object], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check_form(FORM, content)
    assert str(refused.value).startswith(field)


def test_a_form_is_taken_as_it_was_asked_for() -> None:
    check_form(FORM, {"row": 30, "mail": "a@b.test"})
    check_form({"properties": {"row": {"type": "nonsense"}}}, {"row": 1})
