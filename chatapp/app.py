"""create_app(): the one place where parts are chosen and wired."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from flask import Flask

from chatapp import __version__
from chatapp.access.cookies import CookieAuthenticator, secret_key
from chatapp.agents.catalog import AgentCatalog
from chatapp.dialects import Dialect
from chatapp.dialects.agui.events import AGUIDialect
from chatapp.dialects.ai_sdk.events import UIMessageDialect
from chatapp.dialects.anthropic.events import AnthropicDialect
from chatapp.dialects.delta import DeltaDialect
from chatapp.dialects.message import MessageDialect, RawPassthroughDialect, XMLPlaintextDialect
from chatapp.dialects.openai_chat.events import OpenAIDialect
from chatapp.dialects.openai_responses.events import ResponsesDialect
from chatapp.dialects.reasoning import ReasoningDialect
from chatapp.dialects.session import SessionDialect
from chatapp.dialects.token import TokenDialect
from chatapp.errors import ConfigError
from chatapp.generation.supervisor import RunSupervisor
from chatapp.logs import EventLog
from chatapp.logs.memory import MemoryLog
from chatapp.logs.sqlite.log import SQLiteLog
from chatapp.providers.catalog import ProviderCatalog
from chatapp.reading.presence import Presence
from chatapp.reading.reader import OpenReaders
from chatapp.settings import Settings, load
from chatapp.storage.approvals import StoredApprovals
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import open_database
from chatapp.storage.retention import Retention
from chatapp.tools.catalog import ToolCatalog, mcp_servers
from chatapp.web import EXTENSION, Services, errors, heads, health, hosts, openapi, origin, pages
from chatapp.web.api import conversations, messages, one_request, raw, tools
from chatapp.web.compat import ai_sdk, anthropic, openai_chat, openai_responses
from chatapp.web.page_modules import page_modules

PACKAGE = Path(__file__).parent
OWN_DIALECTS = (
    DeltaDialect,
    MessageDialect,
    RawPassthroughDialect,
    ReasoningDialect,
    SessionDialect,
    TokenDialect,
    XMLPlaintextDialect,
)
VENDOR_DIALECTS = (AGUIDialect, AnthropicDialect, OpenAIDialect, ResponsesDialect, UIMessageDialect)
DIALECTS: dict[str, Callable[[], Dialect]] = {dialect.name: dialect for dialect in (*OWN_DIALECTS, *VENDOR_DIALECTS)}


def create_app(settings: Settings | None = None) -> Flask:
    """The application, its stores open and its recovery running. Raises ConfigError.

    Make it in the process that serves, after gevent has patched it; `app.extensions["chatapp"]` holds its services.
    """
    settings = settings or load(os.environ)
    app = Flask(
        "chatapp", template_folder=_folder("templates"), static_folder=_folder("static"), root_path=str(PACKAGE)
    )
    app.jinja_env.globals.update(version=__version__, page_modules=page_modules(Path(_folder("static"))))
    app.extensions[EXTENSION] = _services(settings, os.environ)
    errors.install(app, {"/v1/": openai_chat.error_shape, "/v1/messages": anthropic.error_shape})
    hosts.install(app, settings.trusted_hosts)
    origin.install(app)
    heads.install(app)
    for module in (
        messages,
        raw,
        one_request,
        conversations,
        openai_chat,
        openai_responses,
        anthropic,
        ai_sdk,
        pages,
        health,
        tools,
        openapi,
    ):
        app.register_blueprint(module.blueprint)
    return app


def _services(settings: Settings, environ: Mapping[str, str]) -> Services:
    data = _data_folder(settings)
    log = open_log(settings)
    database = open_database(settings.database_url, data)
    store = Conversations(database.engine)
    providers = ProviderCatalog(settings, environ)
    return Services(
        settings=settings,
        auth=CookieAuthenticator(secret_key(settings.secret_key, data)),
        log=log,
        database=database,
        conversations=store,
        expiry=Retention(database.engine, settings.answer_retention_s),
        providers=providers,
        tools=ToolCatalog(settings, mcp_servers(settings, environ), StoredApprovals(database.engine)),
        agents=AgentCatalog(settings),
        dialects=DIALECTS,
        runs=RunSupervisor(log, store, settings.max_live_runs),
        readers=OpenReaders(),
        attendance=Presence(),
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
        case other:
            raise ConfigError(f"log_url: expected sqlite: or memory:, got {other!r}")


def _data_folder(settings: Settings) -> Path:
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)  # what was said is nobody else's
    except OSError as error:
        raise ConfigError(f"data: cannot make the folder {settings.data}: {error.strerror}") from None
    return settings.data


def _folder(name: str) -> str:
    """Inside the package in a wheel, beside it in a checkout."""
    inside = PACKAGE / name
    return str(inside if inside.is_dir() else PACKAGE.parent / name)
