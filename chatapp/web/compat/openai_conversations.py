"""OpenAI's Conversations: made, described, filled, listed and deleted.

They are the conversations of the page, too: what is said by one is seen by the other.
"""

from itertools import chain
from typing import Any

from flask import Blueprint, Response

from chatapp.dialects.openai_responses.request_conversation import ConversationRequest, ItemsRequest, MetadataRequest
from chatapp.dialects.openai_responses.stored import message_of
from chatapp.errors import NotFound
from chatapp.service import Conversation
from chatapp.web import current_caller, current_service
from chatapp.web.bodies import parse
from chatapp.web.endpoint import CHANGING, JSON, WITH_BODY, endpoint
from chatapp.web.stored_items import PAGING, StoredItemFinder, as_json, items_of, listed, page

blueprint = Blueprint("openai_conversations", __name__, url_prefix="/v1/conversations")

ERROR = "OpenAIError"


@endpoint(blueprint.post(""), request=ConversationRequest, answers={200: (JSON,)}, errors=WITH_BODY, error_schema=ERROR)
def create() -> Response:
    """Begin one, with what was said already."""
    asked = parse(ConversationRequest)
    said = asked.said(StoredItemFinder())
    return _object(current_service().create_conversation(current_caller(), said, asked.metadata or {}))


@endpoint(blueprint.get("/<conversation_id>"), answers={200: (JSON,)}, error_schema=ERROR)
def retrieve(conversation_id: str) -> Response:
    """The conversation without its items."""
    return _object(current_service().listing.conversation(current_caller().owner, conversation_id))


@endpoint(
    blueprint.post("/<conversation_id>"),
    request=MetadataRequest,
    answers={200: (JSON,)},
    errors=WITH_BODY,
    error_schema=ERROR,
)
def update(conversation_id: str) -> Response:
    """Replace its metadata."""
    metadata = parse(MetadataRequest).metadata or {}
    return _object(current_service().conversations.describe(current_caller().owner, conversation_id, metadata))


@endpoint(blueprint.delete("/<conversation_id>"), answers={200: (JSON,)}, errors=CHANGING, error_schema=ERROR)
def delete(conversation_id: str) -> Response:
    """Delete it with all its items; answers that are still running are stopped."""
    current_service().deleting.conversation(current_caller(), conversation_id)
    return as_json({"id": conversation_id, "object": "conversation.deleted", "deleted": True})


@endpoint(blueprint.get("/<conversation_id>/items"), answers={200: (JSON,)}, parameters=PAGING, error_schema=ERROR)
def list_items(conversation_id: str) -> Response:
    """What was said and answered."""
    slices = current_service().listing.slices(current_caller().owner, conversation_id)
    return page(items_of(chain.from_iterable(slices)))


@endpoint(
    blueprint.post("/<conversation_id>/items"),
    request=ItemsRequest,
    answers={200: (JSON,)},
    errors=WITH_BODY,
    error_schema=ERROR,
)
def add_items(conversation_id: str) -> Response:
    """Add what was said elsewhere; nobody answers it yet."""
    said = parse(ItemsRequest).said(StoredItemFinder())
    return listed(items_of(current_service().add_messages(current_caller(), conversation_id, said)))


@endpoint(blueprint.get("/<conversation_id>/items/<item_id>"), answers={200: (JSON,)}, error_schema=ERROR)
def retrieve_item(conversation_id: str, item_id: str) -> Response:
    """One of its items."""
    return as_json(_item(conversation_id, item_id))


@endpoint(
    blueprint.delete("/<conversation_id>/items/<item_id>"), answers={200: (JSON,)}, errors=CHANGING, error_schema=ERROR
)
def delete_item(conversation_id: str, item_id: str) -> Response:
    """Delete it with its turn: the thinking, the calls and the text of one answer go together."""
    service, caller = current_service(), current_caller()
    conversation = service.listing.conversation(caller.owner, conversation_id)
    _item(conversation_id, item_id)
    service.deleting.message(caller, message_of(item_id))
    return _object(conversation)


def _item(conversation_id: str, item_id: str) -> dict[str, Any]:
    item = StoredItemFinder(conversation_id)(item_id)
    if item is None:
        raise NotFound(f"no such item in this conversation: {item_id}")
    return item


def _object(conversation: Conversation) -> Response:
    return as_json(
        {
            "id": conversation.id,
            "object": "conversation",
            "created_at": int(conversation.created),
            "metadata": conversation.metadata,
        }
    )
