"""From a run to a response, streamed or whole: what all endpoints share that answer with one."""

from collections.abc import Callable, Mapping
from functools import partial

import gevent
from flask import Response, request

from chatapp.dialects import Dialect
from chatapp.errors import InvalidField, RunFailed
from chatapp.reading.disconnect import OnLeave, over, stop
from chatapp.reading.reader import (
    HEADERS,
    AlreadyComplete,
    ClientDisconnected,
    Read,
    Reader,
    ServerDraining,
    open_reader,
)
from chatapp.storage.question import Begun
from chatapp.transcript import Transcript
from chatapp.web import services, trace_id
from chatapp.web.message_json import log_of, owned_answer, transcript
from chatapp.wire.client_socket import ClientSocket

RUN_HEADER = "X-Run-Id"

NO_HEADERS: Mapping[str, str] = {}


def respond(
    read: Read,
    dialect: Dialect,
    leaving: OnLeave,
    headers: Mapping[str, str] = NO_HEADERS,
    resumes_here: bool = False,
) -> Response:
    """The streamed response; 204 where the client has it all. `leaving`: what it means that the client goes before the
    end.

    `resumes_here`: at the address that began the run, which ids must name then. With it, or where its leaving means
    nothing, the client is one that resumes: when the server goes down it is sent elsewhere.
    """
    suffix = f"@{leaving.run_id}" if resumes_here else ""
    try:
        reader = open_reader(read, dialect, position(suffix) if dialect.has_event_ids else 0, suffix)
    except AlreadyComplete:
        return Response(status=204)
    app = services()
    if dialect.has_event_ids and (not leaving.stops or resumes_here):
        app.readers.add(reader)
    response = Response(reader.follow(app.settings.heartbeat_s, trace_id()), headers={**HEADERS, **headers})
    _attend(response, reader, leaving)
    return response


def _attend(response: Response, reader: Reader, leaving: OnLeave) -> None:
    """From now on to the response's end the client is watched, and counts as a reader of the run."""
    app, client = services(), client_socket(partial(reader.scope.cancel, ClientDisconnected))

    def close() -> None:
        client.stop()
        app.readers.remove(reader)
        over(app, leaving, early=not reader.ended and reader.scope.reason is not ServerDraining)

    client.start()
    app.attendance.enter(leaving.run_id)
    response.call_on_close(close)


def read_of(begun: Begun) -> Read:
    """Of a run that was just begun its log; one that was found again may have ended long ago."""
    return log_of(owned_answer(begun.id)) if begun.found else partial(services().log.read, begun.id)


def whole(begun: Begun, leaving: OnLeave) -> Transcript:
    """The same, waited for. Raises RunFailed."""
    if begun.found and (answer := owned_answer(begun.id)).status == "done":
        return succeeded(transcript(answer))
    return succeeded(whole_answer(leaving))


def whole_answer(leaving: OnLeave) -> Transcript:
    """Wait for the run's end, also where the client leaves before it and that stops the run: it then ends by itself."""
    app = services()
    # The client's leaving is noticed in the hub, and stopping may wait.
    client = client_socket(partial(gevent.spawn, stop, app, leaving.run_id) if leaving.stops else goes_on)
    client.start()
    try:
        said = Transcript()
        while said.end is None:
            for entry in app.log.read(leaving.run_id, said.last_seq, app.settings.heartbeat_s):
                said.add(entry)
        return said
    finally:
        client.stop()


def succeeded(said: Transcript) -> Transcript:
    """The whole answer of a run that did not fail. Raises RunFailed."""
    if said.end is not None and said.end.error is not None:
        raise RunFailed(said.end.error.code, said.end.error.message, said.end.error.retryable)
    return said


def position(suffix: str = "") -> int:
    """The seq that the client has: `Last-Event-ID`, which a browser keeps up to date, else `after`. -1: no seq at all.

    `suffix` is what the ids of this response have after the seq.
    """
    if header := request.headers.get("Last-Event-ID", "").removesuffix(suffix):
        return int(header) if header.isdecimal() and len(header) < 19 else -1
    after = request.args.get("after", "0")
    if not (after.isdecimal() and len(after) < 19):
        raise InvalidField("after: expected a seq, a whole number")
    return int(after)


def client_socket(on_gone: Callable[[], object]) -> ClientSocket:
    """The connection of this request, watched and limited as the settings say once it is started."""
    settings = services().settings
    sock = request.environ.get("gunicorn.socket")
    return ClientSocket(sock, on_gone, settings.send_timeout_s, settings.send_buffer_bytes)


def goes_on() -> None:
    """What the client's leaving means to a run that is not bound to it."""
