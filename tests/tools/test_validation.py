"""Arguments are checked against any schema, and a result becomes JSON that a log can hold."""

from contextlib import suppress

import msgspec
import pytest

from chatapp.tools import ToolFailed
from chatapp.tools.validation import check_arguments, plain_json

PLACE = {
    "type": "object",
    "properties": {"place": {"type": "object", "properties": {"city": {"type": "string"}}}},
    "required": ["place"],
}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "The arguments are not valid: arguments: 'place' is a required property"),
        ({"place": {"city": 1}}, "The arguments are not valid: place.city: 1 is not of type 'string'"),
    ],
)
def test_wrong_arguments_are_refused_with_the_field(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ToolFailed) as caught:
        check_arguments(PLACE, arguments)
    assert str(caught.value) == message


def test_right_arguments_pass() -> None:
    check_arguments(PLACE, {"place": {"city": "Lyon"}})


@pytest.mark.parametrize("schema", [{"type": 5}, {"$ref": "http://127.0.0.1:1/x"}, {"$ref": "#/$defs/none"}, {}])
def test_a_schema_that_cannot_be_used_refuses_nothing(schema: dict[str, object]) -> None:
    check_arguments(schema, {"x": 1})


@pytest.mark.parametrize("value", [{1, 2}, (1, 2), b"ab", float("nan")])
def test_a_result_is_what_json_carries(value: object) -> None:
    plain = plain_json(value, 100)
    assert msgspec.json.decode(msgspec.json.encode(plain)) == plain


def test_an_integer_too_large_for_a_log_becomes_a_float() -> None:
    assert plain_json(["anything", 2**63, 2**70], 100) == ["anything", 2**63, float(2**70)]


def test_a_result_that_is_too_large_is_refused_with_its_size() -> None:
    assert plain_json("x" * 98, 100) == "x" * 98
    with pytest.raises(ToolFailed, match=r"too large: 101 bytes; the limit is 100\. Ask for less"):
        plain_json("x" * 99, 100)


@pytest.mark.parametrize("levels", [101, 970, 5000])
def test_a_result_that_is_nested_too_deeply_is_refused(levels: int) -> None:
    with pytest.raises(ToolFailed, match="nested too deeply; the limit is 100 levels"):
        plain_json(nested(levels), 20_000)


def test_a_result_may_be_nested_a_hundred_levels_deep() -> None:
    assert plain_json(nested(100), 1000) == nested(100)


def nested(levels: int) -> object:
    value: list[object] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": "^(a+)+$"}}},
        {"properties": {"a": {"pattern": "(a|aa)+$"}}},
        {"properties": {"a": {"pattern": "^(a|a?)+$"}}},
        {"patternProperties": {"^(a+)+$": {"type": "string"}}, "additionalProperties": False},
    ],
)
def test_a_pattern_that_could_take_for_ever_is_given_up(schema: dict[str, object]) -> None:
    with suppress(ToolFailed):  # if it is decided in time
        check_arguments(schema, {"a": "a" * 60 + "!", "a" * 60 + "!": "b"})


def test_patterns_are_matched() -> None:
    schema = {
        "properties": {"id": {"type": "string", "pattern": "^[a-z]+$"}},
        "patternProperties": {"^x-": {"type": "integer"}},
        "additionalProperties": False,
    }
    check_arguments(schema, {"id": "abc", "x-a": 1})
    for wrong in ({"id": "A"}, {"x-a": "b"}, {"other": 1}):
        with pytest.raises(ToolFailed):
            check_arguments(schema, wrong)
    check_arguments({"properties": {"id": {"pattern": "("}}}, {"id": "any"})  # which is no pattern
