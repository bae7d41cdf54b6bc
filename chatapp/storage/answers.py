"""Stores an answer that begins, with its receipt, and one that has ended: values, in statements
that are made once.

As objects of the ORM they would be the dearest part of a run's start and end.
"""

from typing import cast

import msgspec
from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from chatapp.errors import InvalidField, NotFound
from chatapp.storage import Answer, Begun
from chatapp.storage.beginning import connection_of
from chatapp.storage.deleting import is_deleted
from chatapp.storage.tables import MessageRow, ReceiptRow

_MESSAGES = cast(Table, MessageRow.__table__)
_ADD_ANSWER = insert(_MESSAGES)
_OPEN_RECEIPT = insert(cast(Table, ReceiptRow.__table__))

_FINISH = update(_MESSAGES).where(_MESSAGES.c.id == bindparam("answer"))


def insert_answer(session: Session, answer: Answer, key: str | None, fingerprint: str | None) -> None:
    """Raises IntegrityError if the owner has used the idempotency `key`."""
    row = {
        "id": answer.id,
        "conversation_id": answer.conversation_id,
        "owner": answer.owner,
        "role": answer.role,
        "status": "running",
        "provider": answer.provider,
        "model": answer.model,
        "result_mode": answer.result_mode,
        "idempotency_key": key,
        "request_hash": fingerprint,
        "asked": msgspec.json.encode(answer.repeated).decode() if answer.repeated else None,
        "created": answer.created,
        "parent": answer.parent,
        "continues": answer.continues,
    }
    receipt = {
        "run_id": answer.id,
        "owner": answer.owner,
        "provider": answer.provider,
        "model": answer.model or "",
        "begun": answer.created,
    }
    connection = connection_of(session)
    connection.execute(_ADD_ANSWER, row)
    connection.execute(_OPEN_RECEIPT, receipt)


def finish_answer(session: Session, answer_id: str, content: str, entries: str) -> bool:
    """False if it was deleted meanwhile."""
    values = {"answer": answer_id, "status": "done", "content": content, "entries": entries}
    return connection_of(session).execute(_FINISH, values).rowcount > 0


def find_begun(session: Session, owner: str, key: str, fingerprint: str) -> Begun | None:
    """What `Conversations.find` finds."""
    answer = session.scalar(select(MessageRow).where(MessageRow.owner == owner, MessageRow.idempotency_key == key))
    if answer is None:
        return None
    if answer.request_hash is not None and answer.request_hash != fingerprint:
        raise InvalidField("Idempotency-Key: already used for a different request; use a new key")
    if is_deleted(session, answer):
        raise NotFound("Idempotency-Key: the answer that it began was deleted; use a new key")
    return Begun(as_answer(answer), found=True)


def as_answer(row: MessageRow) -> Answer:
    value = row.value()
    assert isinstance(value, Answer)
    return value
