"""What every request passes before its view: the Host header, the page that asks, HEAD.

Hosts: a page elsewhere can point its own name at this machine (DNS rebinding), so only our names
are answered. Flask's TRUSTED_HOSTS cannot name an IPv6 address.

Pages: a page elsewhere can make a browser send requests, with the address of an image as well as
with an EventSource; and so can what a model writes into ours. `asking_page` tells them apart.

HEAD: Flask would run the view of a GET, and a stream's view would begin a run, or count as a reader
that leaves.
"""

from collections.abc import Callable, Collection

from flask import Flask, Request
from werkzeug.exceptions import MethodNotAllowed

from chatapp.errors import InvalidRequest
from chatapp.web import header, this_app, this_request
from chatapp.web.asking_page import refuse_foreign, refuse_unlike_stream
from chatapp.web.endpoint import Endpoint, endpoint_of

SAFE = ("GET", "HEAD", "OPTIONS")


def install(app: Flask, trusted_hosts: Collection[str] | None, allowed: Callable[[], bool] = lambda: False) -> None:
    """`trusted_hosts` as in the Host header, without the port; `.example.com` stands for all names
    below it; None: they are checked before. `allowed`: whether the request comes from another
    site's page that may send it."""

    def guard() -> None:
        if trusted_hosts is not None:
            _refuse_other_hosts(trusted_hosts)
        sent = this_request()
        endpoint = endpoint_of(this_app().view_functions.get(sent.endpoint or ""))
        if not allowed():
            _refuse_other_pages(sent, endpoint)
        _refuse_head(sent, endpoint)

    app.before_request(guard)


def _refuse_other_hosts(trusted: Collection[str]) -> None:
    host = without_port(header("Host") or "")
    if not any(host == name or (name.startswith(".") and host.endswith(name)) for name in trusted):
        raise InvalidRequest(f"Host: {host!r} is not a name of this server; the setting trusted_hosts lists them")


def without_port(host: str) -> str:
    name, found, port = host.lower().rpartition(":")
    return name if found and port.isdecimal() else host.lower()


def _refuse_other_pages(sent: Request, endpoint: Endpoint | None) -> None:
    acts = endpoint is not None and endpoint.acts(sent.args)
    if sent.method not in SAFE or acts:
        refuse_foreign(sent.headers)
    if sent.method in SAFE and acts:
        refuse_unlike_stream(sent.headers)


def _refuse_head(sent: Request, endpoint: Endpoint | None) -> None:
    if sent.method == "HEAD" and endpoint is not None and endpoint.streams and sent.url_rule is not None:
        raise MethodNotAllowed(sorted((sent.url_rule.methods or set()) - {"HEAD"}))
