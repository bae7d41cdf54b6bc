"""Pages of other origins that may call the API, exactly those that the setting names.

Their requests pass the guard against other sites, with a session's cookie too: browsers send it to
a site's own subdomains, and from elsewhere a key or a ticket stands in for it.
"""

import re
from collections.abc import Callable, Collection

from flask import Flask, request
from flask_cors import CORS

from chatapp.errors import ConfigError
from chatapp.web import header

PATHS = re.compile(r"/(?:api|v1)/|/chat(?:/stream)?$|/ask/stream$|/embed$|/healthz$|/static/")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EXPOSED = ("X-Run-Id", "X-Trace-Id", "request-id", "Retry-After", "RateLimit", "RateLimit-Policy")
PREFLIGHT_S = 600  # how long a browser remembers the answer

_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?")


def install(app: Flask, origins: Collection[str]) -> None:
    """Raises ConfigError."""
    check_origins(origins)
    if origins:
        CORS(
            app,
            resources={PATHS: {}},
            # As patterns: the extension takes a text with a bracket, as in [::1], for one.
            origins=[re.compile(rf"{re.escape(origin)}\Z") for origin in origins],
            supports_credentials=True,
            methods=METHODS,
            expose_headers=EXPOSED,
            max_age=PREFLIGHT_S,
            always_send=False,
            intercept_exceptions=False,  # ours are answers before it sees them
        )


def check_origins(origins: Collection[str]) -> None:
    """Raises ConfigError for one that no browser would send."""
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ConfigError(
                f"cors_origins: {origin!r} is not an origin; expected scheme, host and port as browsers send "
                "them, such as https://chat.example, without a path and without *"
            )


def allows(origins: Collection[str]) -> Callable[[], bool]:
    """Whether the current request comes from a page that may call its path."""
    listed = frozenset(origins)
    return lambda: header("Origin") in listed and PATHS.match(request.path) is not None
