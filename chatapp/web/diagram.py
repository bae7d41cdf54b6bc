"""The frame that draws a diagram of an answer. It is a document of no origin, with a policy of its
own: it may run the library and its own script, and reaches neither the page nor any server."""

from flask import Blueprint, Response, make_response, render_template

from chatapp.web import current_service
from chatapp.web.addresses import here
from chatapp.web.endpoint import open_to_all
from chatapp.web.security_headers import FRAME_PATH, own_host

blueprint = Blueprint("diagram", __name__)

# The library writes its styles into the picture.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src {scripts}",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors {ancestors}",
        "sandbox allow-scripts",
    )
)


@blueprint.get(FRAME_PATH)
@open_to_all
def frame() -> Response:
    """Of no use by itself: it waits for a diagram from the page around it."""
    response = make_response(render_template("diagram.html"))
    response.headers["Content-Security-Policy"] = POLICY.format(scripts=_scripts(), ancestors=_ancestors())
    response.headers["X-Frame-Options"] = "SAMEORIGIN"  # browsers that know frame-ancestors go by that
    return response


def _ancestors() -> str:
    """Our own page, which others may have framed."""
    return " ".join(["'self'", *(source for source in current_service().settings.frame_ancestors if source != "self")])


def _scripts() -> str:
    """By their address: `'self'` may be nothing in a document of no origin."""
    host = own_host()
    return host + here("/static/") if host else "'self'"
