"""An MCP server gets what its table says, and of the environment no more than it names."""

from pathlib import Path

import pytest

from chatapp.errors import ConfigError
from chatapp.settings import Settings
from chatapp.settings.tables import MCPServerConfig
from chatapp.tools.mcp.config import mcp_servers, server_config


def test_a_command_gets_the_variables_that_its_table_names() -> None:
    config = MCPServerConfig(command="x", args=("-v",), env={"A": "1"}, env_names=("B",))
    assert server_config("s", config, {"B": "2", "SECRET": "3"}) == {
        "command": "x",
        "args": ["-v"],
        "env": {"A": "1", "B": "2"},
    }


@pytest.mark.parametrize(("key_variable", "headers"), [("KEY", {"Authorization": "Bearer 7"}), (None, {})])
def test_a_url_gets_its_key_as_a_bearer_token(key_variable: str | None, headers: dict[str, str]) -> None:
    config = MCPServerConfig(url="https://mcp.example", api_key_env=key_variable)
    assert server_config("s", config, {"KEY": "7"}) == {"url": "https://mcp.example", "headers": headers}


@pytest.mark.parametrize(
    "config", [MCPServerConfig(command="x", env_names=("B",)), MCPServerConfig(url="https://x", api_key_env="B")]
)
def test_a_variable_that_is_not_set_stops_the_start(config: MCPServerConfig, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, mcp_servers={"s": config})
    with pytest.raises(ConfigError, match=r"mcp_servers\.s: the environment variable B is not set"):
        mcp_servers(settings, {})
    assert set(mcp_servers(settings, {"B": "2"})) == {"s"}
