"""What browsers are told of every response: what a page may load, and not to frame, to keep, to
guess at or to lend out what they get.
"""

import re

from flask import Flask, Response, request

HSTS = "max-age=31536000"  # a year; subdomains are not ours to speak for

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
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
IMAGE_PATHS = ("/api/v1/messages/", "/shared/", "/static/")
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
        "frame-ancestors 'none'",
        # Markup and the addresses of workers come from these policies alone: a place that forgets
        # the sanitizer throws. `dompurify` is the sanitizer's, `chatapp` is in dom/trusted.js.
        "require-trusted-types-for 'script'",
        "trusted-types dompurify chatapp",
    )
)


def install(app: Flask) -> None:
    app.after_request(_protect)


def _protect(response: Response) -> Response:
    is_page = response.mimetype == "text/html"
    for name, value in (ALWAYS | PAGES if is_page else ALWAYS).items():
        response.headers.setdefault(name, value)
    if is_page:
        policy = CONTENT_SECURITY_POLICY.format(images=_image_sources(), frames=_frame_source())
        response.headers.setdefault("Content-Security-Policy", policy)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = HSTS
    return response


def own_host() -> str:
    """This server in a policy, to be followed by a path; empty if a policy has no words for it, as
    for an IPv6 address."""
    host = request.headers.get("Host", "")
    return host if _plain_host(host) else ""


def _image_sources() -> str:
    """The files of answers and the page's own, by their paths: an image that a model writes
    must not be able to ask for anything else of ours."""
    host = own_host()
    return " ".join(host + path for path in IMAGE_PATHS) if host else "'self'"


def _frame_source() -> str:
    host = own_host()
    return host + FRAME_PATH if host else "'self'"
