"""No HEAD where a GET streams. Flask would run the view, and it would begin a run, or count as a reader that leaves."""

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, current_app, request
from werkzeug.exceptions import MethodNotAllowed

View = TypeVar("View", bound=Callable[..., object])


def install(app: Flask) -> None:
    app.before_request(_refuse)


def streams(view: View) -> View:
    """Mark a view whose answer to GET is, or may be, a stream."""
    view.streams = True  # type: ignore[attr-defined]
    return view


def _refuse() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if request.method == "HEAD" and getattr(view, "streams", False) and request.url_rule is not None:
        raise MethodNotAllowed(sorted((request.url_rule.methods or set()) - {"HEAD"}))
