"""One request, one answer: the endpoints of the dialects `token`, `session`, `reasoning` and
`delta`.

By GET they serve EventSource, which reconnects to the address that began the run. To such a client
the ids name the run, `<seq>@<run id>`; what comes back as `Last-Event-ID` leads to it, and no other
run is begun. Its leaving stops the run only if it does not return for a while
(docs/decisions/0008-an-eventsource-comes-back.md).
"""

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from chatapp.chat import Ask
from chatapp.dialects.media import file_data, source_data, words_for_files
from chatapp.dialects.reasoning import finish_reason, statistics
from chatapp.dialects.requests import AskRequest, ChatRequest, ReasoningRequest, SessionRequest
from chatapp.errors import InvalidField
from chatapp.events import ToolCall, ToolResult
from chatapp.reading.disconnect import OnLeave
from chatapp.service import Begun
from chatapp.transcript import Transcript
from chatapp.web import current_caller, current_service, header, this_request
from chatapp.web.bodies import parse, parse_request
from chatapp.web.endpoint import JSON, RUNNING, STREAM, TEXT, endpoint
from chatapp.web.streaming import KEY_HEADER, RUN_HEADER, begin, respond, whole

blueprint = Blueprint("one_request", __name__)

FOLLOWING: dict[int, tuple[str, ...]] = {200: (STREAM,), 204: ()}
BOTH = ["GET", "POST"]


@endpoint(
    blueprint.post("/chat/stream"),
    request=ChatRequest,
    answers=FOLLOWING,
    errors=RUNNING,
    summary="The text, token by token, in one request.",
)
def stream_tokens() -> Response:
    asked = parse(ChatRequest)
    return _stream("token", asked, asked.ask)


@endpoint(
    blueprint.route("/chat", methods=BOTH),
    request=SessionRequest,
    answers=FOLLOWING,
    errors=RUNNING,
    begins_run=True,
)
def stream_session() -> Response:
    """One `sessionId` is one conversation of its owner; the first request begins it."""
    asked = parse_request(SessionRequest)
    return _stream("session", asked, lambda: asked.ask_agent(current_service().agents.default))


@endpoint(
    blueprint.route("/api/chat", methods=BOTH),
    request=ReasoningRequest,
    answers={200: (STREAM, JSON, TEXT), 204: ()},
    errors=RUNNING,
    summary="Thinking, tools and the answer.",
    begins_run=True,
)
def stream_reasoning() -> Response:
    asked = parse_request(ReasoningRequest)
    return _stream("reasoning", asked, asked.ask) if asked.stream else _answer_once(asked)


@endpoint(
    blueprint.route("/ask/stream", methods=BOTH),
    request=AskRequest,
    answers=FOLLOWING,
    errors=RUNNING,
    summary="Pieces, then the whole answer.",
    begins_run=True,
)
def stream_deltas() -> Response:
    asked = parse_request(AskRequest)
    return _stream("delta", asked, asked.ask)


def _stream(name: str, asked: ChatRequest, ask: Callable[[], Ask]) -> Response:
    """The run that the client began, or returns to, in the dialect. Its leaving stops the run,
    unless told otherwise."""
    service = current_service()
    begun = _returned_to() or begin(asked, ask())
    visit = service.conversations.count_visit(begun.answer.id) if begun.found else 0
    is_event_source = _is_event_source()
    return respond(
        service.source(begun.answer),
        service.dialects[name](),
        OnLeave(begun.answer.id, asked.on_disconnect != "continue", visit if is_event_source else None),
        {RUN_HEADER: begun.answer.id},
        resumes_here=is_event_source,
    )


def _returned_to() -> Begun | None:
    """The run that the client followed until it was cut off; None if it asks for the first time."""
    run_id = _run_of_last_id()
    return None if run_id is None else Begun(current_service().answer(current_caller(), run_id), found=True)


def _run_of_last_id() -> str | None:
    last_id = header("Last-Event-ID")
    if not last_id or header(KEY_HEADER):  # the key finds the run, too
        return None
    _, _, run_id = last_id.partition("@")
    if not run_id:
        raise InvalidField(
            "Last-Event-ID: expected <seq>@<run id>, because this address would begin another run; resume at "
            f"/api/v1/messages/<{RUN_HEADER}>/events"
        )
    return run_id


def _is_event_source() -> bool:
    """EventSource asks for this type, and connects again by itself when it is cut off."""
    return this_request().method == "GET" and "text/event-stream" in request.accept_mimetypes.values()


def _answer_once(asked: ReasoningRequest) -> Response:
    """`"stream": false`: the final text and how it ended; or the text alone."""
    answer = begin(asked, asked.ask()).answer
    transcript = whole(answer, OnLeave(answer.id, asked.on_disconnect != "continue"))
    headers = {RUN_HEADER: answer.id}
    content = transcript.content or words_for_files(answer.id, transcript.files)
    if request.accept_mimetypes.best_match(["application/json", "text/plain"]) == "text/plain":
        return Response(content, mimetype="text/plain", headers=headers)
    response = jsonify(content=content, **_ending(transcript), **_media(answer.id, transcript))
    response.headers.update(headers)
    return response


def _media(answer_id: str, transcript: Transcript) -> dict[str, object]:
    """The sources and the files, each if there are any."""
    sources = [source_data(source) for source in transcript.sources]
    files = [file_data(answer_id, file) for file in transcript.files]
    return {name: found for name, found in (("sources", sources), ("files", files)) if found}


def _ending(transcript: Transcript) -> dict[str, object]:
    assert transcript.start is not None and transcript.end is not None
    calls = sum(isinstance(entry.event, ToolCall) for entry in transcript.entries)
    results = sum(isinstance(entry.event, ToolResult) for entry in transcript.entries)
    return {
        "model": transcript.start.model,
        "finish_reason": finish_reason(transcript.end),
        "stats": statistics(transcript.end, calls, results),
    }
