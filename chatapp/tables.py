"""The tables of the conversations, as SQLAlchemy sees them; `migrations/` makes them. They hold and do nothing."""

from typing import Any

import msgspec
from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chatapp.events import Entry

_entries = msgspec.json.Decoder(list[Entry])


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


class MessageRow(Base):
    """A user's or system's message, or an answer: then its id is its run's id.

    `entries` is the compacted log (JSON of [seq, event] pairs), `content` its text; both are empty while the run
    goes on. `superseded` answers were made anew: they are kept, and no longer shown. Order by id is the order
    of the conversation. A message without a conversation belongs to a request that named none.
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
    returns: Mapped[int] = mapped_column(default=0, server_default="0")  # of the client that began the run
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

    def stored_entries(self) -> list[Entry]:
        return _entries.decode(self.entries)
