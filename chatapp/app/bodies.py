"""body_places(): the room that the settings give to request bodies on their way."""

import math

from chatapp.errors import ConfigError
from chatapp.quotas.places import OwnerPlaces
from chatapp.settings import Settings
from chatapp.web.multipart import FORM_BYTES


def body_places(settings: Settings) -> OwnerPlaces:
    """Raises ConfigError if an owner whom nobody disturbs could not send the largest body."""
    largest = max(settings.max_body_bytes, settings.max_import_bytes, settings.max_file_bytes + FORM_BYTES)
    least = math.ceil(largest / settings.max_owner_share)
    if settings.max_bodies_bytes < least:
        raise ConfigError(
            f"max_bodies_bytes: expected at least {least}, so that the largest body fits into one owner's share"
        )
    return OwnerPlaces(
        settings.max_bodies_bytes, settings.max_owner_share, "bytes of request bodies", "max_bodies_bytes"
    )
