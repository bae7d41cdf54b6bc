"""The files that people upload: kept while a message has them, and for a while before one does.

Everybody but the owner gets NotFound, so that ids tell nothing.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Engine, delete, exists, func, select, update
from sqlalchemy.orm import Session

from chatapp.chat import Attachment
from chatapp.errors import LimitExceeded, NotFound
from chatapp.events import File
from chatapp.hub.large_values import sha256_of
from chatapp.storage.blobs import data_by, insert_data
from chatapp.storage.transactions import Transactions, lock_owner
from chatapp.storage.upload_tables import AttachmentRow, UploadFactRow, UploadRow, is_gone, is_kept, is_unsent

ABSENT = "no such file"
FRESH_S = 3600.0  # after which a file that came again counts as new, against a day in which it may wait
COLUMNS = UploadRow.id, UploadRow.name, UploadRow.media_type, UploadRow.size_bytes, UploadRow.chars


class Content(NamedTuple):
    """The bytes of a file, and the text of a PDF."""

    data: bytes
    text: str | None


class Sent(NamedTuple):
    """A file that came within a request. `stored` is the time at which that stored it, None if the
    same was there."""

    file: Attachment
    stored: float | None

    @property
    def is_new(self) -> bool:
        return self.stored is not None


class Uploads:
    """All raise DatabaseUnavailable. An owner has at most `max_unsent` files that belong to no
    message."""

    def __init__(self, engine: Engine, max_unsent: int) -> None:
        self._transaction = Transactions(engine, "the files are")
        self._max_unsent = max_unsent

    def add(self, owner: str, file: Attachment, data: bytes, text: str | None) -> None:
        """`text` is what a PDF says. Raises LimitExceeded."""
        with self._transaction() as session:
            self._refuse_many(session, owner)
            insert_upload(session, owner, file, data, text)

    def keep(self, owner: str, file: Attachment, data: bytes, text: str | None) -> Sent:
        """A file that came within a request, to be linked to its message now; the one that is there
        if the same came before."""
        digest = sha256_of(data)
        with self._transaction.reading() as session:  # a history that is sent again must not write
            found = _same(session, owner, file.name, digest)
        if found is not None and found.is_linked and found.created > time.time() - FRESH_S:
            return Sent(Attachment(*found[:5]), None)
        with self._transaction() as session:
            if (found := _same(session, owner, file.name, digest)) is not None:
                # So that it does not go before it is linked, nor with the request that stored it.
                touched = update(UploadRow).where(UploadRow.id == found.id).values(created=time.time())
                if session.execute(touched.returning(UploadRow.id)).first():
                    return Sent(Attachment(*found[:5]), None)
            created = insert_upload(session, owner, file, data, text)
            session.add(UploadFactRow(file_id=file.id, owner=owner, digest=digest))
        return Sent(file, created)

    def drop(self, owner: str, sent: Sent) -> None:
        """A new one, unless a message has it, or it came again."""
        with self._transaction() as session:
            _delete_unsent(session, _owned(owner, [sent.file.id]), UploadRow.created == sent.stored)

    def attachments(self, owner: str, ids: Sequence[str]) -> dict[str, Attachment]:
        """Those that the owner has, and has not given up."""
        if not ids:
            return {}
        with self._transaction.reading() as session:
            rows = session.execute(select(*COLUMNS).where(_owned(owner, ids), ~is_gone(time.time())))
            return {row.id: Attachment(*row) for row in rows}

    def contents(self, owner: str, ids: Sequence[str]) -> dict[str, Content]:
        """Of those that the owner has."""
        with self._transaction.reading() as session:
            texts = {
                id: text for id, text in session.execute(select(UploadRow.id, UploadRow.text).where(_owned(owner, ids)))
            }
            data = data_by(session, UploadRow.id, _owned(owner, ids))
            return {id: Content(data[id], text) for id, text in texts.items() if id in data}

    def file(self, owner: str, file_id: str, message_id: str | None = None) -> File:
        """With its bytes; with `message_id`, one that came with this message, also if it was given
        up since. Raises NotFound."""
        attached = exists().where(AttachmentRow.message_id == message_id, AttachmentRow.file_id == file_id)
        with self._transaction.reading() as session:
            if message_id is not None and not session.scalar(select(attached)):
                raise NotFound(ABSENT)
            found = self._named(session, owner, file_id, is_known=message_id is None)
            return with_data(session, found)

    def delete(self, owner: str, file_id: str) -> None:
        """One that belongs to no message. Raises NotFound."""
        with self._transaction() as session:
            if not _delete_unsent(session, _owned(owner, [file_id])):
                raise NotFound(f"{ABSENT}, or it belongs to a message")

    def _named(self, session: Session, owner: str, file_id: str, is_known: bool) -> Attachment:
        """`is_known`: by its id alone, which a file that was given up is not."""
        query = select(*COLUMNS).where(_owned(owner, [file_id]))
        row = session.execute(query.where(~is_gone(time.time())) if is_known else query).first()
        if row is None:
            raise NotFound(ABSENT)
        return Attachment(*row)

    def _refuse_many(self, session: Session, owner: str) -> None:
        lock_owner(session, owner, "files")
        waits = UploadRow.owner == owner, is_unsent(), ~is_kept(time.time())
        count = session.scalar(select(func.count()).select_from(UploadRow).where(*waits))
        if (count or 0) >= self._max_unsent:
            raise LimitExceeded(
                f"file: {count} files wait to be sent; the limit is {self._max_unsent} (setting max_unsent_files); send "
                "or delete some"
            )


def with_data(session: Session, file: Attachment) -> File:
    """Raises NotFound if it was deleted since it was found: a transaction of Postgres may see
    that."""
    data = data_by(session, UploadRow.id, UploadRow.id == file.id).get(file.id)
    if data is None:
        raise NotFound(ABSENT)
    return File(id=file.id, media_type=file.media_type, name=file.name, bytes=data)


def _delete_unsent(session: Session, *which: ColumnElement[bool]) -> bool:
    """Return whether there was one, and no message has it."""
    # A message may be given it right now: Postgres looks for that anew only in the next statement.
    ids = session.scalars(select(UploadRow.id).where(*which).with_for_update()).all()
    gone = delete(UploadRow).where(UploadRow.id.in_(ids), is_unsent()).returning(UploadRow.id)
    return session.scalar(gone) is not None


def _same(session: Session, owner: str, name: str, digest: str) -> Any:
    """The columns of a file that came within a request, the time, and whether a message has it."""
    facts = UploadFactRow
    about = UploadRow.created, (~is_unsent()).label("is_linked")
    query = select(*COLUMNS, *about).join(facts, facts.file_id == UploadRow.id)
    is_same = facts.owner == owner, facts.digest == digest, facts.deleted.is_(False), UploadRow.name == name
    return session.execute(query.where(*is_same).limit(1)).first()


def insert_upload(session: Session, owner: str, file: Attachment, data: bytes, text: str | None) -> float:
    """Return the time."""
    created = time.time()
    values = {**msgspec.structs.asdict(file), "owner": owner, "text": text, "created": created}
    insert_data(session, UploadRow, values, data)
    return created


def _owned(owner: str, ids: Sequence[str]) -> ColumnElement[bool]:
    return (UploadRow.owner == owner) & UploadRow.id.in_(ids)
