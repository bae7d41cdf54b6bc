"""Files of answers, kept beside the compacted log and put back into it. All take an open
session."""

from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy import insert, literal, select
from sqlalchemy.orm import Session

from chatapp.events import Entry, File
from chatapp.storage.tables import FileRow


def without_bytes(entries: Sequence[Entry]) -> list[Entry]:
    """The entries as they are stored in a message's row."""
    return [_with(entry, entry.event, b"") if _holds_bytes(entry) else entry for entry in entries]  # type: ignore[arg-type]


def keep_files(session: Session, answer_id: str, entries: Sequence[Entry]) -> None:
    """Store the bytes of an answer that is finished now; again if it is finished again."""
    for entry in entries:
        event = entry.event
        if isinstance(event, File) and event.bytes:
            session.merge(FileRow(run_id=answer_id, file_id=event.id, data=event.bytes))


def copy_files(session: Session, answer_id: str, copy_id: str) -> None:
    """For a copy of the answer, whose row is in the database."""
    rows = select(literal(copy_id), FileRow.file_id, FileRow.data).where(FileRow.run_id == answer_id)
    session.execute(insert(FileRow).from_select(["run_id", "file_id", "data"], rows))


def with_bytes(session: Session, answer_id: str, entries: Sequence[Entry]) -> list[Entry]:
    """The entries with the bytes of their files."""
    if not any(isinstance(entry.event, File) for entry in entries):
        return list(entries)
    rows = session.execute(select(FileRow.file_id, FileRow.data).where(FileRow.run_id == answer_id))
    data = {file_id: content for file_id, content in rows}
    return [
        _with(entry, event, data[event.id]) if isinstance(event := entry.event, File) and event.id in data else entry
        for entry in entries
    ]


def _holds_bytes(entry: Entry) -> bool:
    return isinstance(entry.event, File) and bool(entry.event.bytes)


def _with(entry: Entry, file: File, content: bytes) -> Entry:
    return replace(entry, event=replace(file, bytes=content))
