"""ChatService: the application without HTTP.

The web, the command line and a host that embeds chatapp call this, and nothing below it. It is
built by `app`; building it starts nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import msgspec

from chatapp.access import Caller
from chatapp.agents.catalog import AgentCatalog
from chatapp.chat import Ask, Message
from chatapp.dialects import Dialect
from chatapp.errors import ChatappError, LogUnavailable, NotFound, UnknownRun
from chatapp.events import Entry, File
from chatapp.generation.attached import AttachingProvider
from chatapp.generation.supervisor import RunSupervisor
from chatapp.logs import EventLog
from chatapp.providers.catalog import ProviderCatalog
from chatapp.providers.usage import estimated_tokens
from chatapp.quotas.owners import OwnerLimits
from chatapp.quotas.places import OwnerPlaces
from chatapp.reading.disconnect import DisconnectPolicy
from chatapp.reading.observer import NO_READER_OBSERVER, ReaderObserver
from chatapp.reading.presence import OpenReaders
from chatapp.reading.sources import KeptAnswer, LiveLog, Source, transcript_of_source
from chatapp.service.answering import Answerers, answerer
from chatapp.service.background import Background
from chatapp.service.decisions import decide, fill_in
from chatapp.service.deleting import Deleting
from chatapp.service.usage import VisibleUsage
from chatapp.settings import Settings
from chatapp.storage import (
    Answer,
    Begun,
    Conversation,
    ConversationSettings,
    Hit,
    Listed,
    StoredMessage,
    TitleHit,
    UsageKey,
    UsageSum,
)
from chatapp.storage.archive import Archive
from chatapp.storage.branching import Branches
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database
from chatapp.storage.kept_files import KeptFile
from chatapp.storage.listing import Listing
from chatapp.storage.retention import Retention
from chatapp.storage.searching import Search
from chatapp.storage.usage import USAGE_KEYS
from chatapp.tools import Approvals, Decision, InputState, UserInput, UserInputs
from chatapp.tools.catalog import ToolCatalog
from chatapp.tools.offered import OfferedTool, offered_tool
from chatapp.transcript import Transcript, transcript_of
from chatapp.uploads import Attachments, parts_of
from chatapp.uploads.sent import by_the_clients_field

__all__ = [
    "USAGE_KEYS",
    "Answer",
    "Begun",
    "ChatService",
    "Conversation",
    "ConversationSettings",
    "File",
    "Hit",
    "KeptFile",
    "Listed",
    "StoredMessage",
    "TitleHit",
    "UsageKey",
    "UsageSum",
    "UserInput",
    "estimated_tokens",
]


@dataclass(frozen=True)
class ChatService:
    """One per process. Make it, then `start` it; `drain` and `close` it when the process goes
    down."""

    settings: Settings
    log: EventLog
    database: Database
    conversations: Conversations
    archive: Archive
    branches: Branches
    deleting: Deleting
    listing: Listing
    search: Search
    attachments: Attachments
    approvals: Approvals
    inputs: UserInputs
    retention: Retention
    providers: ProviderCatalog
    tools: ToolCatalog
    agents: AgentCatalog
    dialects: Mapping[str, Callable[[], Dialect]]
    runs: RunSupervisor
    limits: OwnerLimits
    usage: VisibleUsage
    reader_places: OwnerPlaces
    body_places: OwnerPlaces
    readers: OpenReaders
    disconnects: DisconnectPolicy
    reader_observer: ReaderObserver = NO_READER_OBSERVER
    background: Sequence[Background] = ()

    def ask(self, ask: Ask, caller: Caller, key: str | None = None) -> Begun:
        """Store what is said and start the run; or find the answer that was begun with the same
        idempotency `key`.

        Raises RequestError, which names the field, and LimitExceeded of these; Overloaded,
        LogUnavailable, DatabaseUnavailable, Unreachable.
        """
        if key is not None and (found := self.conversations.find(caller.owner, key, ask.fingerprint)):
            return found  # before anything is needed that may be missing now
        asked = ask
        ask, arrived = self.attachments.attached(asked, caller.owner)
        settings = self.listing.settings_for(caller.owner, ask)
        ask = settings.fill(ask)
        with by_the_clients_field(asked, ask):
            provider, model, sees, agent, tools = self._answerers.choose(ask, settings)
        self.runs.admit(caller.owner)
        self.limits.take(caller.owner)
        with by_the_clients_field(asked, ask), ExitStack() as stack:
            if ask.is_kept:
                said = stack.enter_context(self.attachments.kept(ask.said, caller.owner, arrived))
                ask, arrived = msgspec.structs.replace(ask, said=said), {}
            begun = self.conversations.begin(ask, caller.owner, provider.name, model, key, self.limits.max_runs, sees)
        if not begun.found:
            toolbox = self.tools.toolbox(begun.answer.id, tools, caller.owner)
            chat = ask.chat(model, begun.messages, caller.owner)
            attaching = AttachingProvider(provider, self.attachments.contents, parts_of(arrived))
            self.runs.begin(begun.answer.id, caller.trace_id, answerer(attaching, toolbox, agent), chat)
        return begun

    def create_conversation(self, caller: Caller, said: list[Message], metadata: dict[str, str]) -> Conversation:
        """One in which this was said already. Raises InvalidField, Overloaded."""
        said, arrived = self.attachments.arrived(said, caller.owner)
        with self.attachments.kept(said, caller.owner, arrived) as kept:
            return self.conversations.create(caller.owner, kept, metadata)

    def add_messages(self, caller: Caller, conversation_id: str, said: list[Message]) -> list[StoredMessage]:
        """Append messages that nobody is to answer yet. Raises NotFound, InvalidField,
        Overloaded."""
        said, arrived = self.attachments.arrived(said, caller.owner)
        with self.attachments.kept(said, caller.owner, arrived) as kept:
            return self.conversations.add(caller.owner, conversation_id, kept)

    @property
    def _answerers(self) -> Answerers:
        return Answerers(self.providers, self.tools, self.agents, self.settings.max_tools)

    def count_tokens(self, ask: Ask, caller: Caller) -> int:
        """An estimate by length of what the provider would be sent: texts, calls and tools; images
        are not counted."""
        self.providers.resolve(ask.provider, ask.model or None)
        ask, _ = self.attachments.attached(ask, caller.owner)
        if ask.previous is None and ask.conversation_id is None:
            return estimated_tokens(ask)
        said = self.conversations.context(caller.owner, ask)
        return estimated_tokens(msgspec.structs.replace(ask, said=said))

    def answer(self, caller: Caller, answer_id: str) -> Answer:
        """Raises NotFound, for anybody but the owner too."""
        return self.conversations.answer(caller.owner, answer_id)

    def source(self, answer: Answer) -> Source:
        """Where to read the answer: its run's log, or what was kept once the log is gone. Raises
        LogUnavailable."""
        if self.log.exists(answer.id):
            # Not the answer itself: a reader that is stuck would hold its text, which may be long.
            return LiveLog(self.log, answer.id, partial(self._kept, answer.owner, answer.id))
        if answer.running:
            raise LogUnavailable("this answer is not readable yet; try again in a moment")
        return KeptAnswer(self.conversations.entries(answer))

    def has_log(self, answer: Answer) -> bool:
        """Whether its run's log is still there, with every event as it was sent."""
        return self.log.exists(answer.id)

    def transcript(self, answer: Answer) -> Transcript:
        """All there is of the answer now. Raises LogError."""
        return self.described(answer) if answer.running else transcript_of(self.conversations.entries(answer))

    def described(self, answer: Answer) -> Transcript:
        """The same, but of an answer that has ended without the bytes of its files: they are only
        named."""
        return transcript_of_source(self.source(answer)) if answer.running else transcript_of(answer.entries())

    def wait(self, answer: Answer) -> Transcript:
        """The whole answer, once its run has ended. Raises LogError."""
        if answer.running:
            return transcript_of_source(self.source(answer), live=True)
        return transcript_of(self.conversations.entries(answer))

    def file(self, caller: Caller, message_id: str, file_id: str) -> File:
        """A file that an answer holds, or that a question came with, with its bytes. Raises
        NotFound, LogError."""
        message = self.conversations.message(caller.owner, message_id)
        if not isinstance(message, Answer):
            return self.attachments.file(caller.owner, file_id, message_id)
        for file in self.transcript(message).files:
            if file.id == file_id and file.bytes:
                return file
        raise NotFound("no such file")

    def cancel(self, answer: Answer) -> bool:
        """Ask for the run to be stopped, in whichever process it is; its terminal event tells when
        it was. False if it has ended."""
        if not answer.running:
            return False
        try:
            self.runs.cancel(answer.id)
        except UnknownRun:
            raise LogUnavailable("this answer cannot be cancelled yet; try again in a moment") from None
        return True

    def decide(self, answer: Answer, call_id: str, decision: Decision) -> Decision:
        """Approve or deny a call that waits, from any worker; return the decision that holds, which
        is the first. Raises NotFound, InvalidRequest, LogError, DatabaseUnavailable."""
        return decide(self.described(answer), answer.id, call_id, decision, self.approvals)

    def fill_in(self, answer: Answer, call_id: str, question_id: str | None, said: UserInput) -> tuple[str, InputState]:
        """Say something to a question that a running call asks, from any worker; return its id and
        the state that holds. Raises the same, and InvalidField for content that was not asked
        for."""
        return fill_in(self.described(answer), answer.id, call_id, question_id, said, self.inputs)

    def offered_tools(self) -> list[OfferedTool]:
        """All that a request may name. Waits for MCP servers that are not running yet, for a
        bounded time."""
        return [offered_tool(tool, self.tools) for tool in self.tools.all()]

    def ready(self) -> dict[str, str]:
        """Each store: `ok`, or the code of the error it answers with."""
        return {"log": _check(self.log.ping), "database": _check(self.conversations.ping)}

    @property
    def live(self) -> int:
        """The runs that go on in this process, and the responses that read one."""
        return self.runs.live + self.reader_places.taken

    def start(self) -> None:
        """Begin what runs beside the requests: upkeep of the stores, recovery of runs whose process
        died, and the lists of models."""
        self.log.start()
        self.database.start()
        self.retention.start()
        self.runs.start()
        self.providers.start()
        for each in self.background:
            each.start()

    def drain(self, grace_s: float) -> None:
        """Send resumable readers elsewhere, and give the live runs `grace_s` to end; see
        docs/guides/deploy.md."""
        self.readers.dismiss()
        self.runs.drain(grace_s)

    def close(self) -> None:
        """Let go of everything. Idempotent."""
        for each in self.background:
            each.close()
        self.tools.close()
        self.providers.close()
        self.log.close()
        self.retention.close()
        self.database.close()

    def _kept(self, owner: str, answer_id: str) -> Sequence[Entry] | None:
        """None if it was deleted meanwhile. Raises LogUnavailable while its run goes on."""
        try:
            kept = self.conversations.answer(owner, answer_id)
        except NotFound:
            return None
        if kept.running:
            raise LogUnavailable("the event log lost this answer; try again in a moment")
        return self.conversations.entries(kept)


def _check(ping: Callable[[], None]) -> str:
    try:
        ping()
    except ChatappError as error:
        return error.code
    return "ok"
