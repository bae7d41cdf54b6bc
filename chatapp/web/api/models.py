"""The providers that can answer, and their models."""

from flask import Blueprint, Response, jsonify

from chatapp.web import current_service
from chatapp.web.endpoint import JSON, endpoint

blueprint = Blueprint("models", __name__)


@endpoint(
    blueprint.get("/api/v1/providers"), answers={200: (JSON,)}, summary="The providers that can answer, with models."
)
def list_providers() -> Response:
    """A provider that lists no models is missing, or cannot be reached now."""
    catalog = current_service().providers
    listings = catalog.listings()
    providers = [{"name": name, "models": list(models)} for name, models in listings.items()]
    models = listings[catalog.default]
    return jsonify(default={"provider": catalog.default, "model": models[0] if models else None}, providers=providers)
