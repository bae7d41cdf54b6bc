"""From a parsed request to a run, and from a run to a response, streamed or whole: shared by all
endpoints that answer."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import gevent
import msgspec
from flask import Response, request
from werkzeug.datastructures import Headers

from chatapp.cancel import CancelScope
from chatapp.chat import Ask
from chatapp.dialects import Dialect
from chatapp.dialects.requests import fingerprint
from chatapp.errors import InvalidField, RunFailed
from chatapp.reading.disconnect import OnLeave
from chatapp.reading.merged import MergedReader
from chatapp.reading.observer import ReaderEnd
from chatapp.reading.pace import Spread
from chatapp.reading.presence import AccessEnded, ServerDraining
from chatapp.reading.reader import AlreadyComplete, ClientDisconnected, Reader, open_reader
from chatapp.reading.sources import Source
from chatapp.service import Answer, Begun
from chatapp.transcript import Transcript
from chatapp.web import credentials, current_caller, current_service, header, this_request, trace_id
from chatapp.web.addresses import addressed, addressed_source
from chatapp.web.limit_headers import is_limited, limited
from chatapp.wire.client_socket import ClientSocket, Stuck

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
RUN_HEADER = "X-Run-Id"
KEY_HEADER = "Idempotency-Key"

NO_HEADERS: Mapping[str, str] = {}


def begin(parsed: msgspec.Struct, ask: Ask, name: str | None = None, reads: bool = True) -> Begun:
    """Begin the run that was asked for, or find the one with the same idempotency key. `parsed` is
    the request. `name` is the run's key if its client sends none. `reads`: this response is a
    reader of the run, which begins only if there is a place for it."""
    caller = current_caller()
    limited(caller.owner)
    if reads:
        current_service().reader_places.check(caller.owner)
    key = header(KEY_HEADER) or None
    if key is not None:
        ask = msgspec.structs.replace(ask, fingerprint=fingerprint(request.path, parsed))
    return current_service().ask(ask, caller, key or name)


def check_place() -> None:
    """Raise LimitExceeded or Overloaded if there is no place for one more reader. A request that
    began a run had one before it did: refused now, nobody would read that."""
    if not is_limited():
        current_service().reader_places.check(current_caller().owner)


def take_place() -> Callable[[], None]:
    """Count this response as a reader of its caller until what is returned is called."""
    places, owner = current_service().reader_places, current_caller().owner
    places.enter(owner)
    return partial(places.leave, owner)


def respond(
    source: Source,
    dialect: Dialect,
    on_leave: OnLeave,
    headers: Mapping[str, str] = NO_HEADERS,
    resumes_here: bool = False,
    late: bool = False,
    replays: bool = False,
) -> Response:
    """The streamed response; 204 if the client has it all. Raises LimitExceeded, Overloaded.

    `resumes_here`: the client resumes at the address that began the run, so ids must name the run.
    Such a client, and one whose leaving does not stop the run, is sent to another process when this
    one goes down. `replays`: so is this one, in any dialect. Text that arrived at once is spread
    for people, unless the reader comes `late`, or resumes.
    """
    service = current_service()
    check_place()
    source = addressed_source(source, on_leave.run_id)
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
    return streamed(reader, [on_leave], headers, resumed=after != 0)


def is_live(answer: Answer) -> bool:
    """Whether it is followed as it comes. An instant answer has ended before the client of the
    message API can follow it."""
    return answer.running or answer.result_mode is not None


def streamed(
    reader: Reader | MergedReader, on_leave: Sequence[OnLeave], headers: Mapping[str, str], resumed: bool
) -> Response:
    """The reader's body, until its client leaves; `on_leave` for each run that it reads."""
    heartbeat_s = current_service().settings.heartbeat_s
    response = _Streamed(reader.follow(heartbeat_s, trace_id()), headers={**HEADERS, **headers})
    client = _watch(response, reader, on_leave, resumed)
    if isinstance(reader, Reader):
        response.begins = partial(_write_in_hub, reader, client)
    return response


def _write_in_hub(reader: Reader, client: ClientSocket, write: Callable[[bytes], object]) -> None:
    if in_hub := client.hub_write(write):
        reader.write_in_hub(in_hub)


