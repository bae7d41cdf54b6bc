"""A provider's own bytes, for the owner of the answer: live, and as long as its log is kept. Never
rendered here."""

import logging
import re
from collections.abc import Iterator
from functools import partial

from flask import Blueprint, Response

from chatapp.cancel import CancelScope
from chatapp.errors import LogError, NotFound
from chatapp.events import Raw
from chatapp.reading.reader import ClientDisconnected
from chatapp.reading.sources import Interruptible, Source, follow
from chatapp.web import current_caller, current_service
from chatapp.web.endpoint import ANY, endpoint
from chatapp.web.streaming import check_place, client_socket, end_with_login, take_place
from chatapp.wire.frames import Frame, encode
from chatapp.wire.json_text import json_data

blueprint = Blueprint("raw", __name__)

logger = logging.getLogger(__name__)

# What a provider sends must not run as a page of this site, whatever it says it is.
HEADERS = {
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "attachment; filename=raw",
}


_is_header = re.compile(r"[\w.+-]+/[\w.+-]+[ -~]*", re.ASCII).fullmatch  # a provider's may hold anything


@endpoint(blueprint.get("/api/v1/messages/<message_id>/raw"), answers={200: (ANY,), 204: ()})
def stream_raw(message_id: str) -> Response:
    """The provider's body as it came and comes, under its own type. Waits for its first byte."""
    answer = current_service().answer(current_caller(), message_id)
    if answer.result_mode != "raw_passthrough":
        raise NotFound("raw: not recorded; only result_mode 'raw_passthrough' records raw bytes")
    check_place()
    scope = CancelScope()
    client = client_socket(partial(scope.cancel, ClientDisconnected))
    leave_place = take_place()
    client.start()
    leave = end_with_login(scope)

    def close() -> None:
        client.stop()
        leave()
        leave_place()

    try:
        bodies = _bodies(Interruptible(current_service().source(answer), scope), live=answer.running)
        response = _response(bodies)
    except BaseException:
        close()
        raise
    response.call_on_close(close)
    return response


def _response(bodies: Iterator[Raw]) -> Response:
    try:
        first = next(bodies, None)
    except ClientDisconnected:
        return Response(status=204)  # which nobody reads
    if first is None:
        raise NotFound("raw: no bytes of this answer are kept; either none came, or its log has expired")
    content_type = first.content_type if _is_header(first.content_type) else "application/octet-stream"
    return Response(_bytes(first, bodies), content_type=content_type, headers=HEADERS)


def _bodies(source: Source, live: bool) -> Iterator[Raw]:
    for entry in follow(source, live=live):
        if isinstance(entry.event, Raw):
            yield entry.event


def _bytes(first: Raw, rest: Iterator[Raw]) -> Iterator[bytes]:
    yield first.bytes
    try:
        for event in rest:
            yield event.bytes
    except ClientDisconnected:
        return
    except LogError as error:
        logger.warning("a raw body ends before its end: %s", error)
        if not (reason := _reason(first.content_type, error)):
            raise  # which cuts the connection: no client takes that for the end
        yield reason


def _reason(content_type: str, error: LogError) -> bytes:
    """The end of a body that cannot go on, if its format has a way to say it. What was sent last
    may be half a line."""
    data = json_data({"error": {"code": error.code, "message": error.message}})
    match content_type.partition(";")[0].strip().lower():
        case "text/event-stream":
            return b"\n\n" + encode(Frame(data, "error"))
        case "application/x-ndjson" | "application/jsonl" | "application/x-jsonlines":
            return f"\n{data}\n".encode()
    return b""
