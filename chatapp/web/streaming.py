"""From a parsed request to a run, and from a run to a response, streamed or whole: shared by all
endpoints that answer."""

from collections.abc import Callable, Mapping
from functools import partial

import gevent
import msgspec
from flask import Response, request

from chatapp.chat import Ask
from chatapp.dialects import Dialect
from chatapp.dialects.requests import fingerprint
from chatapp.errors import InvalidField, RunFailed
from chatapp.reading.disconnect import OnLeave
from chatapp.reading.pace import Spread
from chatapp.reading.presence import ServerDraining
from chatapp.reading.reader import AlreadyComplete, ClientDisconnected, Reader, open_reader
from chatapp.reading.sources import Source
from chatapp.service import Answer, Begun
from chatapp.transcript import Transcript
from chatapp.web import current_caller, current_service, trace_id
from chatapp.wire.client_socket import ClientSocket

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
RUN_HEADER = "X-Run-Id"
KEY_HEADER = "Idempotency-Key"

NO_HEADERS: Mapping[str, str] = {}


def begin(parsed: msgspec.Struct, ask: Ask, name: str | None = None) -> Begun:
    """Begin the run that was asked for, or find the one with the same idempotency key. `parsed` is
    the request. `name` is the run's key if its client sends none."""
    key = request.headers.get(KEY_HEADER) or None
    if key is not None:
        ask = msgspec.structs.replace(ask, fingerprint=fingerprint(request.path, parsed))
    return current_service().ask(ask, current_caller(), key or name)


def respond(
    source: Source,
    dialect: Dialect,
    on_leave: OnLeave,
    headers: Mapping[str, str] = NO_HEADERS,
    resumes_here: bool = False,
    late: bool = False,
    replays: bool = False,
) -> Response:
    """The streamed response; 204 if the client has it all.

    `resumes_here`: the client resumes at the address that began the run, so ids must name the run.
    Such a client, and one whose leaving does not stop the run, is sent to another process when this
    one goes down. `replays`: so is this one, in any dialect. Text that arrived at once is spread
    for people, unless the reader comes `late`, or resumes.
    """
    service = current_service()
    suffix = f"@{on_leave.run_id}" if resumes_here else ""
    after = position(suffix) if dialect.has_event_ids else 0
    if dialect.has_event_ids and not (after or late):
        source = Spread(source, service.settings.pace_s)
    try:
        reader = open_reader(source, dialect, after, suffix)
    except AlreadyComplete:
        return Response(status=204)
    if replays or (dialect.has_event_ids and (not on_leave.stops or resumes_here)):
        service.readers.add(reader)
    response = Response(reader.follow(service.settings.heartbeat_s, trace_id()), headers={**HEADERS, **headers})
    _watch(response, reader, on_leave)
    return response


def _watch(response: Response, reader: Reader, on_leave: OnLeave) -> None:
    """Until the response's end, watch the client, and count it as a reader of the run."""
    service, client = current_service(), client_socket(partial(reader.scope.cancel, ClientDisconnected))

    def close() -> None:
        client.stop()
        service.readers.remove(reader)
        early = not reader.ended and reader.scope.reason is not ServerDraining
        service.disconnects.reader_closed(on_leave, early)

    client.start()
    service.disconnects.reader_opened(on_leave)
    response.call_on_close(close)


def whole(answer: Answer, on_leave: OnLeave) -> Transcript:
    """The whole answer of a run that did not fail. Raises RunFailed."""
    transcript = wait(answer, on_leave)
    if transcript.end is not None and transcript.end.error is not None:
        error = transcript.end.error
        raise RunFailed(error.code, error.message, error.retryable)
    return transcript


def wait(answer: Answer, on_leave: OnLeave) -> Transcript:
    """The answer once its run has ended. If the client leaves and that stops the run, its end comes
    soon."""
    service = current_service()
    # The client's leaving is noticed in the hub, and stopping a run may wait.
    stop = partial(gevent.spawn, service.disconnects.stop, on_leave.run_id) if on_leave.stops else _ignore
    client = client_socket(stop)
    client.start()
    try:
        return service.wait(answer)
    finally:
        client.stop()


def position(suffix: str = "") -> int:
    """The seq that the client has: `Last-Event-ID`, which a browser keeps up to date, else `after`.
    -1: not a seq.

    `suffix` is what ids of this response have after the seq.
    """
    if header := request.headers.get("Last-Event-ID", "").removesuffix(suffix):
        return int(header) if header.isdecimal() and len(header) < 19 else -1
    after = request.args.get("after", "0")
    if not (after.isdecimal() and len(after) < 19):
        raise InvalidField("after: expected an event id, an integer from 0")
    return int(after)


def client_socket(on_gone: Callable[[], object]) -> ClientSocket:
    """The connection of this request. Once started it is watched, and limited as the settings
    say."""
    settings = current_service().settings
    sock = request.environ.get("gunicorn.socket")
    return ClientSocket(sock, on_gone, settings.send_timeout_s, settings.send_buffer_bytes)


def _ignore() -> None:
    """What the client's leaving means to a run that is not bound to it."""
