"""The tables of the files that people upload."""

from sqlalchemy import ColumnElement, ForeignKey, Index, exists
from sqlalchemy.orm import Mapped, mapped_column

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


def is_unsent() -> ColumnElement[bool]:
    """Whether an upload belongs to no message."""
    return ~exists().where(AttachmentRow.file_id == UploadRow.id)
