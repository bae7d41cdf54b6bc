"""Flask: parse a request, call the service, answer. Beside this room only `access`, `app` and
`extension` know Flask."""

from collections.abc import Callable

from flask import Flask, Request, current_app, g, request
from flask.ctx import _AppCtxGlobals

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

# What stands behind Flask's proxies: each attribute through one of those costs three calls, and a
# request needs some eighty.
this_app: Callable[[], Flask] = current_app._get_current_object  # type: ignore[attr-defined]
this_request: Callable[[], Request] = request._get_current_object  # type: ignore[attr-defined]
these_globals: Callable[[], _AppCtxGlobals] = g._get_current_object


def header(name: str) -> str | None:
    """A header of the current request, if it has that. `request.headers` raises and catches an
    exception for each that is missing."""
    found: str | None = this_request().environ.get("HTTP_" + name.upper().replace("-", "_"))
    return found


def current_service() -> ChatService:
    found: ChatService = this_app().extensions[EXTENSION]
    return found


def authenticator() -> Authenticator:
    found: Authenticator = this_app().extensions[AUTHENTICATOR]
    return found


def credentials() -> CredentialWatch:
    """Tells streams when what opened them has ended."""
    found: CredentialWatch = this_app().extensions[CREDENTIALS]
    return found


def shares() -> Shares:
    found: Shares = this_app().extensions[SHARES]
    return found


def tickets() -> Tickets:
    found: Tickets = this_app().extensions[TICKETS]
    return found


def current_caller() -> Caller:
    """Asked for once in a request. Raises Unauthorized, Forbidden, DatabaseUnavailable."""
    known = these_globals()
    caller: Caller | None = known.get("caller")
    if caller is None:
        known.caller = caller = _ticket_holder() or authenticator().caller(sender())
        requester.set(caller.owner)
    return caller


def be_viewer(share: Share) -> None:
    """Who follows a link is nobody but its viewer, even with a login."""
    g.caller = Caller(share.id, trace_id(), credential=share.id)
    requester.set(share.id)


def forget_caller() -> None:
    """Before each request: those of a connection share a context."""
    requester.set("")


def sender() -> Sender:
    """What the current request tells of its sender."""
    sent = this_request()
    return Sender(sent.headers, sent.cookies, sent.remote_addr, sent.is_secure, trace_id())


def _ticket_holder() -> Caller | None:
    """Whom a ticket lets the sender be. Only a stream takes one: all else can send a header."""
    sent = this_request()
    token = sent.args.get("ticket")
    if token is None or sent.method != "GET":
        return None
    row = endpoint_of(this_app().view_functions.get(sent.endpoint or ""))
    if row is None or not row.streams:
        return None
    holder = tickets().redeem(token, sent.path, trace_id())
    if holder is None:
        raise Unauthorized("ticket: it was used, has expired, or is for another path; POST /api/v1/tickets gives one")
    return holder


def trace_id() -> str:
    """Of the current request; set by `chatapp.web.errors` before anything else runs."""
    found: Trace = these_globals().trace
    return found.id
