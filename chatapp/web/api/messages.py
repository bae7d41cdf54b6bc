"""The message API: post, then follow, in the dialect `message` or any other (contract 3.4)."""

from flask import Blueprint, Response, jsonify, request

from chatapp.dialects import Dialect
from chatapp.dialects.requests import MessageRequest
from chatapp.errors import InvalidField
from chatapp.reading.disconnect import OnLeave
from chatapp.storage.tables import MessageRow
from chatapp.web import current_owner, services
from chatapp.web.asking import Asked, begin_answer
from chatapp.web.bodies import parse
from chatapp.web.heads import streams
from chatapp.web.message_json import EVENTS_URL, log_of, message_json, owned_answer, transcript
from chatapp.web.streaming import respond

blueprint = Blueprint("chat", __name__)


@blueprint.post("/api/v1/messages")
def post_message() -> tuple[Response, int]:
    """Store the message, start its answer, say where to follow it."""
    asked = parse(MessageRequest)
    begun = begin_answer(
        Asked(
            request=asked,
            chat=asked.chat(),
            provider=asked.provider,
            conversation_id=asked.conversation_id,
            retry_of=asked.retry_of,
            keep=True,
            result_mode=asked.result_mode,
            tools=asked.tool_names(),
            agent=asked.agent,
        )
    )
    query = "?on_disconnect=cancel" if asked.on_disconnect == "cancel" else ""
    body = {
        "id": begun.id,
        "conversation_id": begun.conversation_id,
        "events_url": EVENTS_URL.format(id=begun.id) + query,
        "result_mode": begun.result_mode,
    }
    return jsonify(body), 202


@blueprint.get("/api/v1/messages/<message_id>/events")
@streams
def follow_message(message_id: str) -> Response:
    """Any run, live or finished, however it was started, in any dialect."""
    answer = owned_answer(message_id)
    return respond(log_of(answer), _dialect_for(answer), OnLeave(message_id, _stops()))


@blueprint.post("/api/v1/messages/<message_id>/cancel")
def cancel_message(message_id: str) -> tuple[Response, int]:
    """Ask for the run to be stopped; its terminal event tells when it was. 200 where it had ended already."""
    if transcript(owned_answer(message_id)).end is None:
        services().runs.cancel(message_id)
        return jsonify(id=message_id, status="stopping"), 202
    return jsonify(id=message_id, status="done"), 200


@blueprint.get("/api/v1/messages/<message_id>")
def get_message(message_id: str) -> Response:
    """The message as JSON; an answer that is still being made with what there is of it."""
    return jsonify(message_json(services().conversations.message(current_owner(), message_id)))


def _dialect_for(answer: MessageRow) -> Dialect:
    """The one that is asked for; `message` is written in the result mode that was asked for with the answer."""
    name = request.args.get("dialect", "message")
    if name == "message" and answer.result_mode not in (None, "legacy"):
        name = answer.result_mode
    dialects = services().dialects
    if name not in dialects:
        raise InvalidField(f"dialect: there is none named {name!r}; there are {', '.join(dialects)}")
    return dialects[name]()


def _stops() -> bool:
    """Whether this reader's leaving stops the run."""
    match request.args.get("on_disconnect", "continue"):
        case "continue":
            return False
        case "cancel":
            return True
        case _:
            raise InvalidField("on_disconnect: expected cancel or continue")
