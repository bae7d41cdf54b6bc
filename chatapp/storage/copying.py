"""Copies the messages of a path into a conversation of their own, some at a time."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from chatapp.hub import let_others_run
from chatapp.ids import new_id
from chatapp.storage import large_writes
from chatapp.storage.beginning import connection_of
from chatapp.storage.files import copy_files
from chatapp.storage.tables import MessageRow

SLICE = 20  # messages that are copied in one go: long answers take a ms for each 100 KB
COPIED = (
    MessageRow.id,
    MessageRow.owner,
    MessageRow.role,
    MessageRow.status,
    MessageRow.content,
    MessageRow.entries,
    MessageRow.provider,
    MessageRow.model,
    MessageRow.result_mode,
    MessageRow.said,
    MessageRow.created,
    MessageRow.continues,
)


def copy_path(session: Session, path: Sequence[str], conversation_id: str) -> None:
    parent: str | None = None
    for start in range(0, len(path), SLICE):
        copies, ids = [], {}
        some = select(*COPIED).where(MessageRow.id.in_(path[start : start + SLICE]))
        for row in session.execute(some.order_by(MessageRow.id)).mappings():
            ids[row["id"]] = id = new_id("msg", after=parent or "")
            place = {"id": id, "conversation_id": conversation_id, "parent": parent, "superseded": False}
            copies.append({**row, **place})
            parent = id
        size = sum(len(copy["content"]) + len(copy["entries"]) for copy in copies)
        large_writes.write(connection_of(session), size, partial(session.execute, insert(MessageRow), copies))
        copy_files(session, ids)
        let_others_run()
