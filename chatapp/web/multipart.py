"""A form with one file, taken apart piece by piece and within bounds."""

from collections.abc import Iterator
from typing import NamedTuple

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Event, Field, File, MultipartDecoder, NeedData

from chatapp.errors import BodyTooLarge, InvalidField, InvalidRequest, UnsupportedMediaType
from chatapp.hub.large_values import slices
from chatapp.web import current_service
from chatapp.web.request_body import read_body

FORM_BYTES = 65_536
"""For the form around the file, and for its other fields."""

MAX_FIELDS = 10


class Form(NamedTuple):
    """The file of the field `file`, and the other fields with their values."""

    name: str
    data: bytes
    fields: dict[str, str]


def read_form() -> Form:
    """Raises UnsupportedMediaType, BodyTooLarge, RequestTimeout, InvalidRequest, InvalidField."""
    boundary, settings = _boundary(), current_service().settings
    most = settings.max_file_bytes
    body = read_body(most + FORM_BYTES, settings.body_timeout_s, "max_file_bytes")
    try:
        form = _form(_events(boundary, body))
    except (ValueError, RequestEntityTooLarge):
        raise InvalidRequest("body: malformed; expected a form of one file, as in RFC 7578") from None
    if len(form.data) > most:
        raise BodyTooLarge(f"file: too large; the limit is {most} bytes (setting max_file_bytes)")
    return form


def _boundary() -> bytes:
    kind, options = parse_options_header(request.headers.get("Content-Type"))
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise UnsupportedMediaType(f"Content-Type: expected multipart/form-data, got {kind or 'none'}")
    return options["boundary"].encode()


def _events(boundary: bytes, body: bytes) -> Iterator[Event]:
    decoder = MultipartDecoder(boundary, len(body), max_parts=MAX_FIELDS)
    for piece in slices(len(body)):
        decoder.receive_data(body[piece])
        while not isinstance(event := decoder.next_event(), NeedData):
            yield event
            if isinstance(event, Data) and event.more_data:
                break
    decoder.receive_data(None)
    while decoder.state.name != "COMPLETE":
        yield decoder.next_event()


def _form(events: Iterator[Event]) -> Form:
    """Of several texts with one name the first counts. Raises InvalidField."""
    name: str | None = None
    data: list[bytes] = []
    values: dict[str, list[bytes]] = {}
    pieces: list[bytes] = []
    for event in events:
        if isinstance(event, File):
            pieces = []
            if event.name == "file":
                if name is not None:
                    raise InvalidField("file: more than one; send one with each request")
                name, pieces = event.filename, data
        elif isinstance(event, Field):
            pieces = []
            values.setdefault(event.name, pieces)
        elif isinstance(event, Data):
            pieces.append(event.data)
    if name is None:
        raise InvalidField("file: missing; expected a form with a file in the field 'file'")
    texts = {field: b"".join(value).decode("utf-8", "replace") for field, value in values.items()}
    return Form(name, b"".join(data), texts)
