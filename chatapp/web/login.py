"""Signing in and out, with plain forms and redirects: neither needs a script."""

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext
from werkzeug import Response

from chatapp.access import SignsInByKey, SignsInElsewhere, SignsOut
from chatapp.errors import Unauthorized
from chatapp.web import authenticator, sender
from chatapp.web.addresses import here
from chatapp.web.authentication import local_path
from chatapp.web.endpoint import open_to_all

blueprint = Blueprint("login", __name__)

MAX_FORM_BYTES = 16_384  # a key, and an address to go to


@blueprint.get("/login")
@open_to_all
def show() -> Response:
    """The form for a key, or the way to the provider; without a login the start page is the way
    in."""
    auth = authenticator()
    if isinstance(auth, SignsInByKey) or (isinstance(auth, SignsInElsewhere) and "signed_out" in request.args):
        return _form(200)
    if isinstance(auth, SignsInElsewhere):
        session["next"] = local_path(request.args.get("next", ""), here("/"))
        return auth.leave_for_login(url_for("login.come_back", _external=True))
    return redirect(here("/"))


@blueprint.get("/login/callback")
@open_to_all
def come_back() -> Response:
    """Where the provider sends the browser."""
    auth = authenticator()
    if not isinstance(auth, SignsInElsewhere):
        return redirect(here("/"))
    response = redirect(local_path(session.pop("next", ""), here("/")), 303)
    auth.come_back(sender(), response)
    return response


@blueprint.post("/login")
@open_to_all
def sign_in() -> Response:
    request.max_content_length = MAX_FORM_BYTES
    auth = authenticator()
    if not isinstance(auth, SignsInByKey):
        return redirect(here("/"), 303)
    response = redirect(local_path(request.form.get("next", ""), here("/")), 303)
    try:
        auth.sign_in(request.form.get("key", ""), sender(), response)
    except Unauthorized as error:
        return _form(error.status, gettext("This key is unknown, was revoked or has expired."))
    return response


@blueprint.post("/logout")
@open_to_all
def sign_out() -> Response:
    """Ends the session of this browser, also one that has ended already."""
    auth, response = authenticator(), redirect(here("/login?signed_out=1"), 303)
    if isinstance(auth, SignsOut):
        auth.sign_out(sender(), response)
    return response


def _form(status: int, wrong: str = "") -> Response:
    next_path = local_path(request.values.get("next", ""), here("/"))
    page = render_template(
        "login.html",
        next=next_path,
        wrong=wrong,
        signed_out="signed_out" in request.args and not wrong,
        by_key=isinstance(authenticator(), SignsInByKey),
    )
    return make_response(page, status)
