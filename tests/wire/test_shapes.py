"""JSON that does not fit a type is brought as near to it as it can be."""

import msgspec
import pytest

from chatapp.errors import BadReply
from chatapp.wire.json_text import is_json, parse_loosely
from chatapp.wire.shapes import Unfit, shaped


class Inner(msgspec.Struct):
    name: str
    size: int | None = None


class Outer(msgspec.Struct):
    text: str = ""
    count: float | None = None
    on: bool = False
    inner: Inner | None = None
    many: list[Inner] | None = None
    mixed: str | list[msgspec.Raw] | None = None
    any: dict[str, object] | None = None
    raw: msgspec.Raw = msgspec.Raw(b"null")


OUTER = msgspec.json.Decoder(Outer)


def loosely(text: str) -> tuple[Outer, list[str]]:
    notes: list[str] = []
    return parse_loosely(OUTER, text, "acme", notes.append), notes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"text": 5}', Outer(text="5")),
        ('{"text": null, "on": null}', Outer()),
        ('{"text": ["a", {"type": "text", "text": "b"}]}', Outer(text="ab")),
        ('{"count": "12.5"}', Outer(count=12.5)),
        ('{"on": "true"}', Outer(on=True)),
        ('{"on": 0, "text": 1}', Outer(text="1")),
        ('{"inner": {"name": "n", "size": "3"}}', Outer(inner=Inner("n", 3))),
        ('{"inner": {"name": 7, "size": 3.0}}', Outer(inner=Inner("7", 3))),
        ('{"many": {"name": "n"}, "on": "1"}', Outer(many=[Inner("n")], on=True)),
        ('{"mixed": 7}', Outer(mixed="7")),
        ('{"text": "a\nb"}', Outer(text="a\nb")),
        ('{"count": NaN, "text": "NaN -inf"}', Outer(text="NaN -inf")),
        ('{"unread": [Infinity, -Infinity, nan, +inf], "text": "\\"nan"}', Outer(text='"nan')),
    ],
)
def test_what_can_be_meant_is_read(text: str, expected: Outer) -> None:
    assert loosely(text) == (expected, [])


@pytest.mark.parametrize(
    ("text", "expected", "notes"),
    [
        ('{"text": {"x": 1}}', Outer(), ["field text"]),
        ('{"count": "many", "text": "a"}', Outer(text="a"), ["field count"]),
        ('{"count": true}', Outer(), ["field count"]),
        ('{"on": "maybe"}', Outer(), ["field on"]),
        ('{"inner": {"size": 3}}', Outer(), ["field inner"]),
        ('{"inner": {"name": "n", "size": 3.5}}', Outer(inner=Inner("n")), ["field size"]),
        ('{"many": [{"name": "n"}, 5, null]}', Outer(many=[Inner("n")]), ["element of a list"]),
        ('{"many": 5}', Outer(), ["field many"]),
        ('{"any": [1]}', Outer(), ["field any"]),
    ],
)
def test_what_does_not_fit_is_left_out_and_noted(text: str, expected: Outer, notes: list[str]) -> None:
    assert loosely(text) == (expected, notes)


@pytest.mark.parametrize("text", ["5", "[]", "null", '{"text"', "", "{" * 100_000, '{"raw":' + "[" * 100_000])
def test_what_has_not_the_form_at_all_is_a_bad_reply(text: str) -> None:
    with pytest.raises(BadReply, match="^acme "):
        loosely(text)


def test_a_field_that_is_kept_raw_is_written_again() -> None:
    outer, _ = loosely('{"raw": {"x": [NaN, 1]}, "text": 5}')
    assert msgspec.json.decode(outer.raw) == {"x": [None, 1]}


def test_huge_numbers_do_not_matter() -> None:
    assert loosely('{"unread": 1' + "0" * 5000 + ', "text": 5}') == (Outer(text="5"), [])


@pytest.mark.parametrize(("text", "is_it"), [('{"x": NaN}', True), ("[-Infinity]", True), ('{"x": Nana}', False)])
def test_json_with_numbers_that_it_does_not_have_is_json(text: str, is_it: bool) -> None:
    assert is_json(text) is is_it


def test_a_list_is_no_dictionary() -> None:
    with pytest.raises(Unfit):
        shaped(dict[str, object], [1], print)
