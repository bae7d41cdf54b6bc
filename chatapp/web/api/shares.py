"""Read-only links to what the caller owns: made, shown again, taken back."""

from flask import Blueprint, Response, jsonify, request

from chatapp.access import Caller
from chatapp.errors import NotFound
from chatapp.web import current_caller, current_service, shares
from chatapp.web.endpoint import CHANGING, JSON, endpoint

blueprint = Blueprint("shares", __name__, url_prefix="/api/v1")

MESSAGE, CONVERSATION = "/messages/<message_id>/share", "/conversations/<conversation_id>/share"


@endpoint(blueprint.post(MESSAGE), answers={201: (JSON,)}, errors=CHANGING)
def share_message(message_id: str) -> tuple[Response, int]:
    """A link by which anybody can read this answer, and follow it while it runs."""
    caller = _owner_of_answer(message_id)
    return _link(shares().share(caller.owner, message_id=message_id)), 201


@endpoint(blueprint.get(MESSAGE), answers={200: (JSON,)})
def get_message_share(message_id: str) -> Response:
    """The link; null if there is none."""
    caller = _owner_of_answer(message_id)
    return _link(shares().token(caller.owner, message_id=message_id))


@endpoint(blueprint.delete(MESSAGE), answers={204: ()}, errors=CHANGING)
def unshare_message(message_id: str) -> Response:
    """Take the link back; who follows it is cut off within seconds."""
    caller = _owner_of_answer(message_id)
    return _taken_back(shares().take_back(caller.owner, message_id=message_id))


@endpoint(blueprint.post(CONVERSATION), answers={201: (JSON,)}, errors=CHANGING)
def share_conversation(conversation_id: str) -> tuple[Response, int]:
    """A link by which anybody can read this conversation as it is and as it goes on."""
    caller = _owner_of_conversation(conversation_id)
    return _link(shares().share(caller.owner, conversation_id=conversation_id)), 201


@endpoint(blueprint.get(CONVERSATION), answers={200: (JSON,)})
def get_conversation_share(conversation_id: str) -> Response:
    """The link; null if there is none."""
    caller = _owner_of_conversation(conversation_id)
    return _link(shares().token(caller.owner, conversation_id=conversation_id))


@endpoint(blueprint.delete(CONVERSATION), answers={204: ()}, errors=CHANGING)
def unshare_conversation(conversation_id: str) -> Response:
    """Take the link back; who follows it is cut off within seconds."""
    caller = _owner_of_conversation(conversation_id)
    return _taken_back(shares().take_back(caller.owner, conversation_id=conversation_id))


def _owner_of_answer(message_id: str) -> Caller:
    caller = current_caller()
    current_service().answer(caller, message_id)
    return caller


def _owner_of_conversation(conversation_id: str) -> Caller:
    caller = current_caller()
    current_service().listing.conversation(caller.owner, conversation_id)
    return caller


def _link(token: str | None) -> Response:
    """`url` is the whole address, `path` the part below this server; null without a link."""
    path = f"/shared/{token}" if token else None
    return jsonify(url=path and request.root_url.rstrip("/") + path, path=path)


def _taken_back(found: bool) -> Response:
    if not found:
        raise NotFound("it is not shared")
    return Response(status=204)
