"""Every setting: one table of names, types, help and defaults.

An unknown key or a bad value raises ConfigError, which names it: a typo must stop the start, not be
ignored. API keys are never settings: a provider's `api_key_env` names the environment variable that
holds its key. `tables` has the named tables of the file, `loading` reads file and variables.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_type_hints

import msgspec
from msgspec import Meta

from chatapp.prices import Prices
from chatapp.secret import Secret
from chatapp.settings.tables import AgentConfig, MCPServerConfig, ProviderConfig

Seconds = Annotated[float, Meta(gt=0)]
Bytes = Annotated[int, Meta(ge=1024)]
Count = Annotated[int, Meta(ge=1)]
NoneOrCount = Annotated[int, Meta(ge=0)]
Names: TypeAlias = tuple[str, ...]

Auth: TypeAlias = Literal["none", "keys", "proxy", "oidc"]
Synchronous: TypeAlias = Literal["NORMAL", "FULL"]
LogFormat: TypeAlias = Literal["auto", "json", "text"]
LogLevel: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def about(help: str) -> Meta:
    """What a setting is for. Shown by `chatapp settings` and in docs/configuration.md."""
    return Meta(description=help)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The table. Durations are in seconds unless the name ends in `_ms`."""

    data: Annotated[
        Path, about("Folder for the SQLite files, the key that signs cookies and everything else that is kept.")
    ] = Path("var")
    database_url: Annotated[
        str, about("SQLAlchemy URL of the conversations, `postgresql+psycopg://…` for several machines. Empty: SQLite.")
    ] = ""

    database_timeout_s: Annotated[
        Seconds, about("Postgres: how long an answer may take. One that stands still is then given up, with a 503.")
    ] = 10.0

    log_url: Annotated[
        str,
        about(
            "The event log: `sqlite:` in the data folder, `redis://…` for several machines, `memory:` in one process."
        ),
    ] = "sqlite:"
    log_retention_s: Annotated[
        Seconds, about("How long a finished run's log is kept, so that a client can still resume byte for byte.")
    ] = 3600.0
    answer_retention_s: Annotated[
        Seconds, about("How long an answer outside any conversation is kept; others are kept until deleted.")
    ] = 30 * 24 * 3600.0
    undo_delete_s: Annotated[Seconds, about("How long a deleted conversation can be brought back.")] = 600.0
    log_flush_ms: Annotated[
        int, Meta(ge=1, le=1000), about("Interval between commits of events. A longer one adds delay and saves little.")
    ] = 5
    log_outage_s: Annotated[
        Seconds, about("Redis: how long it may be away until runs fail. Events wait in memory, readers get heartbeats.")
    ] = 60.0
    log_synchronous: Annotated[
        Synchronous,
        about("SQLite, conversations too: NORMAL survives kill -9; FULL a power failure, at one fsync per commit."),
    ] = "NORMAL"

    auth: Annotated[
        Auth, about("Who may come in: `none` (loopback only), `keys`, `proxy` or `oidc`; see docs/guides/sign-in.md.")
    ] = "none"
    session_s: Annotated[
        Seconds, about("How long a browser stays signed in. It ends earlier with the key that began it.")
    ] = 7 * 24 * 3600.0
    user_groups: Annotated[
        Names, about("Groups of the proxy or provider whose members may come in. Empty: everybody it lets through.")
    ] = ()
    admin_groups: Annotated[Names, about("Groups of the proxy or provider whose members are admins.")] = ()
    trusted_proxies: Annotated[
        Names, about("Addresses or networks of proxies whose `X-Forwarded-Proto` and, with `proxy`, user are believed.")
    ] = ("127.0.0.1", "::1")
    proxy_user_header: Annotated[
        str, about("With `proxy`: the header with the user. The proxy must overwrite it in every request.")
    ] = "X-Forwarded-User"
    proxy_groups_header: Annotated[
        str, about("With `proxy`: the header with the user's groups, by commas. To be overwritten just so.")
    ] = "X-Forwarded-Groups"
    oidc_issuer: Annotated[str, about("With `oidc`: the provider's issuer, a URL; its metadata is found below it.")] = (
        ""
    )
    oidc_client_id: Annotated[str, about("With `oidc`: the name under which the provider knows this server.")] = ""
    oidc_client_secret: Annotated[
        Secret, about("With `oidc`: the provider's secret for this server. Empty: a public client.")
    ] = Secret("")
    oidc_scopes: Annotated[
        Names, about("With `oidc`: what is asked for. Some providers give groups only for a scope.")
    ] = (
        "openid",
        "profile",
        "email",
    )
    oidc_user_claim: Annotated[
        str, about("With `oidc`: the claim that is the owner. `sub` never changes; a name or an address may.")
    ] = "sub"
    oidc_groups_claim: Annotated[str, about("With `oidc`: the claim with the person's groups.")] = "groups"
    oidc_timeout_s: Annotated[
        Seconds, about("With `oidc`: time limit for each request to the provider; somebody waits for it.")
    ] = 10.0
    cors_origins: Annotated[
        Names, about("Origins of other sites whose pages may call the API, exactly: `https://chat.example`.")
    ] = ()
    frame_ancestors: Annotated[
        Names, about("Whose pages may show ours in a frame: `self`, or origins such as `https://host.example`.")
    ] = ()
    ticket_s: Annotated[
        Seconds, about("How long a ticket for one stream is good: from asking for it to opening the stream.")
    ] = 30.0
    trusted_hosts: Annotated[
        Names, about("Accepted Host headers; any other gets 400. Stops DNS rebinding by a web page.")
    ] = ("127.0.0.1", "localhost", "[::1]")
    secret_key: Annotated[
        Secret, about("Signs the browser's cookie. Empty: generated at first start and kept in the data folder.")
    ] = Secret("")
    default_provider: Annotated[
        str, about("The provider when a request names none. Empty: the first configured, else `local`, else `mock`.")
    ] = ""

    mock: Annotated[
        bool,
        about("Whether the provider `mock` is offered. `false` where real users are: it costs a place, and no key."),
    ] = True

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
    body_timeout_s: Annotated[
        Seconds, about("How long a request body may take, beside a second for each 16 KB. A silent sender gets 408.")
    ] = 20.0
    max_import_bytes: Annotated[
        Bytes, about("Largest conversation that is imported: with all its versions and pictures it is long.")
    ] = 33_554_432
    max_bodies_bytes: Annotated[
        Bytes, about("All request bodies of one process that are on their way; beyond that a request gets 503.")
    ] = 268_435_456
    max_body_values: Annotated[
        Count,
        about("Most objects and lists in a request body; four texts or numbers count as one. Each costs time."),
    ] = 100_000
    max_messages: Annotated[
        Count, about("Most messages of a request, and of a conversation; more than any model has room for.")
    ] = 5000
    max_tools: Annotated[
        Count, about("Most tools that a request may bring or name; providers take 128 at the most.")
    ] = 1000
    max_live_runs: Annotated[
        Count, about("How many runs one process generates at a time; beyond that a request gets 503.")
    ] = 4000
    max_readers: Annotated[
        Count, about("How many streams and waiting requests one process serves at a time; beyond that: 503.")
    ] = 8000
    max_owner_share: Annotated[
        float,
        Meta(gt=0, le=1),
        about("The part of the runs, readers and bodies that others leave which one owner may take; beyond that: 429."),
    ] = 0.5
    max_merged: Annotated[
        Count,
        about("How many answers one stream of `/api/v1/events` follows; their ids must fit into a request's line."),
    ] = 32
    run_timeout_s: Annotated[
        Seconds, about("Time limit for a whole run: its requests, its tools, its agent and its waiting for approval.")
    ] = 3600.0

    request_rate: Annotated[
        str, about("How many runs an owner may begin, `5/minute` or `5/minute; 100/day`. Empty: any number.")
    ] = ""
    max_runs_per_owner: Annotated[
        NoneOrCount, about("How many runs of one owner go on at a time, over all processes. 0: any number.")
    ] = 0
    max_readers_per_owner: Annotated[
        NoneOrCount, about("How many streams and waiting requests of one owner a process serves. 0: any number.")
    ] = 0
    max_tokens_per_minute: Annotated[
        NoneOrCount, about("How many tokens an owner's runs may use in a minute, asked and answered. 0: any number.")
    ] = 0
    max_tokens_per_day: Annotated[NoneOrCount, about("The same in a day, from midnight UTC. 0: any number.")] = 0
    max_cost_per_day: Annotated[
        float, Meta(ge=0), about("How much money an owner's runs may cost in a day, by `[prices]`. 0: any amount.")
    ] = 0.0
    currency: Annotated[str, about("The currency of `[prices]` and of `max_cost_per_day`.")] = "USD"

    max_reply_bytes: Annotated[
        Bytes,
        about("The most that is held of a provider's reply: a body in one piece, or a stream without the form of it."),
    ] = 33_554_432
    max_stream_bytes: Annotated[
        Bytes,
        about("Largest stream accepted from a provider, with all its form: 128,000 tokens take from 20 to 100 MB."),
    ] = 268_435_456
    max_event_bytes: Annotated[
        Bytes, about("Largest single event accepted from a provider. A picture of `max_file_bytes` fits, in base64.")
    ] = 16_777_216
    max_line_bytes: Annotated[Bytes, about("Longest line accepted from a provider: a picture comes in one.")] = (
        16_777_216
    )
    max_file_bytes: Annotated[
        Bytes,
        about("Largest file of an answer, or that is attached to a question; it is held in memory and the database."),
    ] = 8_388_608
    max_files: Annotated[Count, about("How many files of one answer are kept: more than models make at once.")] = 16
    max_attachments: Annotated[
        Count, about("How many files a question may come with: more than anybody looks through before sending.")
    ] = 10
    max_attached_bytes: Annotated[
        Bytes,
        about("All files of a conversation together: each request has them again, and Anthropic's may have 32 MB."),
    ] = 20_971_520
    max_attached_chars: Annotated[
        Count, about("The longest text of an attached file: more than most models have room for. A PDF's is cut.")
    ] = 1_000_000
    max_pdf_pages: Annotated[Count, about("Of how many pages of an attached PDF the text is read.")] = 500
    pdf_timeout_s: Annotated[Seconds, about("How long reading a PDF may take; a hostile one would never end.")] = 20.0
    max_unsent_files: Annotated[
        Count, about("How many uploaded files of one owner may wait to be sent with a question.")
    ] = 50
    max_kept_files: Annotated[
        Count, about("How many files one owner may keep at `/v1/files`, to name them in requests.")
    ] = 100
    unsent_retention_s: Annotated[Seconds, about("How long an uploaded file is kept that belongs to no message.")] = (
        24 * 3600.0
    )
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

    metrics_port: Annotated[
        int,
        Meta(ge=0, le=65535),
        about("A port of its own for `/metrics`, without a login. 0: none, only admins read `/metrics`."),
    ] = 0
    metrics_host: Annotated[str, about("The address that `metrics_port` belongs to.")] = "127.0.0.1"
    log_level: Annotated[LogLevel, about("Level of the server's own log lines.")] = "INFO"
    log_format: Annotated[
        LogFormat, about("`json`: one object per line. `text`: for people. `auto`: text if a terminal shows it.")
    ] = "auto"

    providers: Annotated[dict[str, ProviderConfig], about("Tables `[providers.NAME]`; see docs/configuration.md.")] = {}
    mcp_servers: Annotated[
        dict[str, MCPServerConfig], about("Tables `[mcp_servers.NAME]`; see docs/configuration.md.")
    ] = {}
    prices: Annotated[
        dict[str, Prices], about("Tables `[prices.PROVIDER.MODEL]`; see docs/guides/limits-and-usage.md.")
    ] = {}
    agents: Annotated[dict[str, AgentConfig], about("Tables `[agents.NAME]`; see docs/guides/write-an-agent.md.")] = {}


HELP: dict[str, str] = {
    name: hint.__metadata__[-1].description for name, hint in get_type_hints(Settings, include_extras=True).items()
}
"""What each setting is for, by its name."""
