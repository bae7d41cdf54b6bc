"""Checks the arguments of a call against a schema, and makes its result JSON for a log. Pure."""

from collections.abc import Mapping
from typing import Any

import jsonschema
import msgspec
from jsonschema.exceptions import SchemaError, UnknownType, ValidationError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from chatapp.errors import InvalidField
from chatapp.tools import ToolFailed
from chatapp.tools.patterns import Patterns
from chatapp.wire.json_text import MAX_LEVELS, storable, too_deep

MESSAGE_CHARS = 500  # jsonschema quotes the whole value
TOO_DEEP = f"The result is nested too deeply; the limit is {MAX_LEVELS} levels."


def check_arguments(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Raise ToolFailed, which says what is wrong, unless the arguments follow the schema.

    A schema that is itself invalid refuses nothing: the tool checks its arguments again.
    """
    error = _first_error(schema, arguments)
    if error is not None:
        field = ".".join(map(str, error.absolute_path)) or "arguments"
        raise ToolFailed(f"The arguments are not valid: {field}: {error.message[:MESSAGE_CHARS]}")


def check_form(schema: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Raise InvalidField, which names the field, unless this is the form that was asked for.

    A schema that is itself invalid refuses nothing: the tool checks what it gets.
    """
    properties = schema.get("properties", {})
    if unknown := [name for name in content if name not in properties]:
        raise InvalidField(f"content.{unknown[0]}: not asked for; expected {', '.join(properties) or 'nothing'}")
    if missing := [name for name in schema.get("required", ()) if name not in content]:
        raise InvalidField(f"content.{missing[0]}: missing; the tool needs it")
    error = _first_error(schema, content, formats=True)
    if error is not None:
        field = ".".join(["content", *map(str, error.absolute_path)])
        raise InvalidField(f"{field}: {error.message[:MESSAGE_CHARS]}")


def plain_json(value: object, max_bytes: int) -> object:
    """The value as JSON carries it and a log can hold it.

    Raises ToolFailed if it is too large or too deep.
    """
    try:
        data = msgspec.json.encode(value)
        if len(data) > max_bytes:
            raise ToolFailed(f"The result is too large: {len(data)} bytes; the limit is {max_bytes}. Ask for less.")
        plain: object = msgspec.json.decode(data)
    except RecursionError:
        raise ToolFailed(TOO_DEEP) from None
    if too_deep(plain):
        raise ToolFailed(TOO_DEEP)
    return storable(plain, data)


def _first_error(schema: Mapping[str, Any], value: Mapping[str, Any], formats: bool = False) -> ValidationError | None:
    """None if it is valid, and also if the schema is not."""
    dialect = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    checker = dialect.FORMAT_CHECKER if formats else None
    # The default registry fetches remote `$ref`s.
    validator = Patterns().validator(dialect)(schema, registry=Registry(), format_checker=checker)
    try:
        error: ValidationError | None = best_match(validator.iter_errors(value))
    except (SchemaError, UnknownType, Unresolvable, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return error
