"""The answers of all owners, for the operator on the machine; no request comes here. It only
reads."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from chatapp.errors import DatabaseUnavailable, NotFound
from chatapp.events import Entry
from chatapp.storage import Answer
from chatapp.storage.files import with_bytes
from chatapp.storage.tables import MessageRow

PART = 50  # answers that are read at a time; each may be long
LAST_CHARACTER = "\U0010ffff"  # sorts behind every other


class EveryOwner:
    """All methods raise DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._session = sessionmaker(engine, expire_on_commit=False)

    def answer(self, answer_id: str) -> Answer:
        """Raises NotFound."""
        with self._transaction() as session:
            row = session.get(MessageRow, answer_id)
            value = row and row.value()
        if not isinstance(value, Answer):
            raise NotFound(f"no such run: {answer_id}")
        return value

    def answers(self, owner: str | None = None) -> Iterator[Answer]:
        """The newest first; with `owner`, that one's."""
        newest_first = select(MessageRow).where(MessageRow.role == "assistant", MessageRow.provider.is_not(None))
        if owner is not None:
            newest_first = newest_first.where(MessageRow.owner == owner)
        newest_first = newest_first.order_by(MessageRow.id.desc()).limit(PART)
        last: str | None = LAST_CHARACTER
        while last is not None:
            with self._transaction() as session:
                rows = session.scalars(newest_first.where(MessageRow.id < last)).all()
                part = [value for row in rows if isinstance(value := row.value(), Answer)]
            yield from part
            last = part[-1].id if len(part) == PART else None

    def entries(self, answer: Answer) -> list[Entry]:
        """The compacted log with the bytes of its files."""
        entries = answer.entries()
        with self._transaction() as session:
            return with_bytes(session, answer.id, entries)

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        try:
            with self._session.begin() as session:
                yield session
        except SQLAlchemyError as error:
            raise DatabaseUnavailable(f"the database cannot be read: {type(error).__name__}") from None
