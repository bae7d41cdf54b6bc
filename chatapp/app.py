"""create_app(): the composition root, the one place that picks implementations and wires them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from flask import Flask

from chatapp import __version__
from chatapp.access.factory import open_access
from chatapp.agents.catalog import AgentCatalog
from chatapp.dialects.registry import DIALECTS
from chatapp.errors import ConfigError
from chatapp.generation.media import MediaLimits
from chatapp.generation.observer import RunObserver
from chatapp.generation.supervisor import RunSupervisor
from chatapp.logs import EventLog, LogObserver
from chatapp.logs.memory import MemoryLog
from chatapp.logs.redis.connection import SCHEMES
from chatapp.logs.redis.log import RedisLog
from chatapp.logs.sqlite.log import SQLiteLog
from chatapp.metrics.own_port import OwnPort
from chatapp.metrics.process import Metrics
from chatapp.prices import PriceTable
from chatapp.providers.catalog import ProviderCatalog
from chatapp.quotas.owners import OwnerLimits
from chatapp.quotas.places import OwnerPlaces
from chatapp.quotas.requests import RequestLimits, storage_for
from chatapp.quotas.spending import SpendingLimits
from chatapp.reading.credentials import CredentialWatch
from chatapp.reading.disconnect import DisconnectPolicy
from chatapp.reading.presence import OpenReaders, Presence
from chatapp.service import ChatService
from chatapp.settings import Settings
from chatapp.settings.loading import load
from chatapp.storage.approvals import StoredApprovals
from chatapp.storage.branching import Branches
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database, open_database
from chatapp.storage.listing import Listing
from chatapp.storage.rates import RateWindows
from chatapp.storage.receipts import Receipts
from chatapp.storage.retention import Retention
from chatapp.storage.searching import Search
from chatapp.storage.usage import UsageReport
from chatapp.storage.user_inputs import StoredUserInputs
from chatapp.tools.catalog import ToolCatalog
from chatapp.tools.mcp.config import mcp_servers
from chatapp.tracing.switch import Tracing, tracing_of
from chatapp.web import (
    AUTHENTICATOR,
    CREDENTIALS,
    EXPOSITION,
    EXTENSION,
    SHARES,
    TICKETS,
    authentication,
    cors,
    errors,
    guards,
    health,
    limit_headers,
    login,
    openapi,
    operator,
    pages,
    security_headers,
    shared,
)
from chatapp.web.api import conversations as conversations_api
from chatapp.web.api import events, files, messages, models, one_request, raw, search, tickets, tools, usage
from chatapp.web.api import shares as shares_api
from chatapp.web.assets import Assets
from chatapp.web.compat import agui, ai_sdk, anthropic, openai_chat, openai_conversations, openai_responses
from chatapp.web.page_modules import VIEWER_ENTRY, page_modules

BLUEPRINTS = (
    messages,
    events,
    files,
    raw,
    one_request,
    conversations_api,
    search,
    models,
    tools,
    usage,
    tickets,
    shares_api,
    openai_chat,
    openai_responses,
    openai_conversations,
    anthropic,
    ai_sdk,
    agui,
    pages,
    login,
    shared,
    health,
    operator,
    openapi,
)
PACKAGE = Path(__file__).parent


def create_app(settings: Settings | None = None, *, start: bool = True, observers: Sequence[RunObserver] = ()) -> Flask:
    """The application. `app.extensions["chatapp"]` is its ChatService, which `start` starts;
    `observers` are told of its runs. Raises ConfigError.

    Make it in the process that serves, after gevent has patched it.
    """
    settings = settings or load(os.environ)
    metrics, tracing = Metrics(_metrics_folder(os.environ)), tracing_of(os.environ)
    service = build_service(settings, os.environ, observers, metrics, tracing)
    app = Flask("chatapp", template_folder=_folder("templates"), static_folder=None, root_path=str(PACKAGE))
    static = Path(_folder("static"))
    app.jinja_env.globals.update(
        version=__version__, page_modules=page_modules(static), viewer_modules=page_modules(static, VIEWER_ENTRY)
    )
    Assets(static).install(app)
    app.extensions[EXTENSION] = service
    app.extensions[EXPOSITION] = metrics.exposition
    access = open_access(app, settings, service.database)
    app.extensions[AUTHENTICATOR] = access.authenticator
    app.extensions[SHARES], app.extensions[TICKETS] = access.shares, access.tickets
    app.extensions[CREDENTIALS] = CredentialWatch(access.ended)
    errors.install(app, {"/v1/": openai_chat.error_shape, "/v1/messages": anthropic.error_shape})
    guards.install(app, settings.trusted_hosts, cors.allows(settings.cors_origins))
    authentication.install(app)
    security_headers.install(app)
    limit_headers.install(app)
    cors.install(app, settings.cors_origins)
    for module in BLUEPRINTS:
        app.register_blueprint(module.blueprint)
    if tracing is not None:
        app.wsgi_app = tracing.app(app.wsgi_app)  # type: ignore[method-assign,assignment]
    if settings.metrics_port:
        app.wsgi_app = OwnPort(app.wsgi_app, settings.metrics_port, metrics.exposition)  # type: ignore[method-assign]
    if start:
        service.start()
    return app


def build_service(
    settings: Settings,
    environ: Mapping[str, str],
    observers: Sequence[RunObserver] = (),
    metrics: Metrics | None = None,
    tracing: Tracing | None = None,
) -> ChatService:
    """The application without HTTP, its stores open; nothing of it runs before `start`. Raises
    ConfigError."""
    around_provider, around_tool = (tracing.provider, tracing.tool) if tracing else (None, None)
    metrics = metrics or Metrics()
    database = open_database(settings.database_url, settings.data)  # first: it makes the folder, or is refused it
    log = open_log(settings, metrics.log)
    conversations, approvals = Conversations(database.engine, settings.max_messages), StoredApprovals(database.engine)
    inputs = StoredUserInputs(database.engine)
    providers = ProviderCatalog(settings, environ, around_provider)
    figures = metrics.runs(providers.by_name, providers.is_listed)
    watching = [*([tracing.runs] if tracing else ()), *observers, figures]
    runs = _runs(settings, log, conversations, watching)
    return ChatService(
        settings=settings,
        log=log,
        database=database,
        conversations=conversations,
        branches=Branches(database.engine),
        listing=Listing(database.engine),
        search=Search(database.engine),
        approvals=approvals,
        inputs=inputs,
        retention=Retention(database.engine, settings.answer_retention_s),
        providers=providers,
        tools=ToolCatalog(settings, mcp_servers(settings, environ), approvals, inputs, around_tool),
        agents=AgentCatalog(settings),
        dialects=DIALECTS,
        runs=runs,
        limits=_limits(settings, database),
        usage_report=UsageReport(database.engine),
        reader_places=_reader_places(settings),
        readers=OpenReaders(),
        disconnects=DisconnectPolicy(Presence(), log, runs.cancel, conversations.visits, settings.come_back_s),
        reader_observer=metrics.readers,
        parts=[*([tracing] if tracing else ()), metrics.sampler(figures, lambda: runs.live, providers.circuits)],
    )


def _runs(settings: Settings, log: EventLog, answers: Conversations, observers: Sequence[RunObserver]) -> RunSupervisor:
    places = OwnerPlaces(settings.max_live_runs, settings.max_owner_share, "running answers", "max_live_runs")
    media = MediaLimits(settings.max_file_bytes, settings.max_files, settings.max_sources)
    prices = PriceTable(settings.prices, settings.currency)
    return RunSupervisor(log, answers, places, observers, media, prices, settings.run_timeout_s)


def _limits(settings: Settings, database: Database) -> OwnerLimits:
    storage = storage_for(settings.log_url, RateWindows(database.engine))
    spending = SpendingLimits(
        Receipts(database.engine),
        settings.max_tokens_per_minute,
        settings.max_tokens_per_day,
        settings.max_cost_per_day,
        settings.currency,
    )
    return OwnerLimits(RequestLimits(settings.request_rate, storage), spending, settings.max_runs_per_owner)


def _reader_places(settings: Settings) -> OwnerPlaces:
    return OwnerPlaces(
        settings.max_readers, settings.max_owner_share, "open streams", "max_readers", settings.max_readers_per_owner
    )


def open_log(settings: Settings, observer: LogObserver | None = None) -> EventLog:
    match settings.log_url:
        case "memory:":
            return MemoryLog(retention=settings.log_retention_s)
        case "sqlite:":
            return SQLiteLog(
                settings.data / "log.sqlite3",
                flush_ms=settings.log_flush_ms,
                retention=settings.log_retention_s,
                synchronous=settings.log_synchronous,
                observer=observer,
            )
        case url if url.startswith(SCHEMES):
            return RedisLog(
                url,
                flush_ms=settings.log_flush_ms,
                retention=settings.log_retention_s,
                outage=settings.log_outage_s,
                observer=observer,
            )
        case other:  # its beginning is enough: there may be a password in it
            raise ConfigError(
                f"log_url: expected sqlite:, memory: or redis://…, got one that begins with {other[:5]!r}"
            )


def _metrics_folder(environ: Mapping[str, str]) -> Path | None:
    """Where prometheus_client writes: it looked for this variable when it was imported."""
    folder = environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder) if folder else None


def _folder(name: str) -> str:
    """Inside the package in a wheel, beside it in a checkout."""
    inside = PACKAGE / name
    return str(inside if inside.is_dir() else PACKAGE.parent / name)
