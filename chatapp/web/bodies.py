"""Request bodies and query strings into typed values, within bounds. Every refusal names the
field."""

from typing import Literal, TypeVar

import msgspec
from flask import request

from chatapp.errors import InvalidField, InvalidRequest, UnsupportedMediaType, field_of
from chatapp.hub import let_others_run
from chatapp.web import current_service, this_request
from chatapp.web.body_values import PIECE_BYTES, refuse_many_values
from chatapp.web.request_body import read_body

T = TypeVar("T", bound=msgspec.Struct)


def parse(type_: type[T]) -> T:
    """The JSON body as `type_`. Raises UnsupportedMediaType, BodyTooLarge, LimitExceeded,
    Overloaded, RequestTimeout, InvalidRequest, InvalidField."""
    settings = current_service().settings
    body = read_json(settings.max_body_bytes)
    refuse_many_values(body, settings.max_body_values)
    parsed = decoded(body, type_)
    _refuse_long_lists(parsed)
    if len(body) > PIECE_BYTES:
        let_others_run()
    return parsed


def read_json(max_bytes: int, setting: str = "max_body_bytes") -> bytes:
    """The body, which is to be JSON; `setting` bounds it. Raises as `parse` does."""
    mimetype = this_request().mimetype
    if mimetype != "application/json":
        raise UnsupportedMediaType(f"Content-Type: expected application/json, got {mimetype or 'none'}")
    return read_body(max_bytes, current_service().settings.body_timeout_s, setting)


def decoded(text: bytes, type_: type[T], field: str = "") -> T:
    """The JSON text, which is this field of the body, or all of it. Raises InvalidRequest,
    InvalidField."""
    try:
        return msgspec.json.decode(text, type=type_)
    except msgspec.ValidationError as error:
        raise InvalidField(_named(error, field)) from None
    except RecursionError:
        raise InvalidRequest("body: the JSON is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"body: invalid JSON: {error}") from None


def parse_request(type_: type[T]) -> T:
    """The body of a POST; of a GET the query, whose values are text."""
    if request.method == "POST":
        return parse(type_)
    try:
        return msgspec.convert(request.args.to_dict(), type_, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidField(_named(error)) from None


def number(name: str, default: float, least: float, most: float) -> float:
    """A number of the query string within bounds."""
    text = request.args.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        raise InvalidField(f"{name}: expected a number") from None
    if not least <= value <= most:
        raise InvalidField(f"{name}: must be between {least:g} and {most:g}")
    return value


def stops_on_leave(default: Literal["continue", "cancel"]) -> bool:
    """Whether the run stops when this reader leaves, by the query's `on_disconnect`."""
    match request.args.get("on_disconnect", default):
        case "continue":
            return False
        case "cancel":
            return True
        case _:
            raise InvalidField("on_disconnect: expected 'cancel' or 'continue'")


def _refuse_long_lists(parsed: msgspec.Struct) -> None:
    settings = current_service().settings
    for attribute, field in zip(parsed.__struct_fields__, parsed.__struct_encode_fields__, strict=True):
        value, setting = getattr(parsed, attribute), "max_tools" if field == "tools" else "max_messages"
        limit: int = getattr(settings, setting)
        if isinstance(value, list) and len(value) > limit:
            raise InvalidField(f"{field}: {len(value)} are too many; the limit is {limit} (setting {setting})")


def _named(error: msgspec.ValidationError, within: str = "") -> str:
    field, wrong = field_of(error)
    return f"{'.'.join(filter(None, (within, field))) or 'body'}: {wrong}"
