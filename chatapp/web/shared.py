"""What the viewer of a link sees: one conversation, or one answer, to read and to follow live.

Everything here is below the link's own address, and asks what its owner may see. A viewer is told
neither who the owner is nor how much was used.
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, make_response, render_template
from flask_babel import gettext

from chatapp.access import Caller, Share
from chatapp.dialects.message import MessageDialect
from chatapp.errors import InvalidField, NotFound
from chatapp.hub import with_pauses
from chatapp.reading.disconnect import OnLeave
from chatapp.reading.shared import SharedSource, for_viewers
from chatapp.service import Answer, StoredMessage
from chatapp.transcript import transcript_of
from chatapp.web import be_viewer, current_service, shares, trace_id
from chatapp.web.addresses import here
from chatapp.web.endpoint import FILE, JSON, STREAM, Parameter, endpoint, open_to_all
from chatapp.web.file_response import file_response
from chatapp.web.json_pieces import json_response
from chatapp.web.message_json import described, readable
from chatapp.web.streaming import dialect_name, respond

blueprint = Blueprint("shared", __name__, url_prefix="/shared/<token>")

T = TypeVar("T")

SLICE = 20  # messages: some milliseconds, if they are long
HIDDEN = ("usage", "trace_id", "conversation_id", "result_mode")
RAW = "raw_passthrough"


@blueprint.get("")
@open_to_all
def page(token: str) -> Response:
    """Read-only: the same markup and scripts as the chat page, without a prompt."""
    share = _viewed(token)
    conversation = _conversation(share, token)
    title = conversation["title"] if share.conversation_id else gettext("A shared answer")
    response: Response = make_response(render_template("shared.html", conversation=conversation, title=title))
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@endpoint(blueprint.get("/messages"), answers={200: (JSON,)})
@open_to_all
def list_messages(token: str) -> Response:
    """What is shared, as it is now."""
    conversation = _conversation(_viewed(token), token)
    return json_response(conversation, "messages", conversation["messages"])


@endpoint(blueprint.get("/messages/<message_id>"), answers={200: (JSON,)})
@open_to_all
def get_message(token: str, message_id: str) -> Response:
    """A shared answer as JSON; one that is still running with what there is of it."""
    return jsonify(_message(_answer(_viewed(token), message_id), token))


@endpoint(
    blueprint.get("/messages/<message_id>/events"),
    answers={200: (STREAM,), 204: ()},
    parameters=(
        Parameter("Last-Event-ID", {"type": "string"}, "The last id received; what follows it is sent.", "header"),
        Parameter("after", {"type": "integer", "minimum": 0}, "Like Last-Event-ID, in the query; the header wins."),
        Parameter("dialect", {"type": "string"}, "A dialect's name, of those that show no raw bytes."),
    ),
)
@open_to_all
def follow(token: str, message_id: str) -> Response:
    """Follow a shared answer in any dialect. A viewer who leaves stops nothing."""
    answer = _answer(_viewed(token), message_id)
    service = current_service()
    files_url = _files_url(token, message_id)  # once the request has been answered, nothing is known of it
    source = SharedSource(service.source(answer), lambda file: f"{files_url}/{file.id}")
    dialects = {name: make for name, make in service.dialects.items() if name != RAW}
    name = dialect_name(answer)
    if name == RAW:
        name = "message"
    if name not in dialects:
        raise InvalidField(f"dialect: unknown dialect {name!r}; available: {', '.join(dialects)}")
    dialect = dialects[name]()
    if isinstance(dialect, MessageDialect):
        dialect.for_viewer = True
    return respond(source, dialect, OnLeave(message_id), late=not answer.running)


@endpoint(blueprint.get("/messages/<message_id>/files/<file_id>"), answers={200: (FILE,)})
@open_to_all
def get_file(token: str, message_id: str, file_id: str) -> Response:
    """A file that a shared answer holds, or that a shared question came with."""
    share = _viewed(token)
    return file_response(current_service().file(_owner(share), _seen(share, message_id).id, file_id))


@blueprint.app_template_filter()
def in_turns(messages: Iterable[T]) -> Iterator[T]:
    """Others run in between, while each of these is made ready or drawn."""
    return with_pauses(messages, SLICE)


def _viewed(token: str) -> Share:
    """What is shared; from now on the request is its viewer's."""
    share = shares().find(token)
    be_viewer(share)
    return share


def _conversation(share: Share, token: str) -> dict[str, Any]:
    if share.conversation_id is None:
        answer = _answer(share, share.message_id or "")
        return {"id": share.id, "title": "A shared answer", "messages": [_message(answer, token)]}
    conversation, messages = current_service().conversations.get(share.owner, share.conversation_id)
    shown = [_message(message, token) for message in in_turns(messages) if message.role != "system"]
    return {"id": share.id, "title": conversation.title, "messages": shown}


def _answer(share: Share, message_id: str) -> Answer:
    if share.message_id not in (None, message_id):
        raise NotFound("no such message")
    answer = current_service().answer(_owner(share), message_id)
    if share.conversation_id not in (None, answer.conversation_id):
        raise NotFound("no such message")
    return answer


def _seen(share: Share, message_id: str) -> StoredMessage:
    """A message of what is shared."""
    if share.message_id is not None:
        return _answer(share, message_id)
    message = current_service().conversations.message(share.owner, message_id)
    if message.conversation_id != share.conversation_id or message.role == "system":
        raise NotFound("no such message")
    return message


def _owner(share: Share) -> Caller:
    return Caller(share.owner, trace_id())


def _message(message: StoredMessage, token: str) -> dict[str, Any]:
    files_url = _files_url(token, message.id)
    seen = for_viewers(readable(message).entries, lambda file: f"{files_url}/{file.id}")
    shown = described(message, transcript_of(seen))
    if isinstance(message, Answer):
        events_url = here(f"/shared/{token}/messages/{message.id}/events")
        return {**shown, **dict.fromkeys(HIDDEN), "events_url": events_url}
    files = [file if "error" in file else {**file, "url": f"{files_url}/{file['id']}"} for file in shown["files"]]
    parts = [{"type": "file", "file": file} for file in files]
    words = [part for part in shown["parts"] if part["type"] != "file"]
    return {**shown, **dict.fromkeys(HIDDEN), "files": files, "parts": [*parts, *words], "events_url": None}


def _files_url(token: str, message_id: str) -> str:
    return here(f"/shared/{token}/messages/{message_id}/files")
