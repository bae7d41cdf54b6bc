"""The stored items of OpenAI's Responses and Conversations: found by id, and listed in pages."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response, request

from chatapp.dialects.openai_responses.stored import StoredItems, message_of
from chatapp.errors import InvalidField, NotFound
from chatapp.service import Answer, StoredMessage
from chatapp.web import current_caller, current_service
from chatapp.web.bodies import number
from chatapp.web.endpoint import Parameter
from chatapp.wire.json_text import json_data

PAGING = (
    Parameter("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "How many items at most; 20 by default."),
    Parameter("order", {"enum": ["asc", "desc"]}, "`desc`, the default: the newest first."),
    Parameter("after", {"type": "string"}, "The id of the last item received."),
)


def items_of(messages: Iterable[StoredMessage]) -> list[dict[str, Any]]:
    """What there is of these messages, in their order."""
    items, found = StoredItems(), list[dict[str, Any]]()
    for message in messages:
        if isinstance(message, Answer):
            found += items.of_answer(current_service().transcript(message).entries, message.repeated)
        else:
            found += items.of_message(message.id, message.message())
    return found


def find_item(item_id: str) -> dict[str, Any] | None:
    """The caller's item with this id; None if there is none."""
    try:
        message = current_service().conversations.message(current_caller().owner, message_of(item_id))
    except NotFound:
        return None
    return next((item for item in items_of([message]) if item["id"] == item_id), None)


def page(items: list[dict[str, Any]]) -> Response:
    """Those of the items, given in their order, that the query asks for."""
    order, limit = request.args.get("order", "desc"), int(number("limit", 20, 1, 100))
    if order not in ("asc", "desc"):
        raise InvalidField("order: expected asc or desc")
    ordered = items if order == "asc" else items[::-1]
    ids = [item["id"] for item in ordered]
    if after := request.args.get("after"):
        if after not in ids:
            raise InvalidField("after: expected the id of an item of this list")
        ordered = ordered[ids.index(after) + 1 :]
    return listed(ordered[:limit], has_more=len(ordered) > limit)


def listed(items: list[dict[str, Any]], has_more: bool = False) -> Response:
    ends = {"first_id": items[0]["id"], "last_id": items[-1]["id"]} if items else {"first_id": None, "last_id": None}
    return as_json({"object": "list", "data": items, **ends, "has_more": has_more})


def as_json(body: Mapping[str, object]) -> Response:
    return Response(json_data(body), mimetype="application/json")
