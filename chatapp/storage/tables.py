"""The tables of the conversations, as SQLAlchemy sees them; `migrations/` creates them. A row turns
into the value that leaves this room."""

from typing import ClassVar

import msgspec
from sqlalchemy import BigInteger, ForeignKey, Index, false, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chatapp.storage import Answer, Conversation, StoredMessage, decode_settings
from chatapp.storage.types import Text


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {str: Text()}


def partial_index(name: str, where: str, *columns: str) -> Index:
    """Of the rows that match. A statement that is to use it says the same in the same words: it is
    planned before what is bound to it is known."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


IS_RUNNING = "status = 'running'"
IS_SHOWN = "NOT superseded"
IS_LISTED = "deleted IS NULL"
IS_PINNED = "pinned AND deleted IS NULL"


class ConversationRow(Base):
    __tablename__ = "conversations"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    title: Mapped[str]
    created: Mapped[float]  # seconds since the epoch, as all times here
    updated: Mapped[float]
    details: Mapped[str | None] = mapped_column("metadata")  # JSON of the client's own
    pinned: Mapped[bool] = mapped_column(default=False, server_default=false())
    seen: Mapped[str | None]  # the last message that its owner has seen; None: all that is older than this column
    settings: Mapped[str | None]  # JSON of ConversationSettings

    deleted: Mapped[float | None]  # since then nobody sees it; until it ends for good it can be brought back

    __table_args__ = (
        partial_index("conversations_listed", IS_LISTED, "owner", "updated", "id"),
        partial_index("conversations_pinned", IS_PINNED, "owner", "updated", "id"),
        partial_index("conversations_deleted", "deleted IS NOT NULL", "deleted"),
    )

    def value(self) -> Conversation:
        metadata = msgspec.json.decode(self.details or "{}", type=dict[str, str])
        settings = decode_settings(self.settings or "{}")
        return Conversation(self.id, self.title, self.created, self.updated, metadata, self.pinned, settings)


class ApprovalRow(Base):
    """The decision about one call of a run: approved, denied or expired. The first one holds."""

    __tablename__ = "approvals"

    run_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    call_id: Mapped[str] = mapped_column(primary_key=True)
    decision: Mapped[str]


class UserInputRow(Base):
    """What the owner said to a question of a running call. The first one holds."""

    __tablename__ = "user_inputs"

    run_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    question_id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    content: Mapped[str]  # JSON


class WaitRow(Base):
    """A run that waits for its owner, and until when. Of one that has ended it means nothing."""

    __tablename__ = "waits"

    run_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    until: Mapped[float]


class FileRow(Base):
    """The bytes of a file that an answer holds; the rest of it stands in the compacted log. They
    are apart because a list of messages must not read them."""

    __tablename__ = "files"

    run_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    file_id: Mapped[str] = mapped_column(primary_key=True)
    data: Mapped[bytes]


class ReceiptRow(Base):
    """What one run used. It is open, without an `ended`, while the run goes on, and outlives the
    answer. It holds nothing of what was said."""

    __tablename__ = "receipts"

    run_id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    provider: Mapped[str]
    model: Mapped[str]
    begun: Mapped[float]
    ended: Mapped[float | None]
    reason: Mapped[str | None]  # as in run-end
    prompt: Mapped[int] = mapped_column(BigInteger, default=0)  # tokens, as all counts here
    completion: Mapped[int] = mapped_column(BigInteger, default=0)
    cached: Mapped[int] = mapped_column(BigInteger, default=0)
    cache_written: Mapped[int] = mapped_column(BigInteger, default=0)
    reasoning: Mapped[int] = mapped_column(BigInteger, default=0)
    estimated: Mapped[bool] = mapped_column(default=False)
    cost: Mapped[int | None] = mapped_column(BigInteger)  # in 10^-9 of the currency
    currency: Mapped[str | None]

    __table_args__ = (
        partial_index("receipts_open", "ended IS NULL", "owner", "begun"),
        Index("receipts_by_owner", "owner", "ended"),
    )


class UsageRow(Base):
    """The receipts of one day (UTC, `2026-11-26`), summed: a report must not read every run. The
    day is the one on which a run ended; `currency` is empty if nothing had a price."""

    __tablename__ = "usage"

    day: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    runs: Mapped[int] = mapped_column(BigInteger)
    prompt: Mapped[int] = mapped_column(BigInteger)
    completion: Mapped[int] = mapped_column(BigInteger)
    cached: Mapped[int] = mapped_column(BigInteger)
    reasoning: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[int] = mapped_column(BigInteger)  # in 10^-9 of the currency

    __table_args__ = (Index("usage_by_owner", "owner", "day", "provider", "model", "currency"),)


class RateWindowRow(Base):
    """How often a limit was hit in the window that ends at `expires`."""

    __tablename__ = "rate_windows"

    key: Mapped[str] = mapped_column(primary_key=True)
    hits: Mapped[int] = mapped_column(BigInteger)
    expires: Mapped[float] = mapped_column(index=True)


class MessageRow(Base):
    """A message of the user or the system, or an answer, whose id is its run's id.

    `entries` is the compacted log (JSON of [seq, event] pairs), `content` its text; both are empty
    while the run goes on. `parent` is the message that this one follows; a `superseded` one is kept
    and not shown (`branches`). The order of the ids is the order of the conversation. An answer
    that `continues` goes on with the text of its parent. A message without a conversation belongs
    to a request that named none. `said` is a message that is more than its text, as JSON of a
    `Message`; `asked` holds, as JSON, the fields of the request that its protocol repeats beside
    the answer.
    """

    __tablename__ = "messages"

    id: Mapped[str] = mapped_column(primary_key=True)
    conversation_id: Mapped[str | None] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    owner: Mapped[str]
    role: Mapped[str]
    status: Mapped[str]  # running | done
    content: Mapped[str] = mapped_column(default="")
    entries: Mapped[str] = mapped_column(default="[]")
    provider: Mapped[str | None]
    model: Mapped[str | None]
    result_mode: Mapped[str | None]
    superseded: Mapped[bool] = mapped_column(default=False)
    idempotency_key: Mapped[str | None]
    request_hash: Mapped[str | None]  # of the request that came with the key; older rows have none
    visits: Mapped[int] = mapped_column("returns", default=0, server_default="0")  # by the client that began the run
    said: Mapped[str | None]
    asked: Mapped[str | None]
    created: Mapped[float]
    parent: Mapped[str | None]
    continues: Mapped[bool] = mapped_column(default=False, server_default=false())

    __table_args__ = (
        Index("messages_by_conversation", "conversation_id", "id"),
        partial_index("messages_shown", IS_SHOWN, "conversation_id", "id"),
        Index("messages_by_parent", "conversation_id", "parent", "id"),
        Index("messages_by_owner", "owner", "id"),
        partial_index("messages_running", IS_RUNNING, "created"),
        partial_index("messages_running_by_owner", IS_RUNNING, "owner", "conversation_id"),
        partial_index("messages_loose", "conversation_id IS NULL", "created"),
        Index("messages_by_idempotency_key", "owner", "idempotency_key", unique=True),
    )

    @property
    def is_answer(self) -> bool:
        """True for answers generated here, not for assistant turns that a client sent as
        history."""
        return self.role == "assistant" and self.provider is not None

    def value(self) -> StoredMessage:
        """An `Answer` if a run here made it."""
        return stored(*(getattr(self, name) for name in STORED))


STORED = (
    "id",
    "conversation_id",
    "owner",
    "role",
    "status",
    "content",
    "created",
    "parent",
    "said",
    "continues",
    "provider",
    "model",
    "result_mode",
    "asked",
    "entries",
)
"""The columns of a message that leave this room."""


def stored(
    id: str,
    conversation_id: str | None,
    owner: str,
    role: str,
    status: str,
    content: str,
    created: float,
    parent: str | None,
    said: str | None,
    continues: bool,
    provider: str | None,
    model: str | None,
    result_mode: str | None,
    asked: str | None,
    entries: str,
) -> StoredMessage:
    """The value of a row with the columns `STORED`. An `Answer` if a run here made it."""
    if role != "assistant" or provider is None:
        return StoredMessage(
            id=id,
            conversation_id=conversation_id,
            role=role,
            content=content,
            created=created,
            parent=parent,
            said=said,
        )
    return Answer(
        id=id,
        conversation_id=conversation_id,
        role=role,
        content=content,
        created=created,
        parent=parent,
        said=said,
        continues=continues,
        owner=owner,
        running=status == "running",
        provider=provider,
        model=model,
        result_mode=result_mode,
        repeated=msgspec.json.decode(asked) if asked else {},
        compacted=entries,
    )
