"""From `[mcp_servers.NAME]` tables to MCP servers."""

from collections.abc import Mapping

from chatapp.errors import ConfigError
from chatapp.secret import shown_variable
from chatapp.settings import Settings
from chatapp.settings.tables import MCPServerConfig
from chatapp.tools.mcp.client import MCPHelper, MCPServer


def mcp_servers(settings: Settings, environ: Mapping[str, str]) -> dict[str, MCPServer]:
    """The configured servers by name, none of them started. Raises ConfigError."""
    servers = {name: server_config(name, config, environ) for name, config in settings.mcp_servers.items()}
    helper = MCPHelper(servers, settings.mcp_start_timeout_s, settings.data / "mcp.log")
    return {name: MCPServer(name, helper) for name in servers}


def server_config(name: str, config: MCPServerConfig, environ: Mapping[str, str]) -> dict[str, object]:
    """One server as the helper process takes it.

    A server gets only the variables that its table names: the environment holds API keys.
    """
    wanted = [*config.env_names, *([config.api_key_env] if config.api_key_env else [])]
    for variable in wanted:
        if variable not in environ:
            raise ConfigError(f"mcp_servers.{name}: the environment variable {shown_variable(variable)} is not set")
    if config.url:
        key = config.api_key_env and environ[config.api_key_env]
        return {"url": config.url, "headers": {"Authorization": f"Bearer {key}"} if key else {}}
    env = {**{variable: environ[variable] for variable in config.env_names}, **config.env}
    return {"command": config.command, "args": list(config.args), "env": env}
