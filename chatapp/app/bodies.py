"""body_places(): the room that the settings give to request bodies on their way."""

import math

from chatapp.errors import ConfigError
from chatapp.quotas.places import OwnerPlaces
from chatapp.settings import Settings
from chatapp.web.multipart import FORM_BYTES

LEAST_SHARE = 0.5
"""Of an owner: a smaller share of places, for many owners, would not let anybody's photo pass."""


def body_places(settings: Settings) -> OwnerPlaces:
    """Raises ConfigError if an owner whom nobody disturbs could not send the largest body."""
    largest = max(settings.max_body_bytes, settings.max_import_bytes, settings.max_file_bytes + FORM_BYTES)
    share = max(settings.max_owner_share, LEAST_SHARE)
    least = math.ceil(largest / share)
    if settings.max_bodies_bytes < least:
        raise ConfigError(
            f"max_bodies_bytes: expected at least {least}, so that the largest body fits into one owner's share"
        )
    return OwnerPlaces(settings.max_bodies_bytes, share, "bytes of request bodies", "max_bodies_bytes")
