"""Conversations as JSON: list, read, rename, delete; and the providers that can be talked to."""

import logging

from flask import Blueprint, Response, jsonify

from chatapp.dialects.requests import TitleRequest
from chatapp.errors import LogError
from chatapp.web import current_owner, services
from chatapp.web.bodies import parse
from chatapp.web.message_json import whole_conversation

logger = logging.getLogger(__name__)

blueprint = Blueprint("conversations", __name__, url_prefix="/api/v1")


@blueprint.get("/conversations")
def list_conversations() -> Response:
    return jsonify(conversations=services().conversations.recent(current_owner()))


@blueprint.get("/conversations/<conversation_id>")
def get_conversation(conversation_id: str) -> Response:
    return jsonify(whole_conversation(conversation_id))


@blueprint.patch("/conversations/<conversation_id>")
def rename_conversation(conversation_id: str) -> Response:
    title = parse(TitleRequest).title
    return jsonify(services().conversations.rename(current_owner(), conversation_id, title))


@blueprint.delete("/conversations/<conversation_id>")
def delete_conversation(conversation_id: str) -> Response:
    """With all its messages; answers still being made are stopped."""
    for run_id in services().conversations.delete(current_owner(), conversation_id):
        try:
            services().runs.cancel(run_id)
        except LogError as error:  # the conversation is gone all the same, and the other runs are to be stopped
            logger.warning("run %s of a deleted conversation was not stopped: %s", run_id, error)
    return Response(status=204)


@blueprint.get("/providers")
def list_providers() -> Response:
    return jsonify(provider_choice())


def provider_choice() -> dict[str, object]:
    """Who can answer now. A provider that lists no models is not there, or not reachable."""
    known = services().providers
    listings = known.listings()
    providers = [{"name": name, "models": list(models)} for name, models in listings.items()]
    default, models = known.default, listings[known.default]
    return {"default": {"provider": default, "model": models[0] if models else None}, "providers": providers}
