"""For the operator: the figures, for Prometheus and as a page. Admins only."""

from flask import Blueprint, Response, current_app

from chatapp.metrics.exposition import CONTENT_TYPE, Exposition
from chatapp.web import EXPOSITION
from chatapp.web.endpoint import TEXT, endpoint

blueprint = Blueprint("operator", __name__)


@endpoint(blueprint.get("/metrics"), answers={200: (TEXT,)}, errors=())
def metrics() -> Response:
    """The figures of all workers, in Prometheus's text format."""
    return Response(_exposition().read().text, content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _exposition() -> Exposition:
    found: Exposition = current_app.extensions[EXPOSITION]
    return found