class _Streamed(Response):
    """`begins` is called with the server's `write`, by which WSGI lets an application send its body
    without being asked for it."""

    begins: Callable[[Callable[[bytes], object]], None] | None = None

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """As they are: a stream has no length and no `Location`, for which a copy would be made."""
        return self.headers

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], error: Any = None) -> Callable[[bytes], object]:
            write = start_response(status, headers, error)
            if self.begins and environ["SERVER_PROTOCOL"].startswith("HTTP/1"):  # HTTP/2 may wait in a write
                self.begins(write)
            return write

        return super().__call__(environ, start)


def _watch(
    response: Response, reader: Reader | MergedReader, on_leave: Sequence[OnLeave], resumed: bool
) -> ClientSocket:
    """Until the response's end, watch the client, and count it as a reader of its runs."""
    service, client = current_service(), client_socket(partial(reader.scope.cancel, ClientDisconnected))
    leave = end_with_login(reader.scope)
    leave_place = take_place()

    def close() -> None:
        leave_place()
        client.stop()
        leave()
        service.readers.remove(reader)
        early = not reader.ended and reader.scope.reason is not ServerDraining
        for each in on_leave:
            service.disconnects.reader_closed(each, early)
        service.reader_observer.closed(_end(reader), reader.resets)

    client.start()
    for each in on_leave:
        service.disconnects.reader_opened(each)
    service.reader_observer.opened(resumed)
    response.call_on_close(close)
    return client


def _end(reader: Reader | MergedReader) -> ReaderEnd:
    """How the response of the reader ended. A write that failed is still being handled now."""
    if reader.ended:
        return "complete"
    if reader.scope.reason is ServerDraining:
        return "dismissed"
    return "dropped" if isinstance(sys.exception(), (Stuck, TimeoutError)) else "left"  # by us, or by the kernel


def whole(answer: Answer, on_leave: OnLeave) -> Transcript:
    """The whole answer of a run that did not fail. Raises RunFailed."""
    transcript = wait(answer, on_leave)
    if transcript.end is not None and transcript.end.error is not None:
        error = transcript.end.error
        raise RunFailed(error.code, error.message, error.retryable, error.retry_after or None)
    return transcript


def wait(answer: Answer, on_leave: OnLeave) -> Transcript:
    """The answer once its run has ended. If the client leaves, or its login ends, and that stops
    the run, its end comes soon."""
    service = current_service()
    # The client's leaving is noticed in the hub, and stopping a run may wait.
    stop = partial(gevent.spawn, service.disconnects.stop, on_leave.run_id) if on_leave.stops else _ignore
    client = client_socket(stop)
    leave_place = take_place()
    client.start()
    leave = credentials().enter(current_caller().credential, stop)
    try:
        return addressed(service.wait(answer), answer.id)
    finally:
        client.stop()
        leave_place()
        leave()


def dialect_name(answer: Answer) -> str:
    """The one that the request names; `message` is written in the answer's result mode."""
    name = request.args.get("dialect", "message")
    return mode_name(answer) if name == "message" else name


def mode_name(answer: Answer) -> str:
    """The dialect in which its own clients read the answer: `message`, or one of its modes."""
    mode = answer.result_mode
    return "message" if mode is None or mode == "legacy" else mode


def position(suffix: str = "") -> int:
    """The seq that the client has: `Last-Event-ID`, which a browser keeps up to date, else `after`.
    -1: not a seq.

    `suffix` is what ids of this response have after the seq.
    """
    if last := (header("Last-Event-ID") or "").removesuffix(suffix):
        return int(last) if last.isdecimal() and len(last) < 19 else -1
    after = this_request().args.get("after", "0")
    if not (after.isdecimal() and len(after) < 19):
        raise InvalidField("after: expected an event id, an integer from 0")
    return int(after)


def client_socket(on_gone: Callable[[], object]) -> ClientSocket:
    """The connection of this request. Once started it is watched, and limited as the settings
    say."""
    settings = current_service().settings
    sock = this_request().environ.get("gunicorn.socket")
    return ClientSocket(sock, on_gone, settings.send_timeout_s, settings.send_buffer_bytes)


def end_with_login(scope: CancelScope) -> Callable[[], None]:
    """Cancel the scope once what opened this stream has ended: a key, a session. Call what is
    returned when the stream is over."""
    return credentials().enter(current_caller().credential, partial(scope.cancel, AccessEnded))


def _ignore() -> None:
    """What the client's leaving means to a run that is not bound to it."""
