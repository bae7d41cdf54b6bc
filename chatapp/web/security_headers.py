"""What browsers are told of every response: what a page may load, and not to frame, to keep, to
guess at or to lend out what they get.
"""

import re
from collections.abc import Collection, Iterator
from functools import partial

from flask import Flask, Response, request

from chatapp.errors import ConfigError
from chatapp.web import this_request
from chatapp.web.addresses import here

HSTS = "max-age=31536000"  # a year; subdomains are not ours to speak for

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # Of requests without CORS: another site's page cannot load it as an image or a script.
    "Cross-Origin-Resource-Policy": "same-origin",
    # What is somebody's own must not be found in a cache. Streams and files say something else.
    "Cache-Control": "no-store",
}
PAGES = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}

FRAME_PATH = "/diagram"
IMAGE_PATHS = ("/api/v1/messages/", "/api/v1/files/", "/shared/", "/static/")
_ancestor = re.compile(r"self|https?://(?:\*\.)?[A-Za-z0-9.-]+(?::(?:\d{1,5}|\*))?").fullmatch
_plain_host = re.compile(r"[A-Za-z0-9.-]+(?::\d{1,5})?").fullmatch

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
        "frame-src {frames}",
        "frame-ancestors {ancestors}",
        # Markup and the addresses of workers come from these policies alone: a place that forgets
        # the sanitizer throws. `dompurify` is the sanitizer's, `chatapp` is in dom/trusted.js.
        "require-trusted-types-for 'script'",
        "trusted-types dompurify chatapp",
    )
)


def install(app: Flask, frame_ancestors: Collection[str] = ()) -> None:
    """`frame_ancestors`: whose pages may frame ours, as in CSP; empty: nobody's. Raises
    ConfigError."""
    for source in frame_ancestors:
        if not _ancestor(source):
            raise ConfigError(
                f"frame_ancestors: {source!r} is no origin; expected self, or such as https://host.example"
            )
    ancestors = " ".join("'self'" if source == "self" else source for source in frame_ancestors) or "'none'"
    app.after_request(partial(_protect, ancestors))


def _protect(ancestors: str, response: Response) -> Response:
    is_page = response.mimetype == "text/html"
    there = {name.lower() for name, _ in response.headers}  # `setdefault` raises and catches for each that is not
    for name, value in _headers(ancestors, is_page):
        if name.lower() not in there:
            response.headers.add(name, value)
    sent = this_request()
    if sent.is_secure and not sent.script_root:  # else there are others on this host
        response.headers["Strict-Transport-Security"] = HSTS
    return response


def _headers(ancestors: str, is_page: bool) -> Iterator[tuple[str, str]]:
    yield from ALWAYS.items()
    if is_page:
        yield from PAGES.items()
        policy = CONTENT_SECURITY_POLICY.format(images=_image_sources(), frames=_frame_source(), ancestors=ancestors)
        yield "Content-Security-Policy", policy
    if ancestors == "'none'":
        yield "X-Frame-Options", "DENY"


def own_host() -> str:
    """This server in a policy, to be followed by a path; empty if a policy has no words for it, as
    for an IPv6 address."""
    host = request.headers.get("Host", "")
    return host if _plain_host(host) else ""


def _image_sources() -> str:
    """The files of answers and the page's own, by their paths: an image that a model writes
    must not be able to ask for anything else of ours."""
    host = own_host()
    return " ".join(host + here(path) for path in IMAGE_PATHS) if host else "'self'"


def _frame_source() -> str:
    host = own_host()
    return host + here(FRAME_PATH) if host else "'self'"
