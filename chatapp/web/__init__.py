"""HTTP: blueprints that parse a request, ask the services, and answer. The only package beside auth and app that
knows Flask.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import current_app, g, request

from chatapp.access.cookies import CookieAuthenticator
from chatapp.agents.catalog import AgentCatalog
from chatapp.dialects import Dialect
from chatapp.generation.supervisor import RunSupervisor
from chatapp.logs import EventLog
from chatapp.providers.catalog import ProviderCatalog
from chatapp.reading.presence import Presence
from chatapp.reading.reader import OpenReaders
from chatapp.settings import Settings
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database
from chatapp.storage.retention import Retention
from chatapp.tools.catalog import ToolCatalog

EXTENSION = "chatapp"


@dataclass(frozen=True)
class Services:
    """What requests are served with: made once per process by `chatapp.app.create_app`."""

    settings: Settings
    auth: CookieAuthenticator
    log: EventLog
    database: Database
    conversations: Conversations
    expiry: Retention
    providers: ProviderCatalog
    tools: ToolCatalog
    agents: AgentCatalog
    dialects: Mapping[str, Callable[[], Dialect]]
    runs: RunSupervisor
    readers: OpenReaders
    attendance: Presence

    def start(self) -> None:
        """Begin what runs beside the requests: upkeep of the stores, and recovery."""
        self.log.start()
        self.database.start()
        self.expiry.start()
        self.runs.start()

    def drain(self, grace_s: float) -> None:
        """Let readers go, runs end, and close everything; see docs/guides/deploy.md."""
        self.readers.dismiss()
        self.runs.drain(grace_s)

    def close(self) -> None:
        self.tools.close()
        self.providers.close()
        self.log.close()
        self.expiry.close()
        self.database.close()


def services() -> Services:
    found: Services = current_app.extensions[EXTENSION]
    return found


def current_owner() -> str:
    return services().auth.owner(request)


def trace_id() -> str:
    """Of the current request; set by `chatapp.web.errors` before anything else runs."""
    found: str = g.trace_id
    return found
