"""A JSON value, brought as near to a type as it can be. Pure.

Providers send numbers as strings, strings as lists of parts, null for anything, and fields of our
names with a meaning of their own. A field that does not fit is left at its default and noted; it
does not cost the reply. This is slow: only what a typed decoder refuses comes here.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import msgspec
from msgspec import inspect

Note: TypeAlias = Callable[[str], object]
"""Told of each field and item that was left out, by name."""

TRUE, FALSE = ("true", "1", 1), ("false", "0", "", 0)


class Unfit(ValueError):
    """The value has no place in the type."""


def shaped(kind: Any, value: object, note: Note) -> Any:
    """The value as an instance of `kind`. Raises Unfit, or RecursionError if it is nested deep."""
    return _fit(_info(kind), value, note)


@cache
def _info(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _fit(info: inspect.Type, value: object, note: Note) -> object:
    match info:
        case inspect.UnionType():
            return _one_of(info.types, value, note)
        case inspect.StructType():
            return _struct(info, value, note)
        case inspect.ListType():
            return _list(info, value, note)
        case inspect.StrType():
            return _text(value)
        case inspect.BoolType():
            return _bool(value)
        case inspect.IntType() | inspect.FloatType():
            return _number(value, whole=isinstance(info, inspect.IntType))
        case inspect.DictType() if isinstance(value, dict):
            return value
        case inspect.NoneType() if value is None:
            return None
        case inspect.RawType():
            return msgspec.Raw(msgspec.json.encode(value))
        case inspect.AnyType() | inspect.CustomType():
            return value
    raise Unfit


def _one_of(kinds: tuple[inspect.Type, ...], value: object, note: Note) -> object:
    """A kind of the same form if there is one; else the first that the value can be made into."""
    for kind in sorted(kinds, key=lambda kind: not _is_like(kind, value)):
        try:
            return _fit(kind, value, note)
        except Unfit:
            continue
    raise Unfit


def _is_like(kind: inspect.Type, value: object) -> bool:
    match kind:
        case inspect.NoneType():
            return value is None
        case inspect.StrType():
            return isinstance(value, str)
        case inspect.ListType():
            return isinstance(value, list)
        case inspect.StructType() | inspect.DictType():
            return isinstance(value, dict)
        case inspect.BoolType():
            return isinstance(value, bool)
    return isinstance(value, int | float)


def _struct(info: inspect.StructType, value: object, note: Note) -> object:
    if not isinstance(value, dict):
        raise Unfit
    fields = {}
    for field in info.fields:
        if value.get(field.encode_name) is None:
            continue  # null is the same as absent
        try:
            fields[field.name] = _fit(field.type, value[field.encode_name], note)
        except Unfit:
            note(f"field {field.encode_name}")
    if any(field.required and field.name not in fields for field in info.fields):
        raise Unfit
    return info.cls(**fields)


def _list(info: inspect.ListType, value: object, note: Note) -> list[object]:
    """The elements that fit. One element may stand alone."""
    if not isinstance(value, list):
        return [_fit(info.item_type, value, note)]
    fitting = []
    for element in value:
        try:
            fitting.append(_fit(info.item_type, element, note))
        except Unfit:
            if element is not None:
                note("element of a list")
    return fitting


def _text(value: object) -> str:
    """The string; a number's digits; the texts of a part or of a list of parts, joined."""
    match value:
        case str():
            return value
        case int() | float() if not isinstance(value, bool):
            return str(value)
        case {"text": str() as text}:
            return text
        case list() if value:
            return "".join(map(_text, value))
    raise Unfit


def _number(value: object, *, whole: bool) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]  # anything else is a TypeError
    except (TypeError, ValueError, OverflowError):
        raise Unfit from None
    if math.isnan(number) or isinstance(value, bool) or (whole and not number.is_integer()):
        raise Unfit
    return int(number) if whole else number


def _bool(value: object) -> bool:
    word = value.lower() if isinstance(value, str) else value
    if word in TRUE or word in FALSE:
        return word in TRUE
    raise Unfit
