"""The providers that can answer, and their models."""

import msgspec
from flask import Blueprint, Response, jsonify

from chatapp.hub import with_pauses
from chatapp.web import current_service
from chatapp.web.endpoint import JSON, endpoint

blueprint = Blueprint("models", __name__)

SLICE = 100  # models, whose names are looked at in one go: a millisecond; a gateway lists hundreds


@endpoint(
    blueprint.get("/api/v1/providers"), answers={200: (JSON,)}, summary="The providers that can answer, with models."
)
def list_providers() -> Response:
    """A provider that lists no models is missing, or cannot be reached now. `facts` of a model are
    what is known of it; what is not known is left out."""
    catalog = current_service().providers
    listings = catalog.listings()
    providers = [
        {
            "name": name,
            "models": list(models),
            "facts": {model: catalog.facts(name, model) for model in with_pauses(models, SLICE)},
        }
        for name, models in listings.items()
    ]
    models = listings[catalog.default]
    default = {"provider": catalog.default, "model": models[0] if models else None}
    return jsonify(default=default, providers=msgspec.to_builtins(providers))
