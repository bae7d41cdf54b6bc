"""The tables of those who may come in, as SQLAlchemy sees them. Of a secret they hold the hash."""

from typing import cast

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from chatapp.storage import BrowserSession, Key, Role
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
