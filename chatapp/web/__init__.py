"""Flask: parse a request, call the service, answer. The only room beside `access` and `app` that
knows Flask."""

from flask import current_app, g, request

from chatapp.access import Authenticator, Caller, Sender
from chatapp.reading.credentials import CredentialWatch
from chatapp.service import ChatService

EXTENSION = "chatapp"
AUTHENTICATOR = "chatapp.authenticator"
CREDENTIALS = "chatapp.credentials"


def current_service() -> ChatService:
    found: ChatService = current_app.extensions[EXTENSION]
    return found


def authenticator() -> Authenticator:
    found: Authenticator = current_app.extensions[AUTHENTICATOR]
    return found


def credentials() -> CredentialWatch:
    """Tells streams when what opened them has ended."""
    found: CredentialWatch = current_app.extensions[CREDENTIALS]
    return found


def current_caller() -> Caller:
    """Asked for once in a request. Raises Unauthorized, Forbidden, DatabaseUnavailable."""
    if "caller" not in g:
        g.caller = authenticator().caller(sender())
    found: Caller = g.caller
    return found


def sender() -> Sender:
    """What the current request tells of its sender."""
    return Sender(request.headers, request.cookies, request.remote_addr, request.is_secure, trace_id())


def trace_id() -> str:
    """Of the current request; set by `chatapp.web.errors` before anything else runs."""
    found: str = g.trace_id
    return found
