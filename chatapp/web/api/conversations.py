"""Conversations as JSON: list, read, rename, pin, delete; their settings, and what was seen."""

import msgspec
from flask import Blueprint, Response, jsonify, request

from chatapp.dialects.requests import SeenRequest, TitleRequest
from chatapp.errors import InvalidField
from chatapp.service import Conversation, ConversationSettings
from chatapp.web import current_caller, current_service
from chatapp.web.bodies import number, parse
from chatapp.web.endpoint import CHANGING, JSON, WITH_BODY, Parameter, endpoint
from chatapp.web.message_json import LAST_ONES, MOST, PAGE, conversation_response, last_ones, list_json, page_json

blueprint = Blueprint("conversations", __name__, url_prefix="/api/v1/conversations")

LISTING = (
    Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST}, f"How many at most; {MOST} by default."),
    Parameter("before", {"type": "string"}, "The `next` of the page before."),
    Parameter(
        "pinned",
        {"enum": ["true", "false", "first"]},
        "Only those that are pinned, or only the others; or all pinned ones before the first page of the others.",
    ),
)


@endpoint(blueprint.get(""), answers={200: (JSON,)}, parameters=LISTING)
def list_conversations() -> Response:
    """Your conversations, the last used first, by pages; `next` is null on the last one."""
    limit, before = int(number("limit", MOST, 1, MOST)), request.args.get("before", "")
    listing, owner = current_service().listing, current_caller().owner
    if request.args.get("pinned") == "first":
        return jsonify(list_json(*listing.page_pinned_first(owner, limit, before)))
    return jsonify(list_json(*listing.page(owner, limit, before, _pinned())))


@endpoint(blueprint.get("/<conversation_id>"), answers={200: (JSON,)}, parameters=(LAST_ONES,))
def get_conversation(conversation_id: str) -> Response:
    """One, with the messages that it shows; with a `limit` the last ones, and the `next` page."""
    return conversation_response(conversation_id, last_ones())


@endpoint(blueprint.get("/<conversation_id>/messages"), answers={200: (JSON,)}, parameters=LISTING[:2])
def list_messages(conversation_id: str) -> Response:
    """The messages that it shows, by pages, the last page first; in order within a page."""
    limit = int(number("limit", PAGE, 1, MOST))
    return jsonify(page_json(conversation_id, limit, request.args.get("before", "")))


@endpoint(
    blueprint.patch("/<conversation_id>"),
    request=TitleRequest,
    answers={200: (JSON,)},
    errors=WITH_BODY,
    summary="Rename it.",
)
def rename_conversation(conversation_id: str) -> Response:
    title = parse(TitleRequest).title
    return _changed(current_service().conversations.rename(current_caller().owner, conversation_id, title))


@endpoint(blueprint.put("/<conversation_id>/pin"), answers={200: (JSON,)}, errors=CHANGING, summary="Pin it.")
def pin_conversation(conversation_id: str) -> Response:
    return _changed(current_service().listing.pin(current_caller().owner, conversation_id, True))


@endpoint(blueprint.delete("/<conversation_id>/pin"), answers={200: (JSON,)}, errors=CHANGING, summary="Unpin it.")
def unpin_conversation(conversation_id: str) -> Response:
    return _changed(current_service().listing.pin(current_caller().owner, conversation_id, False))


@endpoint(blueprint.put("/<conversation_id>/seen"), request=SeenRequest, answers={204: ()}, errors=WITH_BODY)
def see_conversation(conversation_id: str) -> Response:
    """You have seen all up to this message: the conversation is no longer unread."""
    current_service().listing.see(current_caller().owner, conversation_id, parse(SeenRequest).message_id)
    return Response(status=204)


@endpoint(
    blueprint.put("/<conversation_id>/settings"),
    request=ConversationSettings,
    answers={200: (JSON,)},
    errors=WITH_BODY,
)
def set_settings(conversation_id: str) -> Response:
    """Replace how its answers are made if a request does not say."""
    settings = parse(ConversationSettings)
    if settings.provider is not None or settings.model is not None:
        current_service().providers.resolve(settings.provider, settings.model)
    return _changed(current_service().listing.set(current_caller().owner, conversation_id, settings))


@endpoint(blueprint.delete("/<conversation_id>"), answers={204: ()}, errors=CHANGING)
def delete_conversation(conversation_id: str) -> Response:
    """Delete it with all its messages; answers that are still running are stopped. For some minutes
    it can be brought back."""
    current_service().deleting.conversation(current_caller(), conversation_id)
    return Response(status=204)


@endpoint(blueprint.post("/<conversation_id>/restore"), answers={200: (JSON,)}, errors=CHANGING)
def restore_conversation(conversation_id: str) -> Response:
    """Bring back one that you have just deleted."""
    return _changed(current_service().deleting.restore(current_caller(), conversation_id))


def _pinned() -> bool | None:
    match request.args.get("pinned"):
        case None:
            return None
        case "true" | "1":
            return True
        case "false" | "0":
            return False
        case _:
            raise InvalidField("pinned: expected true, false or first")


def _changed(conversation: Conversation) -> Response:
    return jsonify(msgspec.to_builtins(conversation))
