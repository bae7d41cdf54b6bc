"""Every setting: one table of name, type, default and help. From `chatapp.toml` and `CHATAPP_<NAME>` variables.

A variable wins over the file. An unknown key or a bad value raises ConfigError naming it: a typo must stop the
start, not be ignored. Keys never stand here: a provider's `api_key_env` names the variable that holds one.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, get_type_hints

import msgspec

from chatapp.errors import ConfigError
from chatapp.secret import Secret

PREFIX = "CHATAPP_"
TABLES = ("providers", "mcp_servers", "agents")

T = TypeVar("T")
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Bytes = Annotated[int, msgspec.Meta(ge=1024)]
Count = Annotated[int, msgspec.Meta(ge=1)]


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


class ProviderConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[providers.NAME]` table."""

    type: ProviderType
    base_url: str | None = None
    api_key_env: str | None = None
    models: tuple[str, ...] = ()
    thinking: ThinkingStyle | None = None
    path: Path | None = None
    protocol: ProtocolName | None = None
    interval_s: Annotated[float, msgspec.Meta(ge=0, le=60)] | None = None
    fallback: tuple[str, ...] = ()
    fallback_midway: bool = False


class MCPServerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[mcp_servers.NAME]` table: a command to run, or the URL of a server that runs already."""

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
    """One `[agents.NAME]` table. `factory` names the agent: called for each run, it gives the run's events."""

    factory: Annotated[str, msgspec.Meta(pattern=r"^[\w.]+:\w+$")]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    data: Path = Path("var")
    database_url: str = ""
    log_url: str = "sqlite:"
    log_retention_s: Seconds = 3600.0
    answer_retention_s: Seconds = 30 * 24 * 3600.0
    log_flush_ms: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    log_synchronous: Literal["NORMAL", "FULL"] = "NORMAL"
    auth: Literal["none"] = "none"
    trusted_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    secret_key: Secret = Secret("")
    default_provider: str = ""
    heartbeat_s: Seconds = 15.0
    come_back_s: Seconds = 5.0
    send_timeout_s: Seconds = 30.0
    send_buffer_bytes: Bytes = 65_536
    drain_s: Annotated[float, msgspec.Meta(ge=0)] = 20.0
    max_body_bytes: Bytes = 8_388_608
    max_live_runs: Count = 2000
    max_reply_bytes: Bytes = 16_777_216
    max_event_bytes: Bytes = 4_194_304
    max_line_bytes: Bytes = 1_048_576
    upstream_connect_timeout_s: Seconds = 5.0
    upstream_silence_timeout_s: Seconds = 60.0
    upstream_total_timeout_s: Seconds = 900.0
    upstream_retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 2
    upstream_retry_wait_s: Seconds = 10.0
    circuit_failures: Count = 5
    circuit_open_s: Seconds = 30.0
    pace_s: Annotated[float, msgspec.Meta(ge=0, le=10)] = 2.0
    max_tool_calls: Count = 8
    max_tool_result_bytes: Bytes = 65_536
    tool_timeout_s: Seconds = 30.0
    approval_timeout_s: Seconds = 300.0
    default_tools: tuple[str, ...] = ()
    ask_tools: tuple[str, ...] = ()
    tool_modules: tuple[str, ...] = ()
    mcp_start_timeout_s: Seconds = 20.0
    default_agent: str = "planner"
    local_start_timeout_s: Seconds = 60.0
    local_threads: Annotated[int, msgspec.Meta(ge=0)] = 0
    local_model: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    providers: dict[str, ProviderConfig] = {}
    mcp_servers: dict[str, MCPServerConfig] = {}
    agents: dict[str, AgentConfig] = {}


HELP: dict[str, str] = {
    "data": "Folder of the SQLite files, the cookie's key and whatever else is kept.",
    "database_url": "SQLAlchemy URL of the conversations; empty: SQLite in the data folder.",
    "log_url": "Where the event log lives: `sqlite:` in the data folder, or `memory:` (one process, gone with it).",
    "log_retention_s": "How long the log of an ended run is kept beside its message: time to resume byte for byte.",
    "answer_retention_s": "How long an answer is kept that belongs to no conversation; those that do are kept until deleted.",
    "log_flush_ms": "How often events are committed, all runs together. Longer costs delay and saves little.",
    "log_synchronous": "SQLite's `synchronous`. NORMAL survives kill -9; FULL also a power failure, at an fsync a commit.",
    "auth": "`none`: whoever reaches the server may use it; the start is refused on an address that is not loopback.",
    "trusted_hosts": "Values of the Host header that are answered; others get 400. Stops DNS rebinding from a web page.",
    "secret_key": "Signs the browser's cookie. Empty: made at first start and kept in the data folder.",
    "default_provider": "Used where a request names none. Empty: the first configured one, else `local`, else `mock`.",
    "heartbeat_s": "Silence after which a heartbeat is sent, so that no proxy on the way takes the stream for dead.",
    "come_back_s": "How long an EventSource that began a run may be away before the run is stopped.",
    "send_timeout_s": "How long a reader may take nothing before it is dropped. It can resume.",
    "send_buffer_bytes": "The kernel's send buffer per stream: bounds the memory that a stalled reader holds.",
    "drain_s": "On SIGTERM: how long runs may go on before they are ended as `interrupted`.",
    "max_body_bytes": "Largest request body. A long conversation or a photo fits; an upload by mistake does not.",
    "max_live_runs": "Runs generated at one time in one process; one more is answered 503.",
    "max_reply_bytes": "Largest body taken from a provider for one reply: bounds memory against a run-away stream.",
    "max_event_bytes": "Largest single event taken from a provider.",
    "max_line_bytes": "Longest line taken from a provider.",
    "upstream_connect_timeout_s": "For the connection to a provider, TLS included.",
    "upstream_silence_timeout_s": "Longest silence of a provider, before its first byte and between two.",
    "upstream_total_timeout_s": "Longest reply as a whole.",
    "upstream_retries": "How often a request that failed before its first event is sent again to the same provider.",
    "upstream_retry_wait_s": "Longest pause before that. A provider that asks for more (`retry-after`) is not asked again.",
    "circuit_failures": "So many failures in a row, and the provider is left alone: further requests fail, or fall back, at once.",
    "circuit_open_s": "For so long; then one request at a time finds out whether it is back.",
    "pace_s": "An answer that came in one piece is streamed on over at most so long; 0: at once.",
    "max_tool_calls": "Calls of the server's tools in one run; one more ends it with `tool_limit`.",
    "max_tool_result_bytes": "Largest result of one call, as JSON; a larger one is an error that the model is told.",
    "tool_timeout_s": "How long one call may take; then it is an error that the model is told.",
    "approval_timeout_s": "How long a call waits for its owner's approval; then it is denied.",
    "default_tools": "Patterns (`*`, `time__*`) of the tools that are offered to the model where a request names none.",
    "ask_tools": "Patterns of the tools whose calls need their owner's approval.",
    "tool_modules": "Python modules whose `@tool` functions are tools too; see docs/guides/add-a-tool.md.",
    "mcp_start_timeout_s": "How long an MCP server may take to start and to list its tools.",
    "default_agent": "The agent that answers `/chat` where the request names none; empty: the model itself.",
    "local_start_timeout_s": "How long the local model may take to load.",
    "local_threads": "Threads of the local model; 0: one less than the machine has, at least one.",
    "local_model": "Path of a GGUF file to serve instead of the one that comes with the extra `local`.",
    "log_level": "Of the server's own log lines.",
    "providers": "Tables `[providers.NAME]`; see docs/configuration.md.",
    "mcp_servers": "Tables `[mcp_servers.NAME]`; see docs/configuration.md.",
    "agents": "Tables `[agents.NAME]`; see docs/guides/write-an-agent.md.",
}


def load(environ: Mapping[str, str]) -> Settings:
    """Read the file named by CHATAPP_CONFIG (else `chatapp.toml` here, where there is one) and the variables."""
    settings = _from_file(environ.get("CHATAPP_CONFIG", ""))
    changes = {}
    types = get_type_hints(Settings, include_extras=True)
    for variable, text in sorted(environ.items()):
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name == "config":
            continue
        if name not in types or name in TABLES:
            raise ConfigError(f"{variable}: there is no such setting")
        changes[name] = _from_text(variable, text, types[name])
    return msgspec.structs.replace(settings, **changes)


def _from_file(named: str) -> Settings:
    path = Path(named or "chatapp.toml")
    if not named and not path.exists():
        return Settings()
    try:
        return _from_tables(str(path), tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None


def _from_tables(source: str, tables: dict[str, Any]) -> Settings:
    """Each table for itself: msgspec's errors do not say which key of a dict they mean."""
    for key, type_ in zip(TABLES, (ProviderConfig, MCPServerConfig, AgentConfig), strict=True):
        named = tables.get(key, {})
        for name, table in named.items() if isinstance(named, dict) else ():
            _convert(f"{source}: {key}.{name}", table, type_, strict=True)  # type: ignore[arg-type]
    return _convert(source, tables, Settings, strict=True)


def _from_text(variable: str, text: str, type_: Any) -> Any:
    value = [part.strip() for part in text.split(",") if part.strip()] if type_ == tuple[str, ...] else text
    return _convert(variable, value, type_, strict=False)


def _convert(source: str, value: object, type_: type[T], strict: bool) -> T:
    try:
        return msgspec.convert(value, type_, strict=strict, dec_hook=_decode_text)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{source}: {str(error).replace('$.', '')}") from None


def _decode_text(type_: type, value: object) -> object:
    if type_ in (Path, Secret) and isinstance(value, str):
        return type_(value)
    raise TypeError(f"Expected `str`, got `{type(value).__name__}`")
