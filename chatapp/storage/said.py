"""Stores what a client said: thousands of messages at once, if it brings a conversation with it.

As objects of the ORM they would take a quarter of a millisecond each, in one go. So they are
inserted as values, and other greenlets run in between. The transaction stays open meanwhile: who
else writes waits for it (`retry_while_busy`).
"""

from collections.abc import Sequence
from functools import partial
from typing import cast

import msgspec
from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from chatapp.chat import Attachment, Message
from chatapp.hub import let_others_run
from chatapp.ids import new_id
from chatapp.storage import StoredMessage, large_writes
from chatapp.storage.beginning import connection_of
from chatapp.storage.files import link_files
from chatapp.storage.history import newest_id
from chatapp.storage.tables import MessageRow

_ADD = insert(cast(Table, MessageRow.__table__))

SLICE = 100  # messages: about a millisecond


def insert_said(
    session: Session, conversation_id: str, owner: str, now: float, said: Sequence[Message], parent: str | None
) -> list[StoredMessage]:
    """Store the messages behind `parent`, in their order; return them as they are stored."""
    connection, stored = connection_of(session), list[StoredMessage]()
    newest = newest_id(session, conversation_id)
    for start in range(0, len(said), SLICE):
        if start:
            let_others_run()
        made = []
        for message in said[start : start + SLICE]:
            made.append(_stored(message, conversation_id, now, newest, parent))
            parent = made[-1].id
        rows = [{**msgspec.structs.asdict(each), "owner": owner, "status": "done"} for each in made]
        size = sum(len(each.content) + len(each.said or "") for each in made)
        large_writes.write(connection, size, partial(connection.execute, _ADD, rows))
        stored += made
    link_files(session, owner, _attached(stored, said))
    return stored


def _attached(stored: Sequence[StoredMessage], said: Sequence[Message]) -> dict[str, list[Attachment]]:
    return {row.id: files for row, message in zip(stored, said, strict=True) if (files := message.attachments)}


def _stored(message: Message, conversation_id: str, now: float, newest: str, parent: str | None) -> StoredMessage:
    whole = message != Message(message.role, message.text)
    return StoredMessage(
        id=new_id("msg", after=newest),
        conversation_id=conversation_id,
        role=message.role,
        content=message.text,
        created=now,
        parent=parent,
        said=msgspec.json.encode(message).decode() if whole else None,
    )
