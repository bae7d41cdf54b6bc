"""Checks the arguments of a call against a schema, and makes its result JSON for a log. Pure.

What knows schemas is imported by the catalog of tools, as it takes 60 ms: at the start of a server,
which should not stand still at its first call, and not for a mere `import chatapp`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from chatapp.errors import InvalidField
from chatapp.tools import ToolFailed
from chatapp.wire.json_text import MAX_LEVELS, storable, too_deep

MESSAGE_CHARS = 500  # jsonschema quotes the whole value
TOO_DEEP = f"The result is nested too deeply; the limit is {MAX_LEVELS} levels."


def check_arguments(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Raise ToolFailed, which says what is wrong, unless the arguments follow the schema.

    A schema that is itself invalid refuses nothing: the tool checks its arguments again.
    """
    from chatapp.tools.schemas import first_error

    error = first_error(schema, arguments)
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
    from chatapp.tools.schemas import first_error

    error = first_error(schema, content, formats=True)
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
