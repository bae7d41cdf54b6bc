"""A typed function is a tool: it gives name, description and schema; its arguments arrive typed."""

from collections.abc import Callable
from typing import Annotated, Literal

import gevent
import msgspec
import pytest
from gevent.event import Event

from chatapp.cancel import CancelScope
from chatapp.chat import ToolSpec
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


def google(city: str, days: int) -> None:
    """The weather forecast.

    It is a guess.

    Args:
        city: name of the city,
            in English
        days (int, optional): how many days

    Returns:
        Nothing.

    Raises:
        OSError: if the service is down
    """


def numpy(city: str, days: int) -> None:
    """The weather forecast.

    It is a guess.

    Parameters
    ----------
    city : str
        name of the city,
        in English
    days : int, optional
        how many days

    Returns
    -------
    None
        Nothing.

    Notes
    -----
    The model need not know this.
    """


def rest(city: str, days: int) -> None:
    """The weather forecast.

    It is a guess.

    :param city: name of the city,
        in English
    :param int days: how many days
    :returns: nothing
    :raises OSError: if the service is down
    """


@pytest.mark.parametrize("function", [google, numpy, rest])
def test_a_docstring_is_read_in_each_usual_style(function: Callable[..., object]) -> None:
    spec = tool(function).spec
    assert spec.description == "The weather forecast. It is a guess."
    assert descriptions(spec) == {"city": "name of the city, in English", "days": "how many days"}


def test_numpy_style_describes_several_parameters_at_once() -> None:
    @tool
    def distance(x: float, y: float) -> float:
        """The distance from the origin.

        Parameters
        ----------
        x, y : float
            a coordinate in metres
        """
        return float((x * x + y * y) ** 0.5)

    assert descriptions(distance.spec) == {"x": "a coordinate in metres", "y": "a coordinate in metres"}


def test_a_description_in_the_signature_overrides_the_docstring() -> None:
    @tool
    def look(city: Annotated[str, msgspec.Meta(description="a capital")], days: int) -> None:
        """Look.

        Args:
            city: any city
            days: how many days
        """

    assert descriptions(look.spec) == {"city": "a capital", "days": "how many days"}


@pytest.mark.parametrize(
    ("docstring", "description"),
    [
        (None, ""),
        ("Look.", "Look."),
        (
            "Look at the sky,\n    then at the sea: twice.\n\n    Really.",
            "Look at the sky, then at the sea: twice. Really.",
        ),
        ("Look.\n\n    Args:\n        no colon here\n", "Look. Args: no colon here"),
        ("Look.\n\n    : : neither\n", "Look. : : neither"),
    ],
)
def test_a_docstring_without_readable_sections_is_all_description(docstring: str | None, description: str) -> None:
    def look(city: str) -> None: ...

    look.__doc__ = docstring
    spec = tool(look).spec
    assert spec.description == description
    assert descriptions(spec) == {}


def descriptions(spec: ToolSpec) -> dict[str, str]:
    properties: dict[str, dict[str, str]] = spec.parameters["properties"]  # type: ignore[assignment]
    return {name: field["description"] for name, field in properties.items() if "description" in field}


def test_arguments_arrive_as_the_declared_types() -> None:
    assert weather.call({"place": {"city": "Lyon"}, "days": 2}, CancelScope()) == "2 days in Lyon, FR, C"
    assert weather(Place("Rome", "IT"), 1) == "1 days in Rome, IT, C"


@pytest.mark.parametrize("arguments", [{}, {"place": {"city": 1}, "days": 2}, {"place": {"city": "x"}, "days": 9}])
def test_wrong_arguments_are_named(arguments: dict[str, object]) -> None:
    with pytest.raises(ToolFailed, match="not valid"):
        weather.call(arguments, CancelScope())


def test_a_function_is_stopped_where_it_waits() -> None:
    started = Event()

    @tool(ask=True)
    def slow() -> None:
        """Wait."""
        started.set()
        gevent.sleep(1000)

    class Stopped(Exception):
        pass

    scope = CancelScope()
    calling = gevent.spawn(slow.call, {}, scope)
    assert started.wait(5)
    scope.cancel(Stopped)
    with pytest.raises(Stopped):
        calling.get(timeout=5)
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
