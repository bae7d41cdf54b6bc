"""Conversations and messages in SQL: SQLite by default, any database SQLAlchemy knows by URL.

It owns what people said and what they were answered, and to whom it belongs. It knows no log and no provider: an
answer is given to it as a transcript. Every row has an owner; `NotFound` is the answer to anyone else, so that
ids tell nothing.
"""

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from chatapp.chat import Message
from chatapp.errors import DatabaseUnavailable, InvalidField, NotFound
from chatapp.events import RunEnd
from chatapp.history import told
from chatapp.ids import new_id
from chatapp.tables import ConversationRow, MessageRow
from chatapp.transcript import Transcript, transcript_of

TITLE_CHARS = 80

logger = logging.getLogger(__name__)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks: new messages, after those of a conversation or instead of an answer there.

    `keep`: begin a conversation where none is named. `session_id`: the conversation that its owner calls so, begun
    where there is none yet. `retry_of` is the id of the answer to make anew; `previous` that of the answer that this
    goes on from, also where others went on from it already. `asked` is kept beside the answer as it is.
    """

    owner: str
    provider: str
    model: str
    messages: list[Message] = []
    conversation_id: str | None = None
    session_id: str | None = None
    retry_of: str | None = None
    previous: str | None = None
    asked: dict[str, object] = {}
    idempotency_key: str | None = None
    result_mode: str | None = None
    keep: bool = False


class Begun(msgspec.Struct, frozen=True):
    """An answer that was begun, or, where its idempotency key was seen before, found (`messages` is empty then)."""

    id: str
    conversation_id: str | None
    result_mode: str | None
    messages: list[Message]
    found: bool = False


class Conversations:
    """All methods commit before they return; they block only for a small transaction. Any raises DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._session = sessionmaker(engine, expire_on_commit=False)

    def begin(self, question: Question) -> Begun:
        """Store the user's messages and an empty answer; return it with the whole history for the provider."""
        try:
            with self._transaction() as session:
                return self._found(session, question) or self._begin(session, question)
        except IntegrityError:  # the same idempotency key, or a new session's id, at the same time
            with self._transaction() as session:
                return self._found(session, question) or self._begin(session, question)

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
            conversation = _owned_conversation(session, owner, conversation_id)
            return conversation.to_json(), list(session.scalars(_shown(conversation_id)))

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
            conversation = _known_session(session, owner, session_id)
            if conversation is None:
                return None
            answers = _shown(conversation.id).where(MessageRow.role == "assistant", MessageRow.provider.is_not(None))
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
            conversation = _owned_conversation(session, owner, conversation_id)
            conversation.title = title
            return conversation.to_json()

    def delete(self, owner: str, conversation_id: str) -> list[str]:
        """Delete it with all its messages; return the ids of the runs that were still going on."""
        with self._transaction() as session:
            conversation = _owned_conversation(session, owner, conversation_id)
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

    def _found(self, session: Session, question: Question) -> Begun | None:
        if question.idempotency_key is None:
            return None
        same = (MessageRow.owner == question.owner, MessageRow.idempotency_key == question.idempotency_key)
        answer = session.scalar(select(MessageRow).where(*same))
        if answer is None:
            return None
        return Begun(answer.id, answer.conversation_id, answer.result_mode, [], found=True)

    def _begin(self, session: Session, question: Question) -> Begun:
        now = time.time()
        previous = _previous(session, question)
        if previous is not None and question.keep:
            conversation: ConversationRow | None = _going_on(session, previous, now)
        else:
            conversation = _conversation_for(session, question, now)
        history = _history(session, question, previous or conversation)
        asked = [_asked(message, question, conversation, now) for message in question.messages]
        answer = _row("assistant", question, conversation, now)
        answer.status = "running"
        answer.provider, answer.model, answer.result_mode = question.provider, question.model, question.result_mode
        answer.idempotency_key = question.idempotency_key
        answer.asked = msgspec.json.encode(question.asked).decode() if question.asked else None
        session.add_all([*(asked if conversation else []), answer])
        messages = told(history, question.messages)
        if not messages:
            raise InvalidField("retry_of: there is nothing before this answer")
        return Begun(answer.id, answer.conversation_id, answer.result_mode, messages)


