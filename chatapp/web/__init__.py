"""Flask: parse a request, call the service, answer. Beside this room only `access`, `app` and
`extension` know Flask."""

from flask import current_app, g, request

from chatapp.access import Authenticator, Caller, Sender, Share, Shares, Tickets
from chatapp.errors import Unauthorized
from chatapp.quotas.turns import requester
from chatapp.reading.credentials import CredentialWatch
from chatapp.service import ChatService
from chatapp.trace import Trace
from chatapp.web.endpoint import endpoint_of

EXTENSION = "chatapp"
AUTHENTICATOR = "chatapp.authenticator"
CREDENTIALS = "chatapp.credentials"
EXPOSITION = "chatapp.exposition"
SHARES = "chatapp.shares"
TICKETS = "chatapp.tickets"


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


def shares() -> Shares:
    found: Shares = current_app.extensions[SHARES]
    return found


def tickets() -> Tickets:
    found: Tickets = current_app.extensions[TICKETS]
    return found


def current_caller() -> Caller:
    """Asked for once in a request. Raises Unauthorized, Forbidden, DatabaseUnavailable."""
    if "caller" not in g:
        g.caller = _ticket_holder() or authenticator().caller(sender())
        requester.set(g.caller.owner)
    found: Caller = g.caller
    return found


def be_viewer(share: Share) -> None:
    """Who follows a link is nobody but its viewer, even with a login."""
    g.caller = Caller(share.id, trace_id(), credential=share.id)
    requester.set(share.id)


def forget_caller() -> None:
    """Before each request: those of a connection share a context."""
    requester.set("")


def sender() -> Sender:
    """What the current request tells of its sender."""
    return Sender(request.headers, request.cookies, request.remote_addr, request.is_secure, trace_id())


def _ticket_holder() -> Caller | None:
    """Whom a ticket lets the sender be. Only a stream takes one: all else can send a header."""
    row = endpoint_of(current_app.view_functions.get(request.endpoint or ""))
    token = request.args.get("ticket")
    if token is None or request.method != "GET" or row is None or not row.streams:
        return None
    holder = tickets().redeem(token, request.path, trace_id())
    if holder is None:
        raise Unauthorized("ticket: it was used, has expired, or is for another path; POST /api/v1/tickets gives one")
    return holder


def trace_id() -> str:
    """Of the current request; set by `chatapp.web.errors` before anything else runs."""
    found: Trace = g.trace
    return found.id
