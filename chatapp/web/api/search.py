"""Search in all conversations of the caller."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from chatapp.errors import InvalidField
from chatapp.service import Hit, TitleHit
from chatapp.web import current_caller, current_service
from chatapp.web.bodies import number
from chatapp.web.endpoint import JSON, Parameter, endpoint

blueprint = Blueprint("search", __name__)

MAX_CHARS, MAX_WORDS = 200, 10  # of a search: each word is looked for in each text
MOST = 100

QUERY = (
    Parameter("q", {"type": "string", "maxLength": MAX_CHARS}, "Words, all of which have to stand in a message."),
    Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST}, "How many at most; 20 by default."),
    Parameter("before", {"type": "string"}, "The `next` of the page before."),
)


@endpoint(blueprint.get("/api/v1/search"), answers={200: (JSON,)}, parameters=QUERY)
def search() -> Response:
    """Messages in which all the words stand, the newest first, by pages; `next` is null on the last
    one. A page may be short, or empty, and have a `next`: it looked at as much as one request
    may. `indexing`: the index of what was said is being filled, so there may be more than is found
    now. The first page has `conversations`, too: those in whose titles the words stand."""
    owner, words, before = current_caller().owner, _words(), request.args.get("before", "")
    limit, find = int(number("limit", 20, 1, MOST)), current_service().search
    titles = [] if before else find.titles(owner, words, limit)
    hits, rest, indexing = find.find(owner, words, limit, before)
    found = [_title_json(hit) for hit in titles]
    return jsonify(conversations=found, hits=[_hit_json(hit) for hit in hits], next=rest or None, indexing=indexing)


def _words() -> list[str]:
    text = request.args.get("q", "")
    words = text.replace("\0", " ").split()
    if not words:
        raise InvalidField("q: expected words to look for")
    if len(text) > MAX_CHARS or len(words) > MAX_WORDS:
        raise InvalidField(f"q: too long; the limits are {MAX_CHARS} characters and {MAX_WORDS} words")
    return list(dict.fromkeys(words))


def _title_json(hit: TitleHit) -> dict[str, Any]:
    conversation = hit.conversation
    pieces = _pieces(conversation.title, hit.marks)
    return {"id": conversation.id, "title": conversation.title, "updated": conversation.updated, "snippet": pieces}


def _hit_json(hit: Hit) -> dict[str, Any]:
    return {
        "message_id": hit.message_id,
        "conversation_id": hit.conversation_id,
        "title": hit.title,
        "role": hit.role,
        "created": hit.created,
        "shown": hit.shown,
        "snippet": _pieces(hit.text, hit.marks),
    }


def _pieces(text: str, marks: list[tuple[int, int]]) -> list[dict[str, object]]:
    """The text in pieces: joined they are it, and those with a `mark` are the words."""
    pieces: list[dict[str, object]] = []
    end = 0
    for begin, until in marks:
        if begin > end:
            pieces.append({"text": text[end:begin]})
        pieces.append({"text": text[begin:until], "mark": True})
        end = until
    if end < len(text):
        pieces.append({"text": text[end:]})
    return pieces
