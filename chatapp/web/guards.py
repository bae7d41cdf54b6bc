"""What every request passes before its view: the Host header, the page that asks, HEAD; and the
security headers of every response.

Hosts: a page elsewhere can point its own name at this machine (DNS rebinding), so only our names
are answered. Flask's TRUSTED_HOSTS cannot name an IPv6 address.

Pages: a page elsewhere can make a browser send requests, with the address of an image as well as
with an EventSource. Browsers say so in `Sec-Fetch-Site`, which no page can forge, or, if the
connection is not secure, at least in `Origin`; a client that is no browser says nothing. Another
port of the same host is elsewhere, too: browsers call it the same site, and send it the same
cookies. Source: https://www.w3.org/TR/fetch-metadata/

HEAD: Flask would run the view of a GET, and a stream's view would begin a run, or count as a reader
that leaves.
"""

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import MethodNotAllowed

from chatapp.errors import Forbidden, InvalidRequest
from chatapp.web.endpoint import Endpoint, endpoint_of

SAFE = ("GET", "HEAD", "OPTIONS")

# Everything from here, nothing inline: text from a model that slips through the sanitizer still
# cannot run.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
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
            _refuse_other_sites(endpoint)
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


def _refuse_other_sites(endpoint: Endpoint | None) -> None:
    changes = request.method not in SAFE or (endpoint is not None and endpoint.begins_run)
    if changes and not _is_same_origin():
        name = "Sec-Fetch-Site" if "Sec-Fetch-Site" in request.headers else "Origin"
        raise Forbidden(f"{name}: cross-site request refused; only pages of this site may send it")


def _is_same_origin() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or _place(urlsplit(origin).netloc) == _place(request.headers.get("Host", ""))


def _place(host: str) -> str:
    """Host and port, without a default port. The scheme is not compared: a proxy may have ended TLS
    before us."""
    return host.lower().removesuffix(":443").removesuffix(":80")


def _refuse_head(endpoint: Endpoint | None) -> None:
    if request.method == "HEAD" and endpoint is not None and endpoint.streams and request.url_rule is not None:
        raise MethodNotAllowed(sorted((request.url_rule.methods or set()) - {"HEAD"}))


def _protect(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response
