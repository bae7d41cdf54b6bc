"""Files of answers, kept beside the compacted log and put back into it; and the links to the files
that questions came with. All take an open session."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace
from sqlalchemy import delete, func, insert, literal, select, text
from sqlalchemy.orm import Session

from chatapp.chat import Attachment
from chatapp.errors import NotFound
from chatapp.events import Entry, File
from chatapp.hub import let_others_run
from chatapp.storage.blobs import data_by, insert_data
from chatapp.storage.tables import IS_SHOWN, FileRow, MessageRow
from chatapp.storage.upload_tables import AttachmentRow, UploadRow

SLICE = 500  # messages whose files are counted in one go


def without_bytes(entries: Sequence[Entry]) -> list[Entry]:
    """The entries as they are stored in a message's row."""
    return [_with(entry, entry.event, b"") if _holds_bytes(entry) else entry for entry in entries]  # type: ignore[arg-type]


def keep_files(session: Session, answer_id: str, entries: Sequence[Entry]) -> None:
    """Store the bytes of an answer that is finished now; again if it is finished again."""
    for entry in entries:
        event = entry.event
        if isinstance(event, File) and event.bytes:
            key = {"run_id": answer_id, "file_id": event.id}
            session.execute(delete(FileRow).filter_by(**key))
            insert_data(session, FileRow, key, event.bytes)


def copy_files(session: Session, copies: Mapping[str, str]) -> None:
    """For copies of messages, whose rows are in the database: their ids by those of the
    messages."""
    for message_id in set(session.scalars(select(FileRow.run_id).where(FileRow.run_id.in_(copies)))):
        rows = select(literal(copies[message_id]), FileRow.file_id, FileRow.data).where(FileRow.run_id == message_id)
        session.execute(insert(FileRow).from_select(["run_id", "file_id", "data"], rows))
    linked = select(AttachmentRow.message_id, AttachmentRow.file_id).where(AttachmentRow.message_id.in_(copies))
    links = [{"message_id": copies[message_id], "file_id": file_id} for message_id, file_id in session.execute(linked)]
    if links:
        session.execute(insert(AttachmentRow), links)


def link_files(session: Session, owner: str, attached: Mapping[str, Sequence[Attachment]]) -> None:
    """Keep the uploaded files as long as the messages that they are attached to: files by the ids
    of messages. Raises NotFound for one that the owner does not have: it was deleted since it was
    found."""
    names = {file.id: file.name for files in attached.values() for file in files}
    if not names:
        return
    own = select(UploadRow.id).where(UploadRow.owner == owner, UploadRow.id.in_(names)).order_by(UploadRow.id)
    found = set(session.scalars(own.with_for_update(read=True, key_share=True)))  # nobody deletes them now
    gone = next((name for id, name in names.items() if id not in found), None)
    if gone is not None:
        raise NotFound(f"the file {gone} was deleted meanwhile; send it again")
    links = {(message_id, file.id): None for message_id, files in attached.items() for file in files}
    session.execute(insert(AttachmentRow), [{"message_id": message, "file_id": file} for message, file in links])


def attached_bytes(session: Session, conversation_id: str) -> int:
    """Of all files that the questions came with that a conversation shows. Others run in
    between."""
    shown = select(MessageRow.id).where(MessageRow.conversation_id == conversation_id, text(IS_SHOWN))
    sizes = select(func.sum(UploadRow.size_bytes)).join(AttachmentRow, AttachmentRow.file_id == UploadRow.id)
    size, ids = 0, [*session.scalars(shown.order_by(MessageRow.id).limit(SLICE))]
    while ids:
        size += session.scalar(sizes.where(AttachmentRow.message_id.in_(ids))) or 0
        let_others_run()
        ids = [*session.scalars(shown.where(MessageRow.id > ids[-1]).order_by(MessageRow.id).limit(SLICE))]
    return size


def with_bytes(session: Session, answer_id: str, entries: Sequence[Entry]) -> list[Entry]:
    """The entries with the bytes of their files."""
    if not any(isinstance(entry.event, File) for entry in entries):
        return list(entries)
    data = data_by(session, FileRow.file_id, FileRow.run_id == answer_id)
    return [
        _with(entry, event, data[event.id]) if isinstance(event := entry.event, File) and event.id in data else entry
        for entry in entries
    ]


def _holds_bytes(entry: Entry) -> bool:
    return isinstance(entry.event, File) and bool(entry.event.bytes)


def _with(entry: Entry, file: File, content: bytes) -> Entry:
    return replace(entry, event=replace(file, bytes=content))
