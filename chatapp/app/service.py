"""build_service(): the service with the stores, limits and catalogs that the settings ask for."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from chatapp.agents.catalog import AgentCatalog
from chatapp.app.bodies import body_places
from chatapp.app.log import open_log
from chatapp.dialects.registry import DIALECTS
from chatapp.generation.media import MediaLimits
from chatapp.generation.observer import RunObserver
from chatapp.generation.supervisor import RunSupervisor
from chatapp.logs import EventLog
from chatapp.metrics.process import Metrics
from chatapp.prices import PriceTable
from chatapp.providers.catalog import ProviderCatalog
from chatapp.quotas.owners import OwnerLimits
from chatapp.quotas.places import OwnerPlaces
from chatapp.quotas.spending import SpendingLimits
from chatapp.reading.disconnect import DisconnectPolicy
from chatapp.reading.presence import OpenReaders, Presence
from chatapp.service import ChatService
from chatapp.service.deleting import Deleting
from chatapp.service.usage import VisibleUsage
from chatapp.settings import Settings
from chatapp.storage.approvals import StoredApprovals
from chatapp.storage.archive import Archive
from chatapp.storage.branching import Branches
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database, open_database
from chatapp.storage.deleting import Deletion
from chatapp.storage.indexing import Indexer
from chatapp.storage.kept_files import KeptFiles
from chatapp.storage.listing import Listing
from chatapp.storage.rates import RateWindows
from chatapp.storage.receipts import Receipts
from chatapp.storage.retention import Retention
from chatapp.storage.searching import Search
from chatapp.storage.uploads import Uploads
from chatapp.storage.usage import UsageReport
from chatapp.storage.user_inputs import StoredUserInputs
from chatapp.storage.waits import StoredWaits
from chatapp.tools.catalog import ToolCatalog
from chatapp.tools.functions import FunctionTool
from chatapp.tools.mcp.config import mcp_servers
from chatapp.tracing.switch import Tracing
from chatapp.uploads import Attachments
from chatapp.uploads.pdf import PDFReader

if TYPE_CHECKING:
    from chatapp.quotas.requests import RequestLimits


def build_service(
    settings: Settings,
    environ: Mapping[str, str],
    observers: Sequence[RunObserver] = (),
    metrics: Metrics | None = None,
    tracing: Tracing | None = None,
    functions: Sequence[FunctionTool] = (),
) -> ChatService:
    """The application without HTTP, its stores open; nothing of it runs before `start`. Raises
    ConfigError."""
    metrics = metrics or Metrics()
    with ExitStack() as opened:  # closed if there is to be no service: the caller may try again
        # First: it makes the folder, or is refused it.
        database = open_database(
            settings.database_url, settings.data, settings.database_timeout_s, settings.log_synchronous
        )
        opened.callback(database.close)
        log = open_log(settings, metrics.log)
        opened.callback(log.close)
        service = _service(settings, environ, database, log, observers, metrics, tracing, functions)
        opened.pop_all()
        return service


def _service(
    settings: Settings,
    environ: Mapping[str, str],
    database: Database,
    log: EventLog,
    observers: Sequence[RunObserver],
    metrics: Metrics,
    tracing: Tracing | None,
    functions: Sequence[FunctionTool],
) -> ChatService:
    around_provider, around_tool = (tracing.provider, tracing.tool) if tracing else (None, None)
    conversations, approvals = _conversations(settings, database), StoredApprovals(database.engine)
    inputs = StoredUserInputs(database.engine)
    providers = ProviderCatalog(settings, environ, around_provider)
    figures = metrics.runs(providers.by_name, providers.is_listed)
    watching = [*([tracing.runs] if tracing else ()), *observers, figures]
    runs = _runs(settings, log, conversations, watching, StoredWaits(database.engine))
    return ChatService(
        settings=settings,
        log=log,
        database=database,
        conversations=conversations,
        archive=Archive(database.engine),
        branches=Branches(database.engine),
        deleting=Deleting(conversations, Deletion(database.engine), runs),
        listing=Listing(database.engine),
        search=Search(database.engine),
        attachments=_attachments(settings, database),
        approvals=approvals,
        inputs=inputs,
        retention=Retention(
            database.engine, settings.answer_retention_s, settings.unsent_retention_s, settings.undo_delete_s
        ),
        providers=providers,
        tools=ToolCatalog(settings, mcp_servers(settings, environ), approvals, inputs, around_tool, functions),
        agents=AgentCatalog(settings),
        dialects=DIALECTS,
        runs=runs,
        limits=_limits(settings, database),
        usage=VisibleUsage(UsageReport(database.engine)),
        reader_places=_reader_places(settings),
        body_places=body_places(settings),
        readers=OpenReaders(),
        disconnects=DisconnectPolicy(Presence(), log, runs.cancel, conversations.visits, settings.come_back_s),
        reader_observer=metrics.readers,
        background=[
            *([tracing] if tracing else ()),
            Indexer(database.engine),
            metrics.sampler(figures, lambda: runs.live, providers.circuits),
        ],
    )


def _conversations(settings: Settings, database: Database) -> Conversations:
    return Conversations(database.engine, settings.max_messages, settings.max_file_bytes, settings.max_attached_bytes)


def _attachments(settings: Settings, database: Database) -> Attachments:
    return Attachments(
        uploads=Uploads(database.engine, settings.max_unsent_files),
        kept_files=KeptFiles(database.engine, settings.max_kept_files),
        read_pdf=PDFReader(settings.max_pdf_pages, settings.max_attached_chars, settings.pdf_timeout_s),
        max_files=settings.max_attachments,
        max_bytes=settings.max_file_bytes,
        max_text_chars=settings.max_attached_chars,
    )


def _runs(
    settings: Settings, log: EventLog, answers: Conversations, observers: Sequence[RunObserver], waits: StoredWaits
) -> RunSupervisor:
    places = OwnerPlaces(settings.max_live_runs, settings.max_owner_share, "running answers", "max_live_runs")
    media = MediaLimits(settings.max_file_bytes, settings.max_files, settings.max_sources)
    prices = PriceTable(settings.prices, settings.currency)
    return RunSupervisor(log, answers, places, observers, media, prices, settings.run_timeout_s, waits)


def _limits(settings: Settings, database: Database) -> OwnerLimits:
    spending = SpendingLimits(
        Receipts(database.engine),
        settings.max_tokens_per_minute,
        settings.max_tokens_per_day,
        settings.max_cost_per_day,
        settings.currency,
    )
    return OwnerLimits(_request_limits(settings, database), spending, settings.max_runs_per_owner)


def _request_limits(settings: Settings, database: Database) -> "RequestLimits | None":
    if not settings.request_rate.strip():
        return None
    from chatapp.quotas.requests import RequestLimits, storage_for  # its library: 60 ms of each start

    return RequestLimits(settings.request_rate, storage_for(settings.log_url, RateWindows(database.engine)))


def _reader_places(settings: Settings) -> OwnerPlaces:
    return OwnerPlaces(
        settings.max_readers, settings.max_owner_share, "open streams", "max_readers", settings.max_readers_per_owner
    )
