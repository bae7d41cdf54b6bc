"""The tables beside the search index. The index itself, `search_terms`, is of a kind that each
database has for itself: see migration 0014."""

from sqlalchemy import BigInteger, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from chatapp.storage.tables import Base


class SearchQueueRow(Base):
    """A message to add to the index; with `gone`, its text, one to let go of. Triggers write it."""

    __tablename__ = "search_queue"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    message_id: Mapped[str]
    gone: Mapped[str | None]


class IndexedRow(Base):
    """A message that stands in the index under this number. The numbers grow as the ids do."""

    __tablename__ = "search_rows"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    message_id: Mapped[str]
    owner: Mapped[str]
    digest: Mapped[str]  # of the text, to let go of no other

    __table_args__ = (Index("search_rows_by_message", "message_id", unique=True),)
