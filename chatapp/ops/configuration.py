"""Builds the parts that the configuration names, as a start does, and lets go of them: it proves
that they can be built. Nothing is asked and no store is opened."""

from collections.abc import Mapping

from chatapp.agents.catalog import AgentCatalog
from chatapp.app.check import check_settings
from chatapp.ops.address import address, places, refuse_public, workers
from chatapp.providers.catalog import ProviderCatalog
from chatapp.settings import Settings
from chatapp.tools.catalog import offered_functions
from chatapp.tools.mcp.config import server_config


def check_parts(settings: Settings, environ: Mapping[str, str]) -> None:
    """Raises ConfigError, which names what is missing or wrong."""
    refuse_public([address(environ).host], settings.auth)
    places(environ, settings)
    workers(environ)
    check_settings(settings)
    ProviderCatalog(settings, environ).close()
    AgentCatalog(settings)
    for name, config in settings.mcp_servers.items():
        server_config(name, config, environ)
    offered_functions(settings.tool_modules)
