"""One request, one answer: the endpoints of the dialects `token`, `session`, `reasoning` and `delta`.

By GET they are for EventSource, which reconnects to the address that began the run. So to such a client the ids name
the run, `<seq>@<run id>`; what comes back as `Last-Event-ID` leads to it and no other is begun. Its leaving stops the
run only when it has not come back for a while (docs/decisions/0008-an-eventsource-comes-back.md).
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import gevent
from flask import Blueprint, Response, jsonify, request

from chatapp.dialects.reasoning import finish_reason, statistics
from chatapp.errors import InvalidField, UnknownRun
from chatapp.events import ToolCall, ToolResult
from chatapp.ids import new_id
from chatapp.question import Begun
from chatapp.transcript import Transcript
from chatapp.web import Services, services
from chatapp.web.answers import begin_answer, respond, succeeded, whole_answer
from chatapp.web.bodies import AskRequest, ChatRequest, ReasoningRequest, SessionRequest, parse, parse_request
from chatapp.web.messages import log_of, owned_answer, transcript
from chatapp.web.origin import begins_run

RUN_HEADER = "X-Run-Id"

blueprint = Blueprint("streams", __name__)


@blueprint.post("/chat/stream")
def stream_tokens() -> Response:
    asked = parse(ChatRequest)
    return _stream("token", asked, lambda: _begin(asked))


@blueprint.route("/chat", methods=["GET", "POST"])
@begins_run
def stream_session() -> Response:
    """One `sessionId` is one conversation of its owner, begun by its first request."""
    asked = parse_request(SessionRequest)
    session_id = asked.session_id or asked.conversation_id or new_id("session")
    agent = services().agents.default if asked.agent is None else asked.agent
    return _stream("session", asked, lambda: _begin(asked, session_id, agent))


@blueprint.route("/api/chat", methods=["GET", "POST"])
@begins_run
def stream_reasoning() -> Response:
    asked = parse_request(ReasoningRequest)
    return _stream("reasoning", asked, lambda: _begin(asked)) if asked.stream else _answer_once(asked)


@blueprint.route("/ask/stream", methods=["GET", "POST"])
@begins_run
def stream_deltas() -> Response:
    asked = parse_request(AskRequest)
    return _stream("delta", asked, lambda: _begin(asked))


def _begin(asked: ChatRequest, session_id: str = "", agent: str | None = None) -> Begun:
    return begin_answer(
        asked.chat(session_id),
        asked.provider,
        conversation_id=asked.conversation_id,
        tools=asked.tool_names(),
        agent=agent or asked.agent,
    )


def _stream(name: str, asked: ChatRequest, begin: Callable[[], Begun]) -> Response:
    """What the client has begun, or goes on with, in the dialect. Its leaving stops the run, unless told otherwise."""
    turn, run_id = 0, _run_of_last_id()
    if run_id is None:
        begun = begin()
        run_id, found = begun.id, begun.found
    else:
        found, turn = True, services().conversations.come_back(owned_answer(run_id).id)
    read = log_of(owned_answer(run_id)) if found else partial(services().log.read, run_id)
    comes_back, app = _comes_back(), services()
    on_left = partial(stop_unless_back, app, run_id, turn) if comes_back else partial(app.runs.cancel, run_id)
    return respond(
        read,
        services().dialects[name](),
        None if asked.on_disconnect == "continue" else on_left,
        {RUN_HEADER: run_id},
        run_id=run_id if comes_back else "",
    )


def _run_of_last_id() -> str | None:
    """The run that a client was following when it was cut off; None where it asks for the first time."""
    last_id = request.headers.get("Last-Event-ID")
    if not last_id or "Idempotency-Key" in request.headers:  # which finds the run, too
        return None
    _, _, run_id = last_id.partition("@")
    if not run_id:
        raise InvalidField(
            "Last-Event-ID: it names no run, and this address would begin another; resume at "
            f"/api/v1/messages/<{RUN_HEADER}>/events"
        )
    return run_id


def _comes_back() -> bool:
    """Whether the client is an EventSource: those ask for this type and, when they are cut off, by themselves again."""
    return request.method == "GET" and "text/event-stream" in request.accept_mimetypes.values()


def stop_unless_back(app: Services, run_id: str, turn: int) -> None:
    """The client is gone; perhaps it is only cut off. Called when the request is over."""

    def stop() -> None:
        with suppress(UnknownRun):  # it ended long ago
            if app.conversations.returns(run_id) == turn:
                app.runs.cancel(run_id)

    gevent.spawn_later(app.settings.come_back_s, stop)


def _answer_once(asked: ReasoningRequest) -> Response:
    """`"stream": false`: the final text, with how it ended; or the text alone."""
    begun = _begin(asked)
    answer, cancel = owned_answer(begun.id), partial(services().runs.cancel, begun.id)
    on_left = _nothing if asked.on_disconnect == "continue" else cancel
    said = transcript(answer) if answer.status == "done" else whole_answer(begun.id, on_left)
    content = succeeded(said).content
    headers = {RUN_HEADER: begun.id}
    if request.accept_mimetypes.best_match(["application/json", "text/plain"]) == "text/plain":
        return Response(content, mimetype="text/plain", headers=headers)
    response = jsonify(content=content, **_ending(said))
    response.headers.update(headers)
    return response


def _nothing() -> None:
    """The client may leave."""


def _ending(said: Transcript) -> dict[str, object]:
    assert said.start is not None and said.end is not None
    calls = sum(isinstance(entry.event, ToolCall) for entry in said.entries)
    results = sum(isinstance(entry.event, ToolResult) for entry in said.entries)
    return {
        "model": said.start.model,
        "finish_reason": finish_reason(said.end),
        "stats": statistics(said.end, calls, results),
    }
