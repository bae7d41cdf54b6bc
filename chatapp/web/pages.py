"""The chat page, rendered on the server. Without login it gives the browser its cookie."""

from flask import Blueprint, Response, make_response, render_template, request

from chatapp.access import KnowsBrowsers, SignsOut
from chatapp.web import authenticator, current_caller, current_service
from chatapp.web.message_json import PAGE, conversation_json, list_json

blueprint = Blueprint("pages", __name__)

LISTED = 50  # conversations; the page asks for more as somebody scrolls


@blueprint.get("/")
def new_chat() -> Response:
    return _page(None)


@blueprint.get("/c/<conversation_id>")
def chat(conversation_id: str) -> Response:
    return _page(conversation_json(conversation_id, PAGE))


@blueprint.get("/embed")
def embedded_chat() -> Response:
    """The chat of an element in another page (static/js/element/): the same markup, without the
    list of conversations."""
    id = request.args.get("conversation")
    return _page(conversation_json(id, PAGE) if id else None, with_list=False)


def _page(conversation: dict[str, object] | None, with_list: bool = True) -> Response:
    auth, caller = authenticator(), current_caller()
    if isinstance(auth, KnowsBrowsers):
        caller = auth.visitor(caller)
    listed = current_service().listing.page_pinned_first(caller.owner, LISTED) if with_list else ([], "")
    recent = list_json(*listed)
    reader = "" if isinstance(auth, KnowsBrowsers) else caller.owner
    signed_in = caller.owner if isinstance(auth, SignsOut) else None
    response = make_response(
        render_template("chat.html", conversation=conversation, recent=recent, reader=reader, signed_in=signed_in)
    )
    if isinstance(auth, KnowsBrowsers):
        auth.remember(caller, response, secure=request.is_secure)
    return response
