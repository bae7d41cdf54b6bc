"""The stored items of OpenAI's Responses and Conversations: found by id, and listed in pages."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response, request

from chatapp.dialects.openai_responses.stored import StoredItems, message_of
from chatapp.errors import InvalidField, NotFound
from chatapp.hub import with_pauses
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


MESSAGES = 20  # that are turned into items in one go: some milliseconds, if they are long


def items_of(messages: Iterable[StoredMessage]) -> list[dict[str, Any]]:
    """What there is of these messages, in their order."""
    items, found = StoredItems(), list[dict[str, Any]]()
    for message in with_pauses(messages, MESSAGES):
        if isinstance(message, Answer):
            found += items.of_answer(current_service().transcript(message).entries, message.repeated)
        else:
            found += items.of_message(message.id, message.message())
    return found


class StoredItemFinder:
    """Finds the items of the caller by their ids. It reads each message once, however many of its
    items are wanted."""

    def __init__(self, conversation_id: str | None = None) -> None:
        """`conversation_id`: find those of this conversation only."""
        self._conversation_id = conversation_id
        self._items: dict[str, dict[str, dict[str, Any]]] = {}  # by their ids, by their message's id

    def __call__(self, item_id: str) -> dict[str, Any] | None:
        message_id = message_of(item_id)
        if message_id not in self._items:
            self._items[message_id] = self._read(message_id)
        return self._items[message_id].get(item_id)

    def _read(self, message_id: str) -> dict[str, dict[str, Any]]:
        try:
            message = current_service().conversations.message(current_caller().owner, message_id)
        except NotFound:
            return {}
        if self._conversation_id not in (None, message.conversation_id):
            return {}
        return {item["id"]: item for item in items_of([message])}


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
