"""The tables of those who may come in, as SQLAlchemy sees them. Of a secret they hold the hash."""

from typing import cast

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from chatapp.storage import BrowserSession, Key, Role, Share
from chatapp.storage.tables import Base


class KeyRow(Base):
    """A revoked key stays, so that the list can say when it ended."""

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    hash: Mapped[str]
    created: Mapped[float]  # seconds since the epoch, as all times here
    expires: Mapped[float | None]
    revoked: Mapped[float | None]

    __table_args__ = (Index("keys_by_hash", "hash", unique=True), Index("keys_by_name", "name"))

    def value(self) -> Key:
        return Key(
            id=self.id,
            name=self.name,
            role=cast(Role, self.role),
            hash=self.hash,
            created=self.created,
            expires=self.expires,
            revoked=self.revoked,
        )


class SessionRow(Base):
    """A browser that has signed in; with a key, or by a company's login."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(primary_key=True)
    hash: Mapped[str]
    owner: Mapped[str]
    role: Mapped[str]
    key_id: Mapped[str | None] = mapped_column(ForeignKey("keys.id", ondelete="CASCADE"))
    created: Mapped[float]
    expires: Mapped[float]

    __table_args__ = (Index("sessions_by_hash", "hash", unique=True), Index("sessions_by_key", "key_id"))

    def value(self) -> BrowserSession:
        return BrowserSession(self.id, self.hash, self.owner, cast(Role, self.role))


class ShareRow(Base):
    """A read-only link to a conversation or to one answer: exactly one of the two is set."""

    __tablename__ = "shares"

    id: Mapped[str] = mapped_column(primary_key=True)
    hash: Mapped[str]
    owner: Mapped[str]
    conversation_id: Mapped[str | None] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    message_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    created: Mapped[float]

    __table_args__ = (
        Index("shares_by_hash", "hash", unique=True),
        Index("shares_by_conversation", "conversation_id", unique=True),
        Index("shares_by_message", "message_id", unique=True),
    )

    def value(self) -> Share:
        return Share(self.id, self.hash, self.owner, self.conversation_id, self.message_id, self.created)


class TicketRow(Base):
    """Lets its bearer be somebody for one request."""

    __tablename__ = "tickets"

    hash: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    role: Mapped[str]
    credential: Mapped[str]
    path: Mapped[str]
    expires: Mapped[float]
