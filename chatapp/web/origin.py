"""Only this site's pages may change anything here.

A page elsewhere can make a browser send requests, with an image's address as much as with an EventSource. Browsers say
so in `Sec-Fetch-Site`, which no page can forge; a client that is no browser says nothing.
Source: https://www.w3.org/TR/fetch-metadata/
"""

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, current_app, request
from werkzeug.exceptions import MethodNotAllowed

from chatapp.errors import Forbidden

SAFE = ("GET", "HEAD", "OPTIONS")

View = TypeVar("View", bound=Callable[..., object])


def install(app: Flask) -> None:
    app.before_request(_refuse_other_sites)


def begins_run(view: View) -> View:
    """Mark a view whose GET, too, changes something: EventSource knows nothing else."""
    view.begins_run = True  # type: ignore[attr-defined]
    return view


def _refuse_other_sites() -> None:
    begins = getattr(current_app.view_functions.get(request.endpoint or ""), "begins_run", False)
    if begins and request.method == "HEAD":  # Flask answers it like a GET, and a link checker would begin a run
        raise MethodNotAllowed(["GET", "POST"])
    changes = begins or request.method not in SAFE
    if changes and request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Forbidden("Sec-Fetch-Site: only this site's own pages may ask for this")
