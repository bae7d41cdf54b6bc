"""For the operator: the figures of all workers, for Prometheus and as a page. Admins only."""

from flask import Blueprint, Response, current_app, make_response, render_template

from chatapp.metrics.exposition import CONTENT_TYPE, Exposition
from chatapp.metrics.status import status_of
from chatapp.web import EXPOSITION
from chatapp.web.bodies import number
from chatapp.web.endpoint import HTML, TEXT, Parameter, endpoint

blueprint = Blueprint("operator", __name__)

MAX_REFRESH_S = 3600


@endpoint(blueprint.get("/metrics"), answers={200: (TEXT,)}, errors=(401, 403), admin=True)
def metrics() -> Response:
    """The figures, in Prometheus's text format."""
    return Response(_exposition().read().text, content_type=CONTENT_TYPE)


@endpoint(
    blueprint.get("/status"),
    answers={200: (HTML,)},
    errors=(401, 403, 422),
    admin=True,
    parameters=(
        Parameter(
            "refresh",
            {"type": "integer", "minimum": 0, "maximum": MAX_REFRESH_S},
            "Seconds after which the page loads itself again; 10. 0: never.",
        ),
    ),
)
def status() -> Response:
    """The figures that matter on a bad day, as a page that needs no script."""
    refresh = int(number("refresh", 10, 0, MAX_REFRESH_S))
    page = render_template("status.html", status=status_of(_exposition().read().families), refresh=refresh)
    return make_response(page)


def _exposition() -> Exposition:
    found: Exposition = current_app.extensions[EXPOSITION]
    return found
