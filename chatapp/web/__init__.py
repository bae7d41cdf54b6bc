"""Flask: parse a request, call the service, answer. The only room beside `access` and `app` that
knows Flask."""

from flask import current_app, g, request

from chatapp.access import Authenticator, Caller
from chatapp.service import ChatService
from chatapp.trace import Trace

EXTENSION = "chatapp"
AUTHENTICATOR = "chatapp.authenticator"
EXPOSITION = "chatapp.exposition"


def current_service() -> ChatService:
    found: ChatService = current_app.extensions[EXTENSION]
    return found


def authenticator() -> Authenticator:
    found: Authenticator = current_app.extensions[AUTHENTICATOR]
    return found


def current_caller() -> Caller:
    return authenticator().caller(request.headers, request.cookies, request.remote_addr, trace_id())


def trace_id() -> str:
    """Of the current request; set by `chatapp.web.errors` before anything else runs."""
    found: Trace = g.trace
    return found.id
