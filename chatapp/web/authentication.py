"""Nobody comes in without a login, except to the views that are marked `open_to_all`.

A page sends a browser to the login, if there is one; everything else answers 401. It stands before
every view, so that a new one is closed until somebody opens it.
"""

from urllib.parse import urlsplit

from flask import Flask, redirect, url_for
from werkzeug import Response

from chatapp.access import SignsOut
from chatapp.errors import Forbidden, Unauthorized
from chatapp.web import authenticator, current_caller, this_app, this_request
from chatapp.web.addresses import here
from chatapp.web.endpoint import endpoint_of, is_open

STATIC = "static"


def install(app: Flask) -> None:
    app.before_request(_require_login)


def _require_login() -> Response | None:
    sent = this_request()
    view = this_app().view_functions.get(sent.endpoint or "")
    # A preflight carries no credentials, by its standard, and runs no view.
    if view is None or sent.endpoint == STATIC or sent.method == "OPTIONS" or is_open(view):
        return None
    row = endpoint_of(view)
    try:
        caller = current_caller()
    except Unauthorized:
        if row is None and sent.method in ("GET", "HEAD") and isinstance(authenticator(), SignsOut):
            return redirect(url_for("login.show", next=here(sent.full_path.rstrip("?"))))
        raise
    if row is not None and row.admin and caller.role != "admin":
        raise Forbidden("role: only an admin may ask for this")
    return None


def local_path(wanted: str, start: str = "/") -> str:
    """Where to go after the login: a path of this site, else its start page."""
    there = urlsplit(wanted.replace("\\", "/"))
    is_local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not there.netloc
    return wanted if is_local and wanted.isprintable() else start
