"""A provider's own bytes, for the owner of the answer: live, and as long as its log is kept. Never
rendered here."""

from collections.abc import Iterator
from functools import partial

from flask import Blueprint, Response

from chatapp.cancel import CancelScope
from chatapp.errors import NotFound
from chatapp.events import Raw
from chatapp.reading.reader import ClientDisconnected
from chatapp.reading.sources import Interruptible, Source, follow
from chatapp.web import current_caller, current_service
from chatapp.web.endpoint import ANY, endpoint
from chatapp.web.streaming import client_socket, end_with_login

blueprint = Blueprint("raw", __name__)

# What a provider sends must not run as a page of this site, whatever it says it is.
HEADERS = {
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "attachment; filename=raw",
}


@endpoint(blueprint.get("/api/v1/messages/<message_id>/raw"), answers={200: (ANY,), 204: ()})
def stream_raw(message_id: str) -> Response:
    """The provider's body as it came and comes, under its own type. Waits for its first byte."""
    answer = current_service().answer(current_caller(), message_id)
    if answer.result_mode != "raw_passthrough":
        raise NotFound("raw: not recorded; only result_mode 'raw_passthrough' records raw bytes")
    scope = CancelScope()
    client = client_socket(partial(scope.cancel, ClientDisconnected))
    client.start()
    leave = end_with_login(scope)

    def close() -> None:
        client.stop()
        leave()

    bodies = _bodies(Interruptible(current_service().source(answer), scope), live=answer.running)
    try:
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
    content_type = first.content_type or "application/octet-stream"
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
