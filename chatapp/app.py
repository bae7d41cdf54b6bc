"""create_app(): the composition root, the one place that picks implementations and wires them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from flask import Flask

from chatapp import __version__
from chatapp.access.cookies import CookieAuthenticator, secret_key
from chatapp.agents.catalog import AgentCatalog
from chatapp.dialects.registry import DIALECTS
from chatapp.errors import ConfigError
from chatapp.generation.media import MediaLimits
from chatapp.generation.observer import RunObserver
from chatapp.generation.supervisor import RunSupervisor
from chatapp.logs import EventLog
from chatapp.logs.memory import MemoryLog
from chatapp.logs.redis.connection import SCHEMES
from chatapp.logs.redis.log import RedisLog
from chatapp.logs.sqlite.log import SQLiteLog
from chatapp.providers.catalog import ProviderCatalog
from chatapp.reading.disconnect import DisconnectPolicy
from chatapp.reading.presence import OpenReaders, Presence
from chatapp.service import ChatService
from chatapp.settings import Settings
from chatapp.settings.loading import load
from chatapp.storage.approvals import StoredApprovals
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import open_database
from chatapp.storage.retention import Retention
from chatapp.tools.catalog import ToolCatalog
from chatapp.tools.mcp.config import mcp_servers
from chatapp.web import AUTHENTICATOR, EXTENSION, errors, guards, health, openapi, pages
from chatapp.web.api import conversations as conversations_api
from chatapp.web.api import files, messages, models, one_request, raw, tools
from chatapp.web.compat import agui, ai_sdk, anthropic, openai_chat, openai_conversations, openai_responses
from chatapp.web.page_modules import page_modules

BLUEPRINTS = (
    messages,
    files,
    raw,
    one_request,
    conversations_api,
    models,
    tools,
    openai_chat,
    openai_responses,
    openai_conversations,
    anthropic,
    ai_sdk,
    agui,
    pages,
    health,
    openapi,
)
PACKAGE = Path(__file__).parent


def create_app(settings: Settings | None = None, *, start: bool = True, observers: Sequence[RunObserver] = ()) -> Flask:
    """The application. `app.extensions["chatapp"]` is its ChatService, which `start` starts;
    `observers` are told of its runs. Raises ConfigError.

    Make it in the process that serves, after gevent has patched it.
    """
    settings = settings or load(os.environ)
    service = build_service(settings, os.environ, observers)
    app = Flask(
        "chatapp", template_folder=_folder("templates"), static_folder=_folder("static"), root_path=str(PACKAGE)
    )
    app.jinja_env.globals.update(version=__version__, page_modules=page_modules(Path(_folder("static"))))
    app.extensions[EXTENSION] = service
    app.extensions[AUTHENTICATOR] = CookieAuthenticator(secret_key(settings.secret_key.reveal(), settings.data))
    errors.install(app, {"/v1/": openai_chat.error_shape, "/v1/messages": anthropic.error_shape})
    guards.install(app, settings.trusted_hosts)
    for module in BLUEPRINTS:
        app.register_blueprint(module.blueprint)
    if start:
        service.start()
    return app


def build_service(settings: Settings, environ: Mapping[str, str], observers: Sequence[RunObserver] = ()) -> ChatService:
    """The application without HTTP, its stores open; nothing of it runs before `start`. Raises
    ConfigError."""
    _make_data_folder(settings.data)
    log = open_log(settings)
    database = open_database(settings.database_url, settings.data)
    conversations, approvals = Conversations(database.engine), StoredApprovals(database.engine)
    media = MediaLimits(settings.max_file_bytes, settings.max_files, settings.max_sources)
    runs = RunSupervisor(log, conversations, settings.max_live_runs, observers, media)
    return ChatService(
        settings=settings,
        log=log,
        database=database,
        conversations=conversations,
        approvals=approvals,
        retention=Retention(database.engine, settings.answer_retention_s),
        providers=ProviderCatalog(settings, environ),
        tools=ToolCatalog(settings, mcp_servers(settings, environ), approvals),
        agents=AgentCatalog(settings),
        dialects=DIALECTS,
        runs=runs,
        readers=OpenReaders(),
        disconnects=DisconnectPolicy(Presence(), log, runs.cancel, conversations.visits, settings.come_back_s),
    )


def open_log(settings: Settings) -> EventLog:
    match settings.log_url:
        case "memory:":
            return MemoryLog(retention=settings.log_retention_s)
        case "sqlite:":
            return SQLiteLog(
                settings.data / "log.sqlite3",
                flush_ms=settings.log_flush_ms,
                retention=settings.log_retention_s,
                synchronous=settings.log_synchronous,
            )
        case url if url.startswith(SCHEMES):
            return RedisLog(
                url,
                flush_ms=settings.log_flush_ms,
                retention=settings.log_retention_s,
                outage=settings.log_outage_s,
            )
        case other:  # its beginning is enough: there may be a password in it
            raise ConfigError(
                f"log_url: expected sqlite:, memory: or redis://…, got one that begins with {other[:5]!r}"
            )


def _make_data_folder(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)  # conversations are nobody else's to read
    except OSError as error:
        raise ConfigError(f"data: cannot make the folder {data}: {error.strerror}") from None


def _folder(name: str) -> str:
    """Inside the package in a wheel, beside it in a checkout."""
    inside = PACKAGE / name
    return str(inside if inside.is_dir() else PACKAGE.parent / name)
