"""The tables of the files that people upload."""

from sqlalchemy import ColumnElement, ForeignKey, Index, exists, false
from sqlalchemy.orm import Mapped, aliased, mapped_column

from chatapp.storage.tables import Base


class UploadRow(Base):
    """A file that somebody uploaded. `text` is what a PDF says; `chars` is the length of a file's
    text, 0 if it has none."""

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    name: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int]
    chars: Mapped[int]
    text: Mapped[str | None]
    created: Mapped[float]  # seconds since the epoch
    data: Mapped[bytes]

    __table_args__ = (Index("uploads_by_owner", "owner", "id"),)


class AttachmentRow(Base):
    """A message and a file that it came with. A file without such a row is on its way, or belongs
    to nothing any more."""

    __tablename__ = "attachments"

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True)

    __table_args__ = (Index("attachments_by_file", "file_id"),)


class UploadFactRow(Base):
    """What else is known of some files. `digest`: it came within a request, and the same one is not
    stored again. `purpose`: its owner keeps it until `expires`, or without an end, unless it is
    `deleted`; then it stays only with its messages."""

    __tablename__ = "upload_facts"

    file_id: Mapped[str] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True)
    owner: Mapped[str]
    digest: Mapped[str | None]
    purpose: Mapped[str | None]
    expires: Mapped[float | None]  # seconds since the epoch
    deleted: Mapped[bool] = mapped_column(default=False, server_default=false())

    __table_args__ = (Index("upload_facts_by_digest", "owner", "digest"),)


def is_listed(now: float, facts: type[UploadFactRow] = UploadFactRow) -> ColumnElement[bool]:
    """Whether a row of facts is that of a file that its owner keeps."""
    return facts.purpose.is_not(None) & facts.deleted.is_(False) & ((facts.expires > now) | facts.expires.is_(None))


def is_gone(now: float) -> ColumnElement[bool]:
    """Whether its owner has given an upload up."""
    facts = aliased(UploadFactRow)
    return exists().where(facts.file_id == UploadRow.id, facts.deleted | (facts.expires <= now)).correlate(UploadRow)


def is_kept(now: float) -> ColumnElement[bool]:
    """Whether an upload is kept without any message."""
    facts = aliased(UploadFactRow)
    return exists().where(facts.file_id == UploadRow.id, is_listed(now, facts)).correlate(UploadRow)


def is_unsent() -> ColumnElement[bool]:
    """Whether an upload belongs to no message."""
    return ~exists().where(AttachmentRow.file_id == UploadRow.id)
