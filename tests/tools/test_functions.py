"""A typed function is a tool: name, description and schema come from it, and its arguments arrive typed."""

from typing import Annotated, Literal

import gevent
import msgspec
import pytest

from chatapp.cancel import CancelScope
from chatapp.tools import ToolFailed
from chatapp.tools.functions import tool


class Place(msgspec.Struct):
    city: str
    country: str = "FR"


@tool
def weather(place: Place, days: Annotated[int, msgspec.Meta(ge=1, le=7)], unit: Literal["C", "F"] = "C") -> str:
    """The weather that is to be expected.

    It is a guess.

    Args:
        place: where
        days (int): how many days,
            from today on

    Returns:
        A sentence.
    """
    return f"{days} days in {place.city}, {place.country}, {unit}"


def test_the_signature_and_the_docstring_make_the_spec() -> None:
    assert weather.spec.name == "weather"
    assert weather.spec.description == "The weather that is to be expected. It is a guess."
    schema = weather.spec.parameters
    assert schema["type"] == "object" and schema["required"] == ["place", "days"]
    assert schema["properties"]["days"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 7,
        "description": "how many days, from today on",
    }
    assert schema["properties"]["unit"] == {"enum": ["C", "F"], "default": "C"}
    assert schema["$defs"]["Place"]["required"] == ["city"]


def test_arguments_arrive_as_the_types_that_were_declared() -> None:
    assert weather.call({"place": {"city": "Lyon"}, "days": 2}, CancelScope()) == "2 days in Lyon, FR, C"
    assert weather(Place("Rome", "IT"), 1) == "1 days in Rome, IT, C"


@pytest.mark.parametrize("arguments", [{}, {"place": {"city": 1}, "days": 2}, {"place": {"city": "x"}, "days": 9}])
def test_wrong_arguments_are_named(arguments: dict[str, object]) -> None:
    with pytest.raises(ToolFailed, match="not valid"):
        weather.call(arguments, CancelScope())


def test_a_function_is_stopped_where_it_waits() -> None:
    @tool(ask=True)
    def slow() -> None:
        """Wait."""
        gevent.sleep(1000)

    class Stopped(Exception):
        pass

    scope = CancelScope()
    gevent.spawn_later(0.01, scope.cancel, Stopped)
    with pytest.raises(Stopped):
        slow.call({}, scope)
    assert slow.ask and not weather.ask


def test_a_signature_without_types_is_refused() -> None:
    with pytest.raises(TypeError, match="x needs a type"):

        @tool
        def untyped(x):  # type: ignore[no-untyped-def]
            """Anything."""

    with pytest.raises(TypeError):

        @tool
        def open_ended(**more: int) -> None:
            """Anything."""
