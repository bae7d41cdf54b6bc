"""Every setting: one table of names, types, help and defaults.

They come from `chatapp.toml` and from `CHATAPP_<NAME>` variables; a variable overrides the file. An
unknown key or a bad value raises ConfigError, which names it: a typo must stop the start, not be
ignored. API keys are never settings: a provider's `api_key_env` names the environment variable that
holds its key.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, get_type_hints

import msgspec
from msgspec import Meta

from chatapp.errors import ConfigError, field_of
from chatapp.secret import Secret

PREFIX = "CHATAPP_"
TABLES = ("providers", "mcp_servers", "agents")

T = TypeVar("T")
Seconds = Annotated[float, Meta(gt=0)]
Bytes = Annotated[int, Meta(ge=1024)]
Count = Annotated[int, Meta(ge=1)]
Names: TypeAlias = tuple[str, ...]


def about(help: str) -> Meta:
    """What a setting is for. Shown by `chatapp settings` and in docs/configuration.md."""
    return Meta(description=help)


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
Synchronous: TypeAlias = Literal["NORMAL", "FULL"]
LogLevel: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class ProviderConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[providers.NAME]` table."""

    type: ProviderType
    base_url: str | None = None
    api_key_env: str | None = None
    models: tuple[str, ...] = ()
    only_listed: bool = False
    thinking: ThinkingStyle | None = None
    think_tags: ThinkTags = "leading"
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


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The table. Durations are in seconds unless the name ends in `_ms`."""

    data: Annotated[
        Path, about("Folder for the SQLite files, the key that signs cookies and everything else that is kept.")
    ] = Path("var")
    database_url: Annotated[str, about("SQLAlchemy URL of the conversations. Empty: SQLite in the data folder.")] = ""

    log_url: Annotated[
        str, about("`sqlite:` keeps the event log in the data folder, `memory:` in one process while it lives.")
    ] = "sqlite:"
    log_retention_s: Annotated[
        Seconds, about("How long a finished run's log is kept, so that a client can still resume byte for byte.")
    ] = 3600.0
    answer_retention_s: Annotated[
        Seconds, about("How long an answer outside any conversation is kept; others are kept until deleted.")
    ] = 30 * 24 * 3600.0
    log_flush_ms: Annotated[
        int, Meta(ge=1, le=1000), about("Interval between commits of events. A longer one adds delay and saves little.")
    ] = 5
    log_synchronous: Annotated[
        Synchronous, about("SQLite: NORMAL survives kill -9; FULL a power failure too, at one fsync per commit.")
    ] = "NORMAL"

    auth: Annotated[
        Literal["none"], about("`none`: there is no login, so the server starts only on a loopback address.")
    ] = "none"
    trusted_hosts: Annotated[
        Names, about("Accepted Host headers; any other gets 400. Stops DNS rebinding by a web page.")
    ] = ("127.0.0.1", "localhost", "[::1]")
    secret_key: Annotated[
        Secret, about("Signs the browser's cookie. Empty: generated at first start and kept in the data folder.")
    ] = Secret("")
    default_provider: Annotated[
        str, about("The provider when a request names none. Empty: the first configured, else `local`, else `mock`.")
    ] = ""

    heartbeat_s: Annotated[
        Seconds, about("Silence after which a heartbeat is sent, so that no proxy takes the stream for dead.")
    ] = 15.0
    come_back_s: Annotated[
        Seconds, about("How long an EventSource that started a run may be disconnected before the run is stopped.")
    ] = 5.0
    send_timeout_s: Annotated[
        Seconds, about("How long a client may accept no data before it is disconnected. It can resume.")
    ] = 30.0
    send_buffer_bytes: Annotated[
        Bytes, about("The kernel's send buffer per stream. Bounds the memory that a stalled client holds.")
    ] = 65_536
    drain_s: Annotated[
        float, Meta(ge=0), about("After SIGTERM: how long runs may continue before they end as `interrupted`.")
    ] = 20.0
    max_body_bytes: Annotated[
        Bytes, about("Largest request body. A long conversation or a photo fits, an accidental upload does not.")
    ] = 8_388_608
    max_live_runs: Annotated[
        Count, about("How many runs one process generates at a time; beyond that a request gets 503.")
    ] = 2000

    max_reply_bytes: Annotated[
        Bytes, about("Largest body accepted from a provider for one reply; bounds the memory of a runaway stream.")
    ] = 33_554_432
    max_event_bytes: Annotated[
        Bytes, about("Largest single event accepted from a provider. A picture of `max_file_bytes` fits, in base64.")
    ] = 16_777_216
    max_line_bytes: Annotated[Bytes, about("Longest line accepted from a provider: a picture comes in one.")] = (
        16_777_216
    )
    max_file_bytes: Annotated[
        Bytes, about("Largest file that is kept with an answer; it is held in memory, the log and the database.")
    ] = 8_388_608
    max_files: Annotated[Count, about("How many files of one answer are kept: more than models make at once.")] = 16
    max_sources: Annotated[
        Count,
        about("How many sources of one answer are kept: more than anybody reads, not what a runaway search finds."),
    ] = 200
    upstream_connect_timeout_s: Annotated[
        Seconds, about("Time limit for connecting to a provider, including the TLS handshake.")
    ] = 5.0
    upstream_silence_timeout_s: Annotated[
        Seconds, about("How long a provider may send nothing, before its first byte and between two bytes.")
    ] = 60.0
    upstream_total_timeout_s: Annotated[Seconds, about("Time limit for a whole reply.")] = 900.0
    upstream_retries: Annotated[
        int, Meta(ge=0, le=10), about("How often a provider is asked again after a failure before the first event.")
    ] = 2
    upstream_retry_wait_s: Annotated[
        Seconds, about("Longest wait before a retry. If the provider asks for longer (`retry-after`), there is none.")
    ] = 10.0
    circuit_failures: Annotated[
        Count, about("After this many failures in a row a model of a provider is asked only after the fallbacks.")
    ] = 5
    circuit_open_s: Annotated[
        Seconds, about("How long this lasts. Then one request at a time tests whether the model works again.")
    ] = 30.0
    pace_s: Annotated[
        float, Meta(ge=0, le=10), about("How long at most our own dialects spread text that arrived at once. 0: never.")
    ] = 2.0

    max_tool_calls: Annotated[
        Count, about("How many calls of the server's tools a run may make; one more ends it with `tool_limit`.")
    ] = 8
    max_tool_result_bytes: Annotated[
        Bytes, about("Largest result of a call, as JSON. A larger one is reported to the model as an error.")
    ] = 65_536
    tool_timeout_s: Annotated[
        Seconds, about("Time limit for a call. A timeout is reported to the model as an error.")
    ] = 30.0
    approval_timeout_s: Annotated[
        Seconds, about("How long a call waits for its owner's approval before it is denied.")
    ] = 300.0
    default_tools: Annotated[
        Names, about("Patterns (`*`, `time__*`) of the tools that the model is offered when a request names none.")
    ] = ()
    ask_tools: Annotated[Names, about("Patterns of the tools whose calls need their owner's approval.")] = ()
    tool_modules: Annotated[
        Names, about("Python modules whose `@tool` functions are offered too; see docs/guides/add-a-tool.md.")
    ] = ()
    mcp_start_timeout_s: Annotated[
        Seconds, about("How long an MCP server may take to start and to list its tools.")
    ] = 20.0
    default_agent: Annotated[
        str, about("The agent that answers `/chat` when the request names none. Empty: the model answers directly.")
    ] = "planner"

    local_start_timeout_s: Annotated[Seconds, about("How long the local model may take to load.")] = 60.0
    local_threads: Annotated[
        int, Meta(ge=0), about("Threads for the local model. 0: one fewer than the machine has, but at least one.")
    ] = 0
    local_model: Annotated[
        str, about("Path of a GGUF file to serve instead of the one that comes with the extra `local`.")
    ] = ""

    log_level: Annotated[LogLevel, about("Level of the server's own log lines.")] = "INFO"

    providers: Annotated[dict[str, ProviderConfig], about("Tables `[providers.NAME]`; see docs/configuration.md.")] = {}
    mcp_servers: Annotated[
        dict[str, MCPServerConfig], about("Tables `[mcp_servers.NAME]`; see docs/configuration.md.")
    ] = {}
    agents: Annotated[dict[str, AgentConfig], about("Tables `[agents.NAME]`; see docs/guides/write-an-agent.md.")] = {}


HELP: dict[str, str] = {
    name: hint.__metadata__[-1].description for name, hint in get_type_hints(Settings, include_extras=True).items()
}
"""What each setting is for, by its name."""


def load(environ: Mapping[str, str]) -> Settings:
    """Read the file that CHATAPP_CONFIG names (else `chatapp.toml`, if it exists), then variables.

    Raises ConfigError.
    """
    settings = _from_file(environ.get("CHATAPP_CONFIG", ""))
    changes = {}
    types = get_type_hints(Settings, include_extras=True)
    for variable, text in sorted(environ.items()):
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name == "config":
            continue
        if name not in types:
            raise ConfigError(f"{variable}: unknown setting; `chatapp settings` lists them all")
        if name in TABLES:
            raise ConfigError(f"{variable}: not available as a variable; use [{name}.NAME] tables in chatapp.toml")
        changes[name] = _from_text(variable, text, types[name])
    return msgspec.structs.replace(settings, **changes)


def _from_file(named: str) -> Settings:
    path = Path(named or "chatapp.toml")
    if not named and not path.exists():
        return Settings()
    try:
        return _from_tables(str(path), tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read it: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None


def _from_tables(source: str, tables: dict[str, Any]) -> Settings:
    """Convert each named table first: msgspec's errors do not say which key of a dict they mean."""
    for key, type_ in zip(TABLES, (ProviderConfig, MCPServerConfig, AgentConfig), strict=True):
        named = tables.get(key, {})
        for name, table in named.items() if isinstance(named, dict) else ():
            _convert(f"{source}: {key}.{name}", table, type_, strict=True)  # type: ignore[arg-type]
    return _convert(source, tables, Settings, strict=True)


def _from_text(variable: str, text: str, type_: Any) -> Any:
    """A list is written with commas."""
    is_list = type_.__origin__ == Names
    value = [part.strip() for part in text.split(",") if part.strip()] if is_list else text
    return _convert(variable, value, type_, strict=False)


def _convert(source: str, value: object, type_: type[T], strict: bool) -> T:
    try:
        return msgspec.convert(value, type_, strict=strict, dec_hook=_decode_text)
    except msgspec.ValidationError as error:
        field, wrong = field_of(error)
        raise ConfigError(f"{source}: {field}: {wrong}" if field else f"{source}: {wrong}") from None


def _decode_text(type_: type, value: object) -> object:
    if type_ in (Path, Secret) and isinstance(value, str):
        return type_(value)
    raise TypeError(f"Expected `str`, got `{type(value).__name__}`")
