"""The chat page, rendered on the server. It gives the browser its cookie."""

from flask import Blueprint, Response, make_response, render_template, request

from chatapp.access.cookies import LOCAL
from chatapp.web import current_owner, services
from chatapp.web.message_json import whole_conversation

blueprint = Blueprint("pages", __name__)

# Everything from here, nothing inline: text from a model that slipped through the sanitizer still cannot run.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


@blueprint.get("/")
def new_chat() -> Response:
    return _page(None)


@blueprint.get("/c/<conversation_id>")
def chat(conversation_id: str) -> Response:
    return _page(whole_conversation(conversation_id))


@blueprint.after_app_request
def protect(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


def _page(conversation: dict[str, object] | None) -> Response:
    auth, owner = services().auth, current_owner()
    newcomer = owner == LOCAL
    if newcomer:
        owner = auth.new_owner()
    response = make_response(
        render_template(
            "chat.html",
            conversation=conversation,
            conversations=services().conversations.recent(owner),
        )
    )
    response.headers["Cache-Control"] = "no-store"  # what was said may have gone on since
    auth.remember(response, owner, secure=request.is_secure)
    return response
