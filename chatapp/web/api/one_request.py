"""One request, one answer: the endpoints of the dialects `token`, `session`, `reasoning` and `delta`.

By GET they are for EventSource, which reconnects to the address that began the run. So to such a client the ids name
the run, `<seq>@<run id>`; what comes back as `Last-Event-ID` leads to it and no other is begun. Its leaving stops the
run only when it has not come back for a while (docs/decisions/0008-an-eventsource-comes-back.md).
"""

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from chatapp.dialects.reasoning import finish_reason, statistics
from chatapp.dialects.requests import AskRequest, ChatRequest, ReasoningRequest, SessionRequest
from chatapp.errors import InvalidField
from chatapp.events import ToolCall, ToolResult
from chatapp.ids import new_id
from chatapp.reading.disconnect import OnLeave
from chatapp.storage.question import Begun
from chatapp.transcript import Transcript
from chatapp.web import services
from chatapp.web.asking import KEY_HEADER, Asked, begin_answer
from chatapp.web.bodies import parse, parse_request
from chatapp.web.heads import streams
from chatapp.web.message_json import owned_answer
from chatapp.web.origin import begins_run
from chatapp.web.streaming import RUN_HEADER, read_of, respond, whole

blueprint = Blueprint("streams", __name__)


@blueprint.post("/chat/stream")
def stream_tokens() -> Response:
    asked = parse(ChatRequest)
    return _stream("token", asked, lambda: _begin(asked))


@blueprint.route("/chat", methods=["GET", "POST"])
@streams
@begins_run
def stream_session() -> Response:
    """One `sessionId` is one conversation of its owner, begun by its first request."""
    asked = parse_request(SessionRequest)
    session_id = asked.session_id or asked.conversation_id or new_id("session")
    agent = services().agents.default if asked.agent is None else asked.agent
    return _stream("session", asked, lambda: _begin(asked, session_id, agent))


@blueprint.route("/api/chat", methods=["GET", "POST"])
@streams
@begins_run
def stream_reasoning() -> Response:
    asked = parse_request(ReasoningRequest)
    return _stream("reasoning", asked, lambda: _begin(asked)) if asked.stream else _answer_once(asked)


@blueprint.route("/ask/stream", methods=["GET", "POST"])
@streams
@begins_run
def stream_deltas() -> Response:
    asked = parse_request(AskRequest)
    return _stream("delta", asked, lambda: _begin(asked))


def _begin(asked: ChatRequest, session_id: str = "", agent: str | None = None) -> Begun:
    return begin_answer(
        Asked(
            request=asked,
            chat=asked.chat(session_id),
            provider=asked.provider,
            conversation_id=asked.conversation_id,
            tools=asked.tool_names(),
            agent=agent or asked.agent,
        )
    )


def _stream(name: str, asked: ChatRequest, begin: Callable[[], Begun]) -> Response:
    """What the client has begun, or goes on with, in the dialect. Its leaving stops the run, unless told otherwise."""
    begun = _gone_on_with() or begin()
    turn = services().conversations.come_back(begun.id) if begun.found else 0
    comes_back = _comes_back()
    return respond(
        read_of(begun),
        services().dialects[name](),
        OnLeave(begun.id, asked.on_disconnect != "continue", turn if comes_back else None),
        {RUN_HEADER: begun.id},
        resumes_here=comes_back,
    )


def _gone_on_with() -> Begun | None:
    """The run that the client was following when it was cut off; None where it asks for the first time."""
    run_id = _run_of_last_id()
    if run_id is None:
        return None
    answer = owned_answer(run_id)
    return Begun(answer.id, answer.conversation_id, answer.result_mode, [], found=True)


def _run_of_last_id() -> str | None:
    last_id = request.headers.get("Last-Event-ID")
    if not last_id or request.headers.get(KEY_HEADER):  # which finds the run, too
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


def _answer_once(asked: ReasoningRequest) -> Response:
    """`"stream": false`: the final text, with how it ended; or the text alone."""
    begun = _begin(asked)
    said = whole(begun, OnLeave(begun.id, asked.on_disconnect != "continue"))
    content = said.content
    headers = {RUN_HEADER: begun.id}
    if request.accept_mimetypes.best_match(["application/json", "text/plain"]) == "text/plain":
        return Response(content, mimetype="text/plain", headers=headers)
    response = jsonify(content=content, **_ending(said))
    response.headers.update(headers)
    return response


def _ending(said: Transcript) -> dict[str, object]:
    assert said.start is not None and said.end is not None
    calls = sum(isinstance(entry.event, ToolCall) for entry in said.entries)
    results = sum(isinstance(entry.event, ToolResult) for entry in said.entries)
    return {
        "model": said.start.model,
        "finish_reason": finish_reason(said.end),
        "stats": statistics(said.end, calls, results),
    }
