"""Request bodies and query strings into typed values, within bounds. Every refusal names the
field."""

from typing import Literal, TypeVar

import msgspec
from flask import request

from chatapp.errors import BodyTooLarge, InvalidField, InvalidRequest, UnsupportedMediaType, field_of
from chatapp.web import current_service

DISCARD_BYTES = 64 * 1024 * 1024  # of a refused body, so that its sender reads the refusal rather than a broken pipe

T = TypeVar("T", bound=msgspec.Struct)


def parse(type_: type[T]) -> T:
    """The JSON body as `type_`. Raises UnsupportedMediaType, BodyTooLarge, InvalidRequest,
    InvalidField."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(f"Content-Type: expected application/json, got {request.mimetype or 'none'}")
    try:
        return msgspec.json.decode(_body(), type=type_)
    except msgspec.ValidationError as error:
        raise InvalidField(_named(error)) from None
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


def _body() -> bytes:
    """Not by werkzeug's own limit: of a chunked body it silently gives the first part."""
    limit, expected = current_service().settings.max_body_bytes, _expected_bytes()
    stream = request.environ["wsgi.input"]
    try:
        body: bytes = stream.read(min(expected, limit + 1))
    except OSError:  # chunked, and gone before the last chunk
        raise InvalidRequest("body: incomplete; the connection ended before the last chunk") from None
    if len(body) <= limit:
        return _whole(body)
    left = min(expected, DISCARD_BYTES) - len(body)
    while left > 0 and (piece := stream.read(min(left, 65_536))):
        left -= len(piece)
    raise BodyTooLarge(f"body: too large; the limit is {limit} bytes (setting max_body_bytes)")


def _whole(body: bytes) -> bytes:
    """What was sent of a body may happen to be JSON, too, and its sender is gone."""
    if request.content_length is not None and len(body) < request.content_length:
        raise InvalidRequest(f"body: incomplete; received {len(body)} of {request.content_length} bytes")
    return body


def _expected_bytes() -> int:
    """How much may be read without waiting for more than is sent; a chunked body ends by itself on
    a good server."""
    if request.content_length is not None:
        return request.content_length
    return DISCARD_BYTES if request.environ.get("wsgi.input_terminated") else 0


def _named(error: msgspec.ValidationError) -> str:
    field, wrong = field_of(error)
    return f"{field or 'body'}: {wrong}"
