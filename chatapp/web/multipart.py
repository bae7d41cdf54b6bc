"""One uploaded file of a form, taken apart piece by piece and within bounds."""

from collections.abc import Iterator

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Event, File, MultipartDecoder, NeedData

from chatapp.errors import BodyTooLarge, InvalidField, InvalidRequest, UnsupportedMediaType
from chatapp.large_values import slices
from chatapp.web import current_service
from chatapp.web.request_body import read_body

FORM_BYTES = 65_536
"""For the form around the file, and for other fields, which are ignored."""

MAX_FIELDS = 10


def read_upload() -> tuple[str, bytes]:
    """The name and the bytes of the field `file`. Raises UnsupportedMediaType, BodyTooLarge,
    RequestTimeout, InvalidRequest, InvalidField."""
    boundary, settings = _boundary(), current_service().settings
    most = settings.max_file_bytes
    body = read_body(most + FORM_BYTES, settings.body_timeout_s, "max_file_bytes")
    try:
        name, data = _uploaded(_events(boundary, body))
    except (ValueError, RequestEntityTooLarge):
        raise InvalidRequest("body: malformed; expected a form of one file, as in RFC 7578") from None
    if len(data) > most:
        raise BodyTooLarge(f"file: too large; the limit is {most} bytes (setting max_file_bytes)")
    return name, data


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


def _uploaded(events: Iterator[Event]) -> tuple[str, bytes]:
    """The first field of this name."""
    name: str | None = None
    pieces: list[bytes] = []
    for event in events:
        if isinstance(event, File) and event.name == "file":
            name = event.filename
        elif isinstance(event, Data) and name is not None:
            pieces.append(event.data)
            if not event.more_data:
                return name, b"".join(pieces)
    raise InvalidField("file: missing; expected a form with a file in the field 'file'")
