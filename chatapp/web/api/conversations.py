"""Conversations as JSON: list, read, rename, delete."""

import msgspec
from flask import Blueprint, Response, jsonify

from chatapp.dialects.requests import TitleRequest
from chatapp.web import current_caller, current_service
from chatapp.web.bodies import parse
from chatapp.web.endpoint import CHANGING, JSON, WITH_BODY, endpoint
from chatapp.web.message_json import conversation_json

blueprint = Blueprint("conversations", __name__, url_prefix="/api/v1/conversations")


@endpoint(blueprint.get(""), answers={200: (JSON,)}, summary="Your conversations, the last used first.")
def list_conversations() -> Response:
    recent = current_service().conversations.recent(current_caller().owner)
    return jsonify(conversations=msgspec.to_builtins(recent))


@endpoint(blueprint.get("/<conversation_id>"), answers={200: (JSON,)}, summary="One, with the messages that it shows.")
def get_conversation(conversation_id: str) -> Response:
    return jsonify(conversation_json(conversation_id))


@endpoint(
    blueprint.patch("/<conversation_id>"),
    request=TitleRequest,
    answers={200: (JSON,)},
    errors=WITH_BODY,
    summary="Rename it.",
)
def rename_conversation(conversation_id: str) -> Response:
    title = parse(TitleRequest).title
    renamed = current_service().conversations.rename(current_caller().owner, conversation_id, title)
    return jsonify(msgspec.to_builtins(renamed))


@endpoint(blueprint.delete("/<conversation_id>"), answers={204: ()}, errors=CHANGING)
def delete_conversation(conversation_id: str) -> Response:
    """Delete it with all its messages; answers that are still running are stopped."""
    current_service().delete_conversation(current_caller(), conversation_id)
    return Response(status=204)
