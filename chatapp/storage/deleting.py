"""Deleted conversations: nobody sees them, their owner can bring them back for a while, and then
they end for good, as a message does that is deleted alone. Files go with the last message that has
them."""

import time
from collections.abc import Callable, Sequence
from functools import partial

import gevent
from sqlalchemy import Engine, delete, select, text
from sqlalchemy.orm import Session

from chatapp.errors import NotFound
from chatapp.hub import let_others_run
from chatapp.storage import Conversation, large_writes
from chatapp.storage.beginning import connection_of
from chatapp.storage.tables import IS_RUNNING, ConversationRow, MessageRow
from chatapp.storage.transactions import Transactions
from chatapp.storage.upload_tables import AttachmentRow, UploadRow, is_kept, is_unsent

SLICE = 20  # messages that are deleted in one go: long answers take a ms for each 100 KB
PAUSE_S = 0.005  # between two of them, in which others write
ENDS = 0.0
"""As the time at which a conversation was deleted: some of its messages are gone for good, so it
cannot be brought back."""


class Deletion:
    """All raise DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "the conversations are")

    def delete(self, owner: str, conversation_id: str) -> list[str]:
        """Nobody sees it any more; return the ids of the runs that are still going on in it. Raises
        NotFound."""
        with self._transaction() as session:
            _owned(session, owner, conversation_id, deleted=False).deleted = time.time()
            in_it = MessageRow.owner == owner, MessageRow.conversation_id == conversation_id
            return list(session.scalars(select(MessageRow.id).where(*in_it, text(IS_RUNNING))))

    def restore(self, owner: str, conversation_id: str) -> Conversation:
        """It is as it was before. Raises NotFound, also once it has ended for good."""
        with self._transaction() as session:
            conversation = _owned(session, owner, conversation_id, deleted=True)
            conversation.deleted = None
            return conversation.value()

    def end(self, before: float, pause: Callable[[float], object] = gevent.sleep) -> int:
        """Delete for good what was deleted before this time; return how many conversations. A
        `pause` that returns something true ends it early."""
        # Its owner may bring one back right now: Postgres sees that once it is locked.
        due = select(ConversationRow).where(ConversationRow.deleted < before).limit(1).with_for_update(skip_locked=True)
        count = 0
        while True:
            with self._transaction() as session:
                if (conversation := session.scalar(due)) is None:
                    return count
                conversation.deleted = ENDS
                if _delete_some(session, conversation.id) < SLICE:
                    session.delete(conversation)
                    count += 1
            if pause(PAUSE_S):
                return count


def end_conversation(session: Session, conversation_id: str) -> None:
    """For good, with all its messages; nothing if there is none. Others run in between, but writers
    wait for the end of the transaction."""
    while _delete_some(session, conversation_id) == SLICE:
        let_others_run()
    session.execute(delete(ConversationRow).where(ConversationRow.id == conversation_id))
    session.expire_all()


def delete_messages(session: Session, ids: Sequence[str]) -> None:
    """For good, with the files that no other message has. Others run in between."""
    for start in range(0, len(ids), SLICE):
        if start:
            let_others_run()
        _delete_slice(session, ids[start : start + SLICE])


def end_if_deleted(session: Session, conversation_id: str) -> None:
    """Makes room for a new one with the same id."""
    conversation = session.get(ConversationRow, conversation_id, with_for_update=True)  # it may be brought back now
    if conversation is not None and conversation.deleted is not None:
        end_conversation(session, conversation_id)


def is_deleted(session: Session, message: MessageRow) -> bool:
    """Whether its conversation is."""
    if message.conversation_id is None:
        return False
    deleted = select(ConversationRow.deleted).where(ConversationRow.id == message.conversation_id)
    return session.scalar(deleted) is not None


def _delete_some(session: Session, conversation_id: str) -> int:
    """Messages of the conversation; return how many, `SLICE` if there may be more."""
    first = select(MessageRow.id).where(MessageRow.conversation_id == conversation_id).limit(SLICE)
    ids = list(session.scalars(first))
    _delete_slice(session, ids)
    return len(ids)


def _delete_slice(session: Session, ids: Sequence[str]) -> None:
    those = MessageRow.id.in_(ids)
    query = (
        select(UploadRow.id, UploadRow.size_bytes)
        .join(AttachmentRow, AttachmentRow.file_id == UploadRow.id)
        .join(MessageRow, MessageRow.id == AttachmentRow.message_id)
        .where(those, UploadRow.owner == MessageRow.owner)
        .order_by(UploadRow.id)
        .with_for_update(of=UploadRow)  # a message may be given one right now: then it stays
    )
    sizes = {row.id: row.size_bytes for row in session.execute(query)}
    session.execute(delete(MessageRow).where(those))
    if sizes:
        files = delete(UploadRow).where(UploadRow.id.in_(sizes), is_unsent(), ~is_kept(time.time()))
        large_writes.write(connection_of(session), sum(sizes.values()), partial(session.execute, files))


def _owned(session: Session, owner: str, conversation_id: str, deleted: bool) -> ConversationRow:
    conversation = session.get(ConversationRow, conversation_id, with_for_update=True)
    is_deleted = conversation is not None and conversation.deleted is not None
    if conversation is None or conversation.owner != owner or is_deleted != deleted or conversation.deleted == ENDS:
        raise NotFound("no such conversation" if not deleted else "no such conversation that can be brought back")
    return conversation
