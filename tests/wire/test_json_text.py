"""JSON from providers: cut in the wrong place, too large or too deep; and our own JSON."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.errors import BadReply
from chatapp.wire.json_text import (
    MAX_COUNT,
    MAX_LEVELS,
    count,
    is_json,
    is_something,
    json_data,
    parse,
    parse_arguments,
    parse_value,
    storable,
    too_deep,
)

TEXT = msgspec.json.Decoder(str)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def nested(levels: int) -> str:
    return '{"x":' * levels + "1" + "}" * levels


@given(VALUES)
def test_what_is_written_is_read_again(value: object) -> None:
    assert json.loads(json_data(value)) == parse_value(json_data(value), "acme") == value


@given(VALUES | st.text("a\u00e9\x85\u2028\u2029\x0b\x1c\n\r", min_size=1))
def test_what_is_written_is_one_line_however_a_client_splits_lines(value: object) -> None:
    assert json_data(value).splitlines() == [json_data(value)]
    assert json.loads(json_data({"x": value})) == {"x": value}


@pytest.mark.parametrize(
    ("text", "is_it"), [(b"{}", True), ("[1]", True), ("{", False), (b"\xff", False), ("[" * 100_000, False)]
)
def test_json_is_told_from_anything_else(text: str | bytes, is_it: bool) -> None:
    assert is_json(text) is is_it


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r'"a\ud83d\ude42b"', "a\N{SLIGHTLY SMILING FACE}b"),
        (r'"a\ud83d"', "a\ufffd"),
        (r'"\ude42b"', "\ufffdb"),
        (r'"\\ud83d"', r"\ud83d"),
        (b'"a\xf0\x9f"', "a\ufffd"),
    ],
)
def test_half_a_character_becomes_a_replacement_character(text: str | bytes, read: str) -> None:
    assert parse(TEXT, text, "acme") == read


@pytest.mark.parametrize("text", ["", "{", "5", "[" * 100_000])
def test_anything_but_the_expected_type_is_a_bad_reply_of_the_provider(text: str) -> None:
    with pytest.raises(BadReply, match="^acme "):
        parse(TEXT, text, "acme")


@pytest.mark.parametrize("nothing", ["", " \n", "null", b""])
def test_no_arguments_are_an_empty_object(nothing: str | bytes) -> None:
    assert parse_arguments(nothing, "acme") == {}


@pytest.mark.parametrize("text", ["[1]", '"x"', "{"])
def test_arguments_are_an_object(text: str) -> None:
    with pytest.raises(BadReply):
        parse_arguments(text, "acme")


def test_json_for_the_log_is_nested_up_to_the_limit() -> None:
    assert not too_deep(parse_arguments(nested(MAX_LEVELS), "acme"))
    with pytest.raises(BadReply, match="nested too deeply"):
        parse_arguments(nested(MAX_LEVELS + 1), "acme")


@pytest.mark.parametrize("value", [1, [], [[1]], {"x": [{}] * 1000}])
def test_wide_is_not_deep(value: object) -> None:
    assert not too_deep(value)


def test_an_integer_that_no_log_can_hold_becomes_a_float() -> None:
    text = '{"x":1' + "0" * 30 + "}"
    assert parse_value(text, "acme") == {"x": 1e30}
    assert storable({"x": 7}, '{"x":7}') == {"x": 7}


@pytest.mark.parametrize(
    ("raw", "says"), [(b"null", False), (b'""', False), (b"{}", False), (b"false", False), (b'"x"', True), (b"0", True)]
)
def test_an_empty_field_says_nothing(raw: bytes, says: bool) -> None:
    assert is_something(msgspec.Raw(raw)) is says


@pytest.mark.parametrize(("tokens", "number"), [(None, 0), (-1, 0), (5.0, 5), (1e300, MAX_COUNT)])
def test_tokens_are_counted_in_whole_numbers(tokens: float | None, number: int) -> None:
    assert count(tokens) == number
