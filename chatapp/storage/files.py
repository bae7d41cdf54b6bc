"""Files of answers, kept beside the compacted log and put back into it. All take an open
session.

SQLite reads and writes a large file in pieces: its calls hold up all greenlets while they run. The
lock of the database stays taken meanwhile.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, delete, func, insert, literal, literal_column, select
from sqlalchemy.orm import Session

from chatapp.events import Entry, File
from chatapp.large_values import PIECE_BYTES, slices
from chatapp.storage.tables import FileRow

ROWID: ColumnElement[int] = literal_column("rowid")


def without_bytes(entries: Sequence[Entry]) -> list[Entry]:
    """The entries as they are stored in a message's row."""
    return [_with(entry, entry.event, b"") if _holds_bytes(entry) else entry for entry in entries]  # type: ignore[arg-type]


def keep_files(session: Session, answer_id: str, entries: Sequence[Entry]) -> None:
    """Store the bytes of an answer that is finished now; again if it is finished again."""
    for entry in entries:
        event = entry.event
        if not isinstance(event, File) or not event.bytes:
            continue
        if _in_pieces(session) and len(event.bytes) > PIECE_BYTES:
            _write(session, answer_id, event)
        else:
            session.merge(FileRow(run_id=answer_id, file_id=event.id, data=event.bytes))


def copy_files(session: Session, answer_id: str, copy_id: str) -> None:
    """For a copy of the answer, whose row is in the database."""
    rows = select(literal(copy_id), FileRow.file_id, FileRow.data).where(FileRow.run_id == answer_id)
    session.execute(insert(FileRow).from_select(["run_id", "file_id", "data"], rows))


def with_bytes(session: Session, answer_id: str, entries: Sequence[Entry]) -> list[Entry]:
    """The entries with the bytes of their files."""
    if not any(isinstance(entry.event, File) for entry in entries):
        return list(entries)
    data = _data(session, answer_id)
    return [
        _with(entry, event, data[event.id]) if isinstance(event := entry.event, File) and event.id in data else entry
        for entry in entries
    ]


def _data(session: Session, answer_id: str) -> dict[str, bytes]:
    """The bytes of an answer's files by their ids."""
    if _in_pieces(session):
        places = session.execute(select(FileRow.file_id, ROWID).where(FileRow.run_id == answer_id)).all()
        return {file_id: _read(session, rowid) for file_id, rowid in places}
    rows = session.execute(select(FileRow.file_id, FileRow.data).where(FileRow.run_id == answer_id))
    return {file_id: content for file_id, content in rows}


def _write(session: Session, answer_id: str, file: File) -> None:
    key = {"run_id": answer_id, "file_id": file.id}
    session.execute(delete(FileRow).filter_by(**key))
    session.execute(insert(FileRow).values(**key, data=func.zeroblob(len(file.bytes))))
    rowid = session.scalar(select(ROWID).select_from(FileRow).filter_by(**key))
    with _blob(session, rowid) as blob:
        for piece in slices(len(file.bytes)):
            blob.write(file.bytes[piece])


def _read(session: Session, rowid: int) -> bytes:
    with _blob(session, rowid, readonly=True) as blob:
        return b"".join(blob.read(PIECE_BYTES) for _ in slices(len(blob)))


def _blob(session: Session, rowid: int | None, readonly: bool = False) -> Any:
    driver: Any = session.connection().connection.driver_connection
    return driver.blobopen(FileRow.__tablename__, "data", rowid, readonly=readonly)


def _in_pieces(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _holds_bytes(entry: Entry) -> bool:
    return isinstance(entry.event, File) and bool(entry.event.bytes)


def _with(entry: Entry, file: File, content: bytes) -> Entry:
    return replace(entry, event=replace(file, bytes=content))
