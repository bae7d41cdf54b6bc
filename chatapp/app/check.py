"""check_settings(): what a start would refuse of the settings alone, without opening a store."""

from chatapp.access.factory import check_access
from chatapp.app.bodies import body_places
from chatapp.quotas.requests import rates_of
from chatapp.settings import Settings
from chatapp.web.cors import check_origins


def check_settings(settings: Settings) -> None:
    """Raises ConfigError, as the start does, for values of the right type that are wrong."""
    rates_of(settings.request_rate)
    check_origins(settings.cors_origins)
    check_access(settings)
    body_places(settings)
