"""What every request passes before its view: the Host header, the page that asks, HEAD; and the
security headers of every response.

Hosts: a page elsewhere can point its own name at this machine (DNS rebinding), so only our names
are answered. Flask's TRUSTED_HOSTS cannot name an IPv6 address.

Pages: a page elsewhere can make a browser send requests, with the address of an image as well as
with an EventSource; and so can what a model writes into ours. `asking_page` tells them apart.

HEAD: Flask would run the view of a GET, and a stream's view would begin a run, or count as a reader
that leaves.
"""

import re
from collections.abc import Callable, Collection

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import MethodNotAllowed

from chatapp.errors import InvalidRequest
from chatapp.web.asking_page import refuse_foreign, refuse_unlike_stream
from chatapp.web.endpoint import Endpoint, endpoint_of

IMAGE_PATHS = ("/api/v1/messages/", "/shared/", "/static/")
_plain_host = re.compile(r"[A-Za-z0-9.-]+(?::\d{1,5})?").fullmatch

SAFE = ("GET", "HEAD", "OPTIONS")

# Everything from here, nothing inline: text from a model that slips through the sanitizer still
# cannot run.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src data: {images}",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


def install(app: Flask, trusted_hosts: Collection[str], allowed: Callable[[], bool] = lambda: False) -> None:
    """`trusted_hosts` as in the Host header, without the port; `.example.com` stands for all names
    below it. `allowed`: whether the request comes from another site's page that may send it."""

    def guard() -> None:
        _refuse_other_hosts(trusted_hosts)
        endpoint = endpoint_of(current_app.view_functions.get(request.endpoint or ""))
        if not allowed():
            _refuse_other_pages(endpoint)
        _refuse_head(endpoint)

    app.before_request(guard)
    app.after_request(_protect)


def _refuse_other_hosts(trusted: Collection[str]) -> None:
    host = without_port(request.headers.get("Host", ""))
    if not any(host == name or (name.startswith(".") and host.endswith(name)) for name in trusted):
        raise InvalidRequest(f"Host: {host!r} is not a name of this server; the setting trusted_hosts lists them")


def without_port(host: str) -> str:
    name, found, port = host.lower().rpartition(":")
    return name if found and port.isdecimal() else host.lower()


def _refuse_other_pages(endpoint: Endpoint | None) -> None:
    acts = endpoint is not None and endpoint.acts(request.args)
    if request.method not in SAFE or acts:
        refuse_foreign(request.headers)
    if request.method in SAFE and acts:
        refuse_unlike_stream(request.headers)


def _refuse_head(endpoint: Endpoint | None) -> None:
    if request.method == "HEAD" and endpoint is not None and endpoint.streams and request.url_rule is not None:
        raise MethodNotAllowed(sorted((request.url_rule.methods or set()) - {"HEAD"}))


def _image_sources() -> str:
    """The files of answers and the page's own, by their paths: an image that a model writes
    must not be able to ask for anything else of ours. A policy has no words for an IPv6 address."""
    host = request.headers.get("Host", "")
    return " ".join(host + path for path in IMAGE_PATHS) if _plain_host(host) else "'self'"


def _protect(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if response.mimetype == "application/json":
        response.headers.setdefault("Cache-Control", "no-store")  # somebody's own: not for a cache to keep
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.format(images=_image_sources())
    return response
