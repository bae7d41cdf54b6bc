"""The message API: post, then follow, in the dialect `message` or any other (docs/dialects.md)."""

from math import nan

from flask import Blueprint, Response, jsonify, request

from chatapp.dialects import Dialect
from chatapp.dialects.requests import MessageRequest
from chatapp.errors import InvalidField
from chatapp.reading.disconnect import OnLeave
from chatapp.reading.pace import Replay
from chatapp.service import Answer
from chatapp.web import current_caller, current_service
from chatapp.web.addresses import here
from chatapp.web.bodies import number, parse, stops_on_leave
from chatapp.web.endpoint import CHANGING, JSON, RUNNING, STREAM, Parameter, endpoint
from chatapp.web.message_json import (
    EVENTS_URL,
    LAST_ONES,
    conversation_response,
    last_ones,
    message_json,
    versions_json,
)
from chatapp.web.streaming import begin, dialect_name, is_live, position, respond

blueprint = Blueprint("messages", __name__)

PACES = 0.1, 100.0  # slower, a minute takes more than ten; faster, nothing can be seen
MAX_FROM_S = 86_400.0  # longer than any run

FOLLOWING = (
    Parameter("Last-Event-ID", {"type": "string"}, "The last id received; what follows it is sent.", "header"),
    Parameter("after", {"type": "integer", "minimum": 0}, "Like Last-Event-ID, in the query; the header wins."),
    Parameter("dialect", {"type": "string"}, "A dialect's name; default: `message`."),
    Parameter(
        "on_disconnect",
        {"enum": ["continue", "cancel"]},
        "Whether the run continues or is cancelled when this reader leaves.",
    ),
    Parameter(
        "pace",
        {"type": "number", "minimum": PACES[0], "maximum": PACES[1]},
        "Replay the run as it came, so many times as fast.",
    ),
    Parameter(
        "from",
        {"type": "number", "minimum": 0, "maximum": MAX_FROM_S},
        "With pace: the seconds into the run at which the replay begins. All before them comes at once.",
    ),
)


@endpoint(
    blueprint.post("/api/v1/messages"),
    request=MessageRequest,
    answers={202: (JSON,)},
    errors=RUNNING,
)
def post_message() -> tuple[Response, int]:
    """Store the message, start its answer, say where to follow it."""
    asked = parse(MessageRequest)
    answer = begin(asked, asked.ask(), reads=False).answer
    query = "?on_disconnect=cancel" if asked.on_disconnect == "cancel" else ""
    body = {
        "id": answer.id,
        "conversation_id": answer.conversation_id,
        "parent": answer.parent,
        "events_url": here(EVENTS_URL.format(id=answer.id)) + query,
        "result_mode": answer.result_mode,
    }
    return jsonify(body), 202


@endpoint(
    blueprint.get("/api/v1/messages/<message_id>/events"),
    answers={200: (STREAM,), 204: ()},
    parameters=FOLLOWING,
)
def follow_message(message_id: str) -> Response:
    """Follow any run, live or finished, however it was started, in any dialect."""
    answer = current_service().answer(current_caller(), message_id)
    source, dialect, on_leave = (
        current_service().source(answer),
        _dialect_for(answer),
        OnLeave(message_id, stops_on_leave("continue")),
    )
    if (pace := _pace()) is None:
        return respond(source, dialect, on_leave, late=not is_live(answer))
    after = max(position(), 0) if dialect.has_event_ids else 0
    replay = Replay(source, pace, number("from", 0.0, 0.0, MAX_FROM_S), after)
    return respond(replay, dialect, on_leave, late=True, replays=True)


@endpoint(
    blueprint.post("/api/v1/messages/<message_id>/cancel"),
    answers={200: (JSON,), 202: (JSON,)},
    errors=CHANGING,
)
def cancel_message(message_id: str) -> tuple[Response, int]:
    """Ask for the run to be stopped; its terminal event tells when it was. 200 if it has ended
    already."""
    if current_service().cancel(current_service().answer(current_caller(), message_id)):
        return jsonify(id=message_id, status="stopping"), 202
    return jsonify(id=message_id, status="done"), 200


@endpoint(blueprint.get("/api/v1/messages/<message_id>"), answers={200: (JSON,)})
def get_message(message_id: str) -> Response:
    """The message as JSON; an answer that is still running with what there is of it."""
    return jsonify(message_json(current_service().conversations.message(current_caller().owner, message_id)))


@endpoint(blueprint.get("/api/v1/messages/<message_id>/versions"), answers={200: (JSON,)})
def list_versions(message_id: str) -> Response:
    """All versions of an answer, or of a question, the oldest first."""
    message = current_service().conversations.message(current_caller().owner, message_id)
    return jsonify(versions=versions_json(message))


@endpoint(
    blueprint.post("/api/v1/messages/<message_id>/choose"),
    answers={200: (JSON,)},
    parameters=(LAST_ONES,),
    errors=CHANGING,
)
def choose_version(message_id: str) -> Response:
    """Show this version, and what followed it last; the conversation as it is then."""
    limit = last_ones()  # before anything changes
    return conversation_response(current_service().branches.choose(current_caller().owner, message_id), limit)


def _dialect_for(answer: Answer) -> Dialect:
    """The one that the request names; `message` is written in the answer's result mode."""
    name = dialect_name(answer)
    dialects = current_service().dialects
    if name not in dialects:
        raise InvalidField(f"dialect: unknown dialect {name!r}; available: {', '.join(dialects)}")
    return dialects[name]()


def _pace() -> float | None:
    """How fast to replay the run; None: as fast as it can be read."""
    if "pace" in request.args:
        return number("pace", nan, *PACES)
    if "from" in request.args:
        raise InvalidField("from: works only with pace; add pace=1")
    return None
