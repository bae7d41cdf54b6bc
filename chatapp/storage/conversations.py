"""Conversations and messages in SQL: SQLite by default, any database SQLAlchemy knows by URL.

It owns what people said and what they were answered, and to whom it belongs. It knows no log and no provider: an
answer is given to it as a transcript. Every row has an owner; `NotFound` is the answer to anyone else, so that
ids tell nothing.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from chatapp.chat import Message
from chatapp.errors import DatabaseUnavailable, InvalidField, NotFound
from chatapp.events import RunEnd
from chatapp.ids import new_id
from chatapp.storage.history import newest_id, shown, told
from chatapp.storage.placement import known_session, owned_conversation, place
from chatapp.storage.question import Begun, Question
from chatapp.storage.tables import ConversationRow, MessageRow
from chatapp.transcript import Transcript, transcript_of

logger = logging.getLogger(__name__)


class Conversations:
    """All methods commit before they return; they block only for a small transaction. Any raises DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._session = sessionmaker(engine, expire_on_commit=False)

    def begin(self, question: Question) -> Begun:
        """Store the user's messages and an empty answer; return it with the whole history for the provider."""
        try:
            with self._transaction() as session:
                return _found(session, question) or self._begin(session, question)
        except IntegrityError:  # the same idempotency key, or a new session's id, at the same time
            with self._transaction() as session:
                return _found(session, question) or self._begin(session, question)

    def found(self, owner: str, idempotency_key: str, request_hash: str) -> Begun | None:
        """What was begun with this key. Raises InvalidField where that was asked for with another request."""
        with self._transaction() as session:
            return _keyed(session, owner, idempotency_key, request_hash)

    def finish(self, answer_id: str, transcript: Transcript) -> None:
        """Store the answer. An answer whose conversation was deleted meanwhile is dropped."""
        entries = msgspec.json.encode(transcript.entries).decode()
        values = {"status": "done", "content": transcript.content, "entries": entries}
        with self._transaction() as session:
            session.execute(update(MessageRow).where(MessageRow.id == answer_id).values(values))

    def kept_end(self, answer_id: str) -> RunEnd | None:
        """How a finished answer ended."""
        with self._transaction() as session:
            answer = session.get(MessageRow, answer_id)
            return None if answer is None else transcript_of(answer.stored_entries()).end

    def unfinished(self, before: float) -> Sequence[str]:
        """Ids of answers that were begun before this time and not finished."""
        query = select(MessageRow.id).where(MessageRow.status == "running", MessageRow.created < before)
        with self._transaction() as session:
            return session.scalars(query).all()

    def recent(self, owner: str, limit: int = 200) -> list[dict[str, Any]]:
        """The owner's conversations, the last used first."""
        query = select(ConversationRow).where(ConversationRow.owner == owner).order_by(ConversationRow.updated.desc())
        with self._transaction() as session:
            return [conversation.to_json() for conversation in session.scalars(query.limit(limit))]

    def get(self, owner: str, conversation_id: str) -> tuple[dict[str, Any], list[MessageRow]]:
        """The conversation and the messages it shows, in order."""
        with self._transaction() as session:
            conversation = owned_conversation(session, owner, conversation_id)
            return conversation.to_json(), list(session.scalars(shown(conversation_id)))

    def message(self, owner: str, message_id: str) -> MessageRow:
        """The one place where it is decided who may see, follow, resume or cancel a run."""
        with self._transaction() as session:
            message = session.get(MessageRow, message_id)
            if message is None or message.owner != owner:
                raise NotFound("no such message")
            return message

    def session_answer(self, owner: str, session_id: str) -> MessageRow | None:
        """The newest answer in the conversation that its owner calls so."""
        with self._transaction() as session:
            conversation = known_session(session, owner, session_id)
            if conversation is None:
                return None
            answers = shown(conversation.id).where(MessageRow.role == "assistant", MessageRow.provider.is_not(None))
            newest: MessageRow | None = session.scalar(answers.order_by(None).order_by(MessageRow.id.desc()).limit(1))
            return newest

    def come_back(self, answer_id: str) -> int:
        """The client that began this run was cut off and is here again: for the how-manieth time."""
        returned = update(MessageRow).where(MessageRow.id == answer_id).values(returns=MessageRow.returns + 1)
        with self._transaction() as session:
            return session.execute(returned.returning(MessageRow.returns)).scalar_one()

    def returns(self, answer_id: str) -> int:
        """How often it came back so far."""
        with self._transaction() as session:
            return session.scalar(select(MessageRow.returns).where(MessageRow.id == answer_id)) or 0

    def rename(self, owner: str, conversation_id: str, title: str) -> dict[str, Any]:
        with self._transaction() as session:
            conversation = owned_conversation(session, owner, conversation_id)
            conversation.title = title
            return conversation.to_json()

    def delete(self, owner: str, conversation_id: str) -> list[str]:
        """Delete it with all its messages; return the ids of the runs that were still going on."""
        with self._transaction() as session:
            conversation = owned_conversation(session, owner, conversation_id)
            in_it = MessageRow.conversation_id == conversation_id
            running = list(session.scalars(select(MessageRow.id).where(in_it, MessageRow.status == "running")))
            session.execute(delete(MessageRow).where(in_it))
            session.delete(conversation)
            return running

    def ping(self) -> None:
        """Prove that the database answers."""
        with self._transaction() as session:
            session.execute(select(1))

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        try:
            with self._session.begin() as session:
                yield session
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            logger.error("the database failed: %s", error)
            raise DatabaseUnavailable("the conversations cannot be read or written now") from None

    def _begin(self, session: Session, question: Question) -> Begun:
        now = time.time()
        conversation, history = place(session, question, now)
        row = partial(_row, question.owner, conversation, now, newest_id(session, conversation))
        said = [_said(row(message.role), message) for message in question.messages] if conversation else []
        answer = row("assistant")
        answer.status = "running"
        answer.provider, answer.model, answer.result_mode = question.provider, question.model, question.result_mode
        answer.idempotency_key, answer.request_hash = question.idempotency_key, question.request_hash
        answer.asked = msgspec.json.encode(question.asked).decode() if question.asked else None
        session.add_all([*said, answer])
        messages = told(history, question.messages)
        if not messages:
            raise InvalidField("retry_of: there is nothing before this answer")
        return Begun(answer.id, answer.conversation_id, answer.result_mode, messages)


def _found(session: Session, question: Question) -> Begun | None:
    if question.idempotency_key is None:
        return None
    return _keyed(session, question.owner, question.idempotency_key, question.request_hash)


def _keyed(session: Session, owner: str, key: str, request_hash: str | None) -> Begun | None:
    answer = session.scalar(select(MessageRow).where(MessageRow.owner == owner, MessageRow.idempotency_key == key))
    if answer is None:
        return None
    if answer.request_hash is not None and answer.request_hash != request_hash:
        raise InvalidField("Idempotency-Key: another request came with this key; a new one needs a key of its own")
    return Begun(answer.id, answer.conversation_id, answer.result_mode, [], found=True)


def _said(row: MessageRow, message: Message) -> MessageRow:
    row.content = message.text
    if message != Message(message.role, message.text):
        row.said = msgspec.json.encode(message).decode()
    return row


def _row(owner: str, conversation: ConversationRow | None, now: float, newest: str, role: str) -> MessageRow:
    return MessageRow(
        id=new_id("msg", after=newest),
        conversation_id=conversation.id if conversation else None,
        owner=owner,
        role=role,
        status="done",
        created=now,
    )
