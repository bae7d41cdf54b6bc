from pathlib import Path

import pytest

from chatapp.ops.masking import masked_text, shown_settings
from chatapp.secret import Secret
from chatapp.settings import Settings
from chatapp.settings.tables import MCPServerConfig, ProviderConfig


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:s3cret@host/db", "postgresql://me:…@host/db"),
        ("redis://:s3cret@host:6379/0", "redis://:…@host:6379/0"),
        ("postgresql://me:s3:cr@et@host/db", "postgresql://me:…@host/db"),
        ("https://host/v1?api-version=1&api_key=s3cret&x=1", "https://host/v1?api-version=1&api_key=…&x=1"),
        ("--token=s3cret", "--token=…"),
        ("https://host:8443/v1", "https://host:8443/v1"),
        ("CHATAPP_SECRET_KEY", "CHATAPP_SECRET_KEY"),
    ],
)
def test_passwords_and_keys_in_texts_are_hidden(text: str, shown: str) -> None:
    assert masked_text(text) == shown


def test_no_secret_of_the_settings_is_shown_wherever_it_stands() -> None:
    settings = Settings(
        data=Path("/data"),
        secret_key=Secret("s3cret"),
        database_url="postgresql://me:s3cret@host/db",
        providers={
            "mine": ProviderConfig(type="openai", base_url="https://me:s3cret@host/v1?key=s3cret", api_key_env="A_KEY")
        },
        mcp_servers={
            "near": MCPServerConfig(command="x", args=("--api-key", "s3cret", "--token=s3cret"), env={"T": "s3cret"})
        },
    )
    shown = shown_settings(settings)
    assert "s3cret" not in str(shown)
    assert shown["data"] == "/data" and shown["providers"]["mine"]["api_key_env"] == "A_KEY"
    assert shown["mcp_servers"]["near"]["env"] == {"T": "…"}
    assert shown_settings(Settings())["secret_key"] == ""
