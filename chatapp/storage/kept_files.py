"""The files that an owner keeps under their ids, to name them in many requests: until they are
deleted, or expire.

Everybody but the owner gets NotFound. A file that messages have stays with them after that, and
only there.
"""

import time
from typing import Any, NamedTuple

from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.orm import Session

from chatapp.chat import Attachment
from chatapp.errors import LimitExceeded, NotFound
from chatapp.events import File
from chatapp.storage.transactions import Transactions, lock_owner
from chatapp.storage.upload_tables import UploadFactRow, UploadRow, is_gone, is_listed, is_unsent
from chatapp.storage.uploads import ABSENT, COLUMNS, insert_upload, with_data


class KeptFile(NamedTuple):
    """`purpose` is the client's word; a file that came with a question has none. The times are in
    seconds since the epoch."""

    file: Attachment
    created: float
    purpose: str | None
    expires: float | None


class KeptFiles:
    """All raise DatabaseUnavailable. An owner keeps at most `max_files`."""

    def __init__(self, engine: Engine, max_files: int) -> None:
        self._transaction = Transactions(engine, "the files are")
        self._max_files = max_files

    def add(
        self, owner: str, file: Attachment, data: bytes, text: str | None, purpose: str, expires: float | None
    ) -> KeptFile:
        """Raises LimitExceeded."""
        with self._transaction() as session:
            self._refuse_many(session, owner)
            created = insert_upload(session, owner, file, data, text)
            session.add(UploadFactRow(file_id=file.id, owner=owner, purpose=purpose, expires=expires))
        return KeptFile(file, created, purpose, expires)

    def get(self, owner: str, file_id: str) -> KeptFile:
        """Any file of the owner's that was not given up. Raises NotFound."""
        with self._transaction.reading() as session:
            return _found(session, owner, file_id)

    def file(self, owner: str, file_id: str) -> File:
        """The same, with its bytes."""
        with self._transaction.reading() as session:
            return with_data(session, _found(session, owner, file_id).file)

    def page(
        self,
        owner: str,
        limit: int,
        after: str = "",
        before: str = "",
        oldest_first: bool = False,
        purpose: str | None = None,
    ) -> tuple[list[KeptFile], bool]:
        """Those that the owner keeps, the newest first unless told otherwise, that come `after` one
        or right `before` another; and whether there are more of them."""
        back = bool(before and not after)
        rising, cursor = oldest_first != back, before if back else after
        query = _with_facts(owner).where(is_listed(time.time()))
        if purpose is not None:
            query = query.where(UploadFactRow.purpose == purpose)
        if cursor:
            query = query.where(UploadRow.id > cursor if rising else UploadRow.id < cursor)
        query = query.order_by(UploadRow.id if rising else UploadRow.id.desc()).limit(limit + 1)
        with self._transaction.reading() as session:
            rows = [_kept(row) for row in session.execute(query)]
        page = rows[:limit]
        return page[::-1] if back else page, len(rows) > limit

    def delete(self, owner: str, file_id: str) -> None:
        """Raises NotFound."""
        with self._transaction() as session:
            _found(session, owner, file_id, locked=True)
            given_up = update(UploadFactRow).where(UploadFactRow.file_id == file_id).values(deleted=True)
            if not session.execute(given_up.returning(UploadFactRow.file_id)).first():
                session.add(UploadFactRow(file_id=file_id, owner=owner, deleted=True))
                session.flush()
            session.execute(delete(UploadRow).where(UploadRow.id == file_id, is_unsent()))

    def _refuse_many(self, session: Session, owner: str) -> None:
        lock_owner(session, owner, "files")
        kept = select(func.count()).select_from(UploadFactRow).where(UploadFactRow.owner == owner)
        count = session.scalar(kept.where(is_listed(time.time()))) or 0
        if count >= self._max_files:
            raise LimitExceeded(
                f"file: {count} files are kept; the limit is {self._max_files} (setting max_kept_files); delete some"
            )


def _found(session: Session, owner: str, file_id: str, locked: bool = False) -> KeptFile:
    query = _with_facts(owner).where(UploadRow.id == file_id, ~is_gone(time.time()))
    if locked:
        query = query.with_for_update(of=UploadRow)
    row = session.execute(query).first()
    if row is None:
        raise NotFound(ABSENT)
    return _kept(row)


def _with_facts(owner: str) -> Any:
    facts = UploadFactRow
    query = select(*COLUMNS, UploadRow.created, facts.purpose, facts.expires)
    return query.outerjoin(facts, facts.file_id == UploadRow.id).where(UploadRow.owner == owner)


def _kept(row: Any) -> KeptFile:
    return KeptFile(Attachment(*row[:5]), *row[5:])
