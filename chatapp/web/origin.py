"""Only this site's pages may change anything here.

A page elsewhere can make a browser send requests, with an image's address as much as with an EventSource. Browsers say
so in `Sec-Fetch-Site`, which no page can forge, or, where the connection is not a secure one, at least in `Origin`; a
client that is no browser says nothing. Another port of the same host is elsewhere, too: browsers call it the same site,
and send it the same cookies.
Source: https://www.w3.org/TR/fetch-metadata/
"""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, request

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
    changes = begins or request.method not in SAFE
    if changes and not _asked_here():
        name = "Sec-Fetch-Site" if "Sec-Fetch-Site" in request.headers else "Origin"
        raise Forbidden(f"{name}: only this site's own pages may ask for this")


def _asked_here() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or _place(urlsplit(origin).netloc) == _place(request.headers.get("Host", ""))


def _place(host: str) -> str:
    """Host and port, without the default ones. The scheme is not compared: a proxy may have ended TLS before us."""
    return host.lower().removesuffix(":443").removesuffix(":80")
