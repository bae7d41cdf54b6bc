"""Search in all conversations of the caller."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from chatapp.errors import InvalidField
from chatapp.service import Hit
from chatapp.web import current_caller, current_service
from chatapp.web.bodies import number
from chatapp.web.endpoint import JSON, Parameter, endpoint

blueprint = Blueprint("search", __name__)

MAX_CHARS, MAX_WORDS = 200, 10  # of a search: each word is looked for in each text
MOST = 100

QUERY = (
    Parameter("q", {"type": "string", "maxLength": MAX_CHARS}, "Words, all of which have to stand in a message."),
    Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST}, "About how many at most; 20 by default."),
    Parameter("before", {"type": "string"}, "The `next` of the page before."),
)


@endpoint(blueprint.get("/api/v1/search"), answers={200: (JSON,)}, parameters=QUERY)
def search() -> Response:
    """Messages in which all the words stand, the newest first, by pages; `next` is null on the last
    one. A page may be short, or empty, and have a `next`: it looked at as much as one request
    may."""
    hits, rest = current_service().search.find(
        current_caller().owner, _words(), int(number("limit", 20, 1, MOST)), request.args.get("before", "")
    )
    return jsonify(hits=[_hit_json(hit) for hit in hits], next=rest or None)


def _words() -> list[str]:
    text = request.args.get("q", "")
    words = text.replace("\0", " ").split()
    if not words:
        raise InvalidField("q: expected words to look for")
    if len(text) > MAX_CHARS or len(words) > MAX_WORDS:
        raise InvalidField(f"q: too long; the limits are {MAX_CHARS} characters and {MAX_WORDS} words")
    return list(dict.fromkeys(words))


def _hit_json(hit: Hit) -> dict[str, Any]:
    """The snippet in pieces: their joined texts are it, and those with a `mark` are the words."""
    pieces: list[dict[str, object]] = []
    end = 0
    for begin, until in hit.marks:
        if begin > end:
            pieces.append({"text": hit.text[end:begin]})
        pieces.append({"text": hit.text[begin:until], "mark": True})
        end = until
    if end < len(hit.text):
        pieces.append({"text": hit.text[end:]})
    return {
        "message_id": hit.message_id,
        "conversation_id": hit.conversation_id,
        "title": hit.title,
        "role": hit.role,
        "created": hit.created,
        "snippet": pieces,
    }
