"""A provider's own bytes, for the owner of the answer: live, and as long as its log is kept. Never rendered here."""

from collections.abc import Iterator
from functools import partial

from flask import Blueprint, Response

from chatapp.cancel import CancelScope
from chatapp.errors import NotFound
from chatapp.events import Raw, RunEnd
from chatapp.reading.reader import ClientDisconnected, Read
from chatapp.web import services
from chatapp.web.heads import streams
from chatapp.web.message_json import owned_answer
from chatapp.web.streaming import client_socket

blueprint = Blueprint("raw", __name__)

LOOK_S = 60.0  # a wait for more is begun anew so often; nothing shows of it

# What a provider sends must not run as a page of this site, whatever it says it is.
HEADERS = {
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "attachment; filename=raw",
}


@blueprint.get("/api/v1/messages/<message_id>/raw")
@streams
def stream_raw(message_id: str) -> Response:
    """The body as it came and comes, under its own type. Waits for its first byte."""
    answer = owned_answer(message_id)
    if answer.result_mode != "raw_passthrough":
        raise NotFound("raw: this answer was not asked for with result_mode raw_passthrough")
    scope = CancelScope()
    client = client_socket(partial(scope.cancel, ClientDisconnected))
    client.start()
    bodies = _bodies(partial(services().log.read, message_id), scope)
    try:
        response = _response(bodies)
    except BaseException:
        client.stop()
        raise
    response.call_on_close(client.stop)
    return response


def _response(bodies: Iterator[Raw]) -> Response:
    try:
        first = next(bodies, None)
    except ClientDisconnected:
        return Response(status=204)  # which nobody reads
    if first is None:
        raise NotFound("raw: nothing came from the provider")
    content_type = first.content_type or "application/octet-stream"
    return Response(_bytes(first, bodies), content_type=content_type, headers=HEADERS)


def _bodies(read: Read, scope: CancelScope) -> Iterator[Raw]:
    """The raw events of a run, to its end. Raises UnknownRun once its log is gone, ClientDisconnected."""
    after = 0
    while True:
        for seq, event in scope.run(read, after, LOOK_S):
            if isinstance(event, Raw):
                yield event
            elif isinstance(event, RunEnd):
                return
            after = seq


def _bytes(first: Raw, rest: Iterator[Raw]) -> Iterator[bytes]:
    yield first.bytes
    try:
        for event in rest:
            yield event.bytes
    except ClientDisconnected:
        return
