"""The chat page, rendered on the server. It gives the browser its cookie."""

import msgspec
from flask import Blueprint, Response, make_response, render_template, request

from chatapp.web import authenticator, current_caller, current_service
from chatapp.web.message_json import conversation_json

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def new_chat() -> Response:
    return _page(None)


@blueprint.get("/c/<conversation_id>")
def chat(conversation_id: str) -> Response:
    return _page(conversation_json(conversation_id))


def _page(conversation: dict[str, object] | None) -> Response:
    caller = authenticator().visitor(current_caller())
    recent = msgspec.to_builtins(current_service().conversations.recent(caller.owner))
    response = make_response(render_template("chat.html", conversation=conversation, conversations=recent))
    response.headers["Cache-Control"] = "no-store"  # the conversation may have gone on since
    authenticator().remember(caller, response, secure=request.is_secure)
    return response