def _conversation_for(session: Session, question: Question, now: float) -> ConversationRow | None:
    if question.conversation_id is not None:
        conversation = _owned_conversation(session, question.owner, question.conversation_id)
        conversation.updated = now
        return conversation
    if question.session_id is not None:
        if known := _known_session(session, question.owner, question.session_id):
            known.updated = now
            return known
        conversation_id = _session_conversation(question.owner, question.session_id)
    elif question.keep:
        conversation_id = new_id("conv")
    else:
        return None
    title = _title(question.messages)
    conversation = ConversationRow(id=conversation_id, owner=question.owner, title=title, created=now, updated=now)
    session.add(conversation)
    session.flush()  # the messages refer to it
    return conversation


def _known_session(session: Session, owner: str, session_id: str) -> ConversationRow | None:
    """A conversation's own id will do, too."""
    for conversation_id in (_session_conversation(owner, session_id), session_id):
        conversation = session.get(ConversationRow, conversation_id)
        if conversation is not None and conversation.owner == owner:
            return conversation
    return None


def _session_conversation(owner: str, session_id: str) -> str:
    """The id of the conversation that this owner, and nobody else, calls by this name."""
    name = f"{len(owner)}:{owner}{session_id}"
    return f"conv_{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _title(messages: list[Message]) -> str:
    said = next((message.text for message in messages if message.role == "user"), "")
    line = " ".join(said.split())
    return line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 1].rstrip() + "…"


def _history(session: Session, question: Question, place: MessageRow | ConversationRow | None) -> Sequence[MessageRow]:
    """What was said in the conversation so far: up to the answer that is gone on from, or to `retry_of`, which
    leaves it."""
    if place is None:
        return []
    if isinstance(place, MessageRow):
        query = _shown(place.conversation_id).where(MessageRow.id <= place.id)
    else:
        query = _shown(place.id)
    if question.retry_of is not None:
        answer = session.get(MessageRow, question.retry_of)
        if answer is None or answer.conversation_id != question.conversation_id or not answer.is_answer:
            raise NotFound("retry_of: no such answer in this conversation")
        if answer.status == "running":
            raise InvalidField("retry_of: this answer is still being made")
        answer.superseded = True
        query = query.where(MessageRow.id < answer.id)
    return session.scalars(query.where(MessageRow.status == "done")).all()


def _previous(session: Session, question: Question) -> MessageRow | None:
    if question.previous is None:
        return None
    answer = session.get(MessageRow, question.previous)
    if answer is None or answer.owner != question.owner or not answer.is_answer or not answer.conversation_id:
        raise NotFound("previous_response_id: there is none of this id that was stored")
    if answer.status == "running":
        raise InvalidField("previous_response_id: this response is still being made")
    return answer


def _going_on(session: Session, previous: MessageRow, now: float) -> ConversationRow:
    """The answer's conversation where it is the last there; else one of its own, with what was said up to it."""
    assert previous.conversation_id is not None
    conversation = session.get_one(ConversationRow, previous.conversation_id)
    shown = session.scalars(_shown(conversation.id)).all()
    if shown and shown[-1].id == previous.id:
        conversation.updated = now
        return conversation
    branch = ConversationRow(
        id=new_id("conv"), owner=conversation.owner, title=conversation.title, created=now, updated=now
    )
    session.add(branch)
    session.flush()  # the messages refer to it
    session.add_all([row.copy(new_id("msg"), branch.id) for row in shown if row.id <= previous.id])
    return branch


def _asked(message: Message, question: Question, conversation: ConversationRow | None, now: float) -> MessageRow:
    row = _row(message.role, question, conversation, now)
    row.content = message.text
    if message != Message(message.role, message.text):
        row.said = msgspec.json.encode(message).decode()
    return row


def _row(role: str, question: Question, conversation: ConversationRow | None, now: float) -> MessageRow:
    return MessageRow(
        id=new_id("msg"),
        conversation_id=conversation.id if conversation else None,
        owner=question.owner,
        role=role,
        status="done",
        created=now,
    )


def _owned_conversation(session: Session, owner: str, conversation_id: str) -> ConversationRow:
    conversation = session.get(ConversationRow, conversation_id)
    if conversation is None or conversation.owner != owner:
        raise NotFound("no such conversation")
    return conversation


def _shown(conversation_id: str | None) -> Any:
    return (
        select(MessageRow)
        .where(MessageRow.conversation_id == conversation_id, MessageRow.superseded.is_(False))
        .order_by(MessageRow.id)
    )
