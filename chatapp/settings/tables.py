"""The named tables of `chatapp.toml`: providers, MCP servers and agents."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

ProviderType: TypeAlias = Literal[
    "openai", "openai-responses", "anthropic", "gemini", "ollama", "local", "mock", "replay"
]
ProtocolName: TypeAlias = Literal["openai", "openai-responses", "anthropic", "gemini", "ollama"]
ThinkingStyle: TypeAlias = Literal[
    "none",
    "openai",
    "responses",
    "anthropic",
    "gemini",
    "ollama",
    "deepseek",
    "moonshot",
    "glm",
    "qwen",
    "bella",
    "mistral",
    "groq",
    "xai",
    "cerebras",
    "openrouter",
    "vllm",
    "llamacpp",
]
ThinkTags: TypeAlias = Literal["leading", "implied", "none"]


class ProviderConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[providers.NAME]` table."""

    type: ProviderType
    base_url: str | None = None
    api_key_env: str | None = None
    models: tuple[str, ...] = ()
    only_listed: bool = False
    thinking: ThinkingStyle | None = None
    think_tags: ThinkTags = "leading"
    hosted_tools: tuple[str, ...] | None = None
    path: Path | None = None
    protocol: ProtocolName | None = None
    interval_s: Annotated[float, Meta(ge=0, le=60)] | None = None
    fallback: tuple[str, ...] = ()
    fallback_midway: bool = False


class MCPServerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[mcp_servers.NAME]` table: a command to run, or the URL of a running server."""

    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    env_names: tuple[str, ...] = ()
    url: str = ""
    api_key_env: str | None = None

    def __post_init__(self) -> None:
        if bool(self.command) == bool(self.url):
            raise ValueError("expected either command or url")


class AgentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[agents.NAME]` table. `factory` names the agent as `module:callable`."""

    factory: Annotated[str, Meta(pattern=r"^[\w.]+:\w+$")]
