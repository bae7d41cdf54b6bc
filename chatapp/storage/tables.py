"""The tables of the conversations, as SQLAlchemy sees them; `migrations/` makes them. They hold and do nothing."""

from typing import Any, cast

import msgspec
from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chatapp.chat import Message, Role
from chatapp.events import Entry
from chatapp.transcript import transcript_of

_entries = msgspec.json.Decoder(list[Entry])
_said = msgspec.json.Decoder(Message)


class Base(DeclarativeBase):
    pass


class ConversationRow(Base):
    __tablename__ = "conversations"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    title: Mapped[str]
    created: Mapped[float]  # seconds since the epoch, as all times here
    updated: Mapped[float]

    __table_args__ = (Index("conversations_by_owner", "owner", "updated"),)

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "title": self.title, "created": self.created, "updated": self.updated}


class ApprovalRow(Base):
    """What was decided about one call of a run: approved, denied or expired. The first decision holds."""

    __tablename__ = "approvals"

    run_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    call_id: Mapped[str] = mapped_column(primary_key=True)
    decision: Mapped[str]


class MessageRow(Base):
    """A user's or system's message, or an answer: then its id is its run's id.

    `entries` is the compacted log (JSON of [seq, event] pairs), `content` its text; both are empty while the run
    goes on. `superseded` answers were made anew: they are kept, and no longer shown. Order by id is the order
    of the conversation. A message without a conversation belongs to a request that named none.
    `said` is a message that is more than its text, as JSON of a `Message`; `asked` the fields of the request, as JSON,
    that its protocol repeats beside the answer.
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
    request_hash: Mapped[str | None]  # of the request that came with the key; of older rows it is not known
    returns: Mapped[int] = mapped_column(default=0, server_default="0")  # of the client that began the run
    said: Mapped[str | None]
    asked: Mapped[str | None]
    created: Mapped[float]

    __table_args__ = (
        Index("messages_by_conversation", "conversation_id", "id"),
        Index(
            "messages_running",
            "created",
            sqlite_where=text("status = 'running'"),
            postgresql_where=text("status = 'running'"),
        ),
        Index("messages_by_idempotency_key", "owner", "idempotency_key", unique=True),
    )

    @property
    def is_answer(self) -> bool:
        """Made by a run here: an assistant's turn that a client told us of is none."""
        return self.role == "assistant" and self.provider is not None

    def stored_entries(self) -> list[Entry]:
        return _entries.decode(self.entries)

    def copy(self, id: str, conversation_id: str) -> "MessageRow":
        """The same, said in another conversation."""
        names = ("owner", "role", "status", "content", "entries", "provider", "model", "result_mode", "said", "created")
        return MessageRow(id=id, conversation_id=conversation_id, **{name: getattr(self, name) for name in names})

    def asked_json(self) -> dict[str, Any]:
        """Empty where nothing is repeated."""
        fields: dict[str, Any] = msgspec.json.decode(self.asked or "{}")
        return fields

    def message(self) -> Message:
        """As it is told to a provider."""
        if self.said is not None:
            return _said.decode(self.said)
        if '"tool-call"' not in self.entries:  # quick to see, and most have none
            return Message(cast(Role, self.role), self.content)
        return Message("assistant", self.content, tool_calls=transcript_of(self.stored_entries()).open_calls())
