"""Conversations and messages in SQL: SQLite by default, any database that SQLAlchemy knows by URL.

It owns what people said, the answers they got, and whose they are. It knows no log and no provider:
it gets an answer as a transcript. Every row has an owner; everybody else gets NotFound, so that ids
tell nothing.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import msgspec
from sqlalchemy import Engine, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from chatapp.chat import Ask, Message
from chatapp.errors import InvalidRequest, NotFound
from chatapp.events import Entry, RunEnd
from chatapp.ids import new_id
from chatapp.storage import Answer, Begun, Conversation, StoredMessage, decode_entries, large_writes
from chatapp.storage.answers import as_answer, find_begun, finish_answer, insert_answer
from chatapp.storage.beginning import connection_of
from chatapp.storage.branches import newest_shown, take_out
from chatapp.storage.deleting import delete_messages, end_conversation, is_deleted
from chatapp.storage.files import attached_bytes, keep_files, with_bytes, without_bytes
from chatapp.storage.history import count_shown, newest_id, provider_messages, said_before
from chatapp.storage.limits import ConversationLimits
from chatapp.storage.pictures import Maker
from chatapp.storage.placement import (
    choose_place,
    continues_at_the_end,
    known_history,
    known_session,
    lock_conversation,
    new_conversation,
    note_ask,
    owned_answer,
    owned_conversation,
    owned_message,
    visible_message,
)
from chatapp.storage.reading import MESSAGES, SHOWN, all_of, shown, values
from chatapp.storage.receipts import check_running, count_running, left_open, settle
from chatapp.storage.said import insert_said
from chatapp.storage.tables import IS_RUNNING, MessageRow
from chatapp.storage.telling import Told, told
from chatapp.storage.transactions import Transactions
from chatapp.transcript import Transcript, transcript_of

LAST_CHARACTER = "\U0010ffff"  # sorts behind every other


class Conversations:
    """All methods commit before they return, and block only for a small transaction. All raise
    DatabaseUnavailable."""

    def __init__(
        self,
        engine: Engine,
        max_messages: int = ConversationLimits.max_messages,
        max_picture_bytes: int = ConversationLimits.max_picture_bytes,
        max_attached_bytes: int = ConversationLimits.max_attached_bytes,
    ) -> None:
        self._transaction = Transactions(engine, "the conversations are")
        self._limits = ConversationLimits(max_messages, max_picture_bytes, max_attached_bytes)

    def begin(
        self,
        ask: Ask,
        owner: str,
        provider: str,
        model: str,
        key: str | None = None,
        max_running: int = 0,
        sees: bool | None = None,
    ) -> Begun:
        """Store what is said and an empty answer. `key` is the idempotency key. Raises
        LimitExceeded if the owner has `max_running` running answers; 0: any number. `sees`: whether
        the model takes pictures, if that is known."""
        maker = Maker(provider, model, sees)
        step = partial(self._find_or_begin, ask, owner, maker, key, max_running)
        try:
            return step()
        except IntegrityError:  # the same idempotency key, or a new session's id, at the same time
            return step()

    def find(self, owner: str, key: str, fingerprint: str) -> Begun | None:
        """The answer that was begun with this key. Raises InvalidField if another request came with
        it, NotFound if the answer was deleted and can still be brought back."""
        with self._transaction.reading() as session:
            return find_begun(session, owner, key, fingerprint)

    def newest_begun(self, owner: str, key_prefix: str) -> Answer | None:
        """The newest of the owner's answers whose key begins like this."""
        key = MessageRow.idempotency_key
        begun = select(MessageRow).where(
            MessageRow.owner == owner, key >= key_prefix, key < key_prefix + LAST_CHARACTER
        )
        with self._transaction.reading() as session:
            newest = session.scalar(begun.order_by(MessageRow.id.desc()).limit(1))
            return as_answer(newest) if newest and not is_deleted(session, newest) else None

    def finish(self, answer_id: str, transcript: Transcript) -> None:
        """Store the answer and its receipt. Of an answer that was deleted meanwhile, the receipt
        alone."""
        entries = msgspec.json.encode(without_bytes(transcript.entries)).decode()
        with self._transaction() as session:
            finished = partial(finish_answer, session, answer_id, transcript.content, entries)
            if large_writes.write(connection_of(session), 2 * len(entries), finished):
                keep_files(session, answer_id, transcript.entries)
            settle(session, answer_id, transcript)

    def entries(self, answer: Answer) -> list[Entry]:
        """The compacted log with the bytes of its files, which `Answer.entries` is without."""
        entries = answer.entries()
        with self._transaction.reading() as session:
            return with_bytes(session, answer.id, entries)

    def kept_end(self, answer_id: str) -> RunEnd | None:
        """How a finished answer ended."""
        with self._transaction.reading() as session:
            answer = session.get(MessageRow, answer_id)
            return None if answer is None else transcript_of(decode_entries(answer.entries)).end

    def unfinished(self, before: float) -> Sequence[str]:
        """Ids of answers that were begun before this time and are not finished."""
        query = select(MessageRow.id).where(text(IS_RUNNING), MessageRow.created < before)
        with self._transaction.reading() as session:
            return session.scalars(query.union(left_open(before))).all()

    def get(self, owner: str, conversation_id: str) -> tuple[Conversation, list[StoredMessage]]:
        """The conversation and the messages it shows, in order."""
        with self._transaction.reading() as session:
            conversation = owned_conversation(session, owner, conversation_id)
            return conversation.value(), [*all_of(session, SHOWN, conversation_id)]

    def message(self, owner: str, message_id: str) -> StoredMessage:
        with self._transaction.reading() as session:
            return visible_message(session, owner, message_id)

    def answer(self, owner: str, answer_id: str) -> Answer:
        message = self.message(owner, answer_id)
        if not isinstance(message, Answer):
            raise NotFound("no such answer")
        return message

    def said_before(self, owner: str, answer_id: str) -> list[StoredMessage]:
        """What the answer is an answer to: all that was said since the one before. Raises NotFound
        if that was not stored."""
        with self._transaction.reading() as session:
            answer = owned_answer(session, owner, answer_id)
            if answer.conversation_id is None:
                raise NotFound("its input was not stored")
            return said_before(session, answer)

    def context(self, owner: str, ask: Ask) -> list[Message]:
        """All messages that the provider would be sent for this ask."""
        with self._transaction.reading() as session:
            return provider_messages(known_history(session, owner, ask).messages, ask.said)

    def session_answer(self, owner: str, session_id: str) -> Answer | None:
        """The newest answer in the conversation that its owner calls `session_id`."""
        with self._transaction.reading() as session:
            conversation = known_session(session, owner, session_id)
            if conversation is None:
                return None
            answers = shown(conversation.id).where(MESSAGES.role == "assistant", MESSAGES.provider.is_not(None))
            found = [*values(session, answers.order_by(MESSAGES.id.desc()).limit(1))]
            return found[0] if found and isinstance(found[0], Answer) else None

    def count_visit(self, answer_id: str) -> int:
        """Count a further connection of the client that began this run; return the count."""
        visited = update(MessageRow).where(MessageRow.id == answer_id).values(visits=MessageRow.visits + 1)
        with self._transaction() as session:
            visits: int | None = session.scalar(visited.returning(MessageRow.visits))
        if visits is None:  # deleted since it was found
            raise NotFound("no such answer")
        return visits

    def visits(self, answer_id: str) -> int:
        """How many further connections there were so far, over all workers."""
        with self._transaction.reading() as session:
            return session.scalar(select(MessageRow.visits).where(MessageRow.id == answer_id)) or 0

    def create(self, owner: str, said: Sequence[Message], metadata: dict[str, str]) -> Conversation:
        """A conversation in which this was said."""
        now = time.time()
        self._limits.refuse_more(len(said))
        self._limits.refuse_large(said)
        with self._transaction() as session:
            conversation = new_conversation(session, new_id("conv"), owner, list(said), now, metadata)
            insert_said(session, conversation.id, owner, now, said, None)
            return conversation

    def add(self, owner: str, conversation_id: str, said: Sequence[Message]) -> list[StoredMessage]:
        """Append messages that nobody is to answer yet."""
        now = time.time()
        with self._transaction() as session:
            conversation = owned_conversation(session, owner, conversation_id, locked=True)
            conversation.updated = now
            self._limits.refuse_more(count_shown(session, conversation_id) + len(said))
            if any(message.attachments for message in said):
                self._limits.refuse_large(said, attached_bytes(session, conversation_id))
            return insert_said(session, conversation_id, owner, now, said, newest_shown(session, conversation_id))

    def describe(self, owner: str, conversation_id: str, metadata: dict[str, str]) -> Conversation:
        """Replace the client's metadata."""
        with self._transaction() as session:
            conversation = owned_conversation(session, owner, conversation_id)
            conversation.details = msgspec.json.encode(metadata).decode() if metadata else None
            return conversation.value()

    def delete_answer(self, owner: str, answer_id: str, alone: bool) -> bool:
        """Delete it and, unless `alone`, all that it answers, and the conversation if nothing is
        left of it. Return whether its run was still going on."""
        with self._transaction() as session:
            answer = owned_answer(session, owner, answer_id)
            lock_conversation(session, answer)
            said = [] if alone else said_before(session, answer)
            running, conversation_id = answer.status == "running", answer.conversation_id
            path = [*said, answer.value()]
            take_out(session, path)
            delete_messages(session, [message.id for message in path])
            if not alone and conversation_id and session.scalar(shown(conversation_id).limit(1)) is None:
                end_conversation(session, conversation_id)
            return running

    def delete_message(self, owner: str, message_id: str) -> bool:
        """Delete it alone. Return whether its run was still going on."""
        with self._transaction() as session:
            message = owned_message(session, owner, message_id)
            lock_conversation(session, message)
            take_out(session, [message.value()])
            running = message.status == "running"
            delete_messages(session, [message_id])
            return running

    def rename(self, owner: str, conversation_id: str, title: str) -> Conversation:
        with self._transaction() as session:
            conversation = owned_conversation(session, owner, conversation_id)
            conversation.title = title
            return conversation.value()

    def ping(self) -> None:
        """Prove that the database answers."""
        with self._transaction.reading() as session:
            session.execute(select(1))

    def _find_or_begin(self, ask: Ask, owner: str, maker: Maker, key: str | None, max_running: int) -> Begun:
        ahead = self._told_ahead(ask, owner, maker, key, max_running)
        with self._transaction() as session:
            if key is not None and (found := find_begun(session, owner, key, ask.fingerprint)):
                return found
            check_running(session, owner, max_running)
            return self._begin(session, ask, owner, maker, key, ahead)

    def _told_ahead(self, ask: Ask, owner: str, maker: Maker, key: str | None, max_running: int) -> Told | None:
        """None if it cannot be known before, or if nothing is going to be begun."""
        if not continues_at_the_end(ask):
            return None
        with suppress(NotFound, InvalidRequest), self._transaction.reading() as session:
            is_known = key is not None and find_begun(session, owner, key, ask.fingerprint)
            if is_known or 0 < max_running <= count_running(session, owner):
                return None
            return told(session, *known_history(session, owner, ask), ask, maker, self._limits)
        return None

    def _begin(
        self, session: Session, ask: Ask, owner: str, maker: Maker, key: str | None, ahead: Told | None
    ) -> Begun:
        now = time.time()
        place = choose_place(session, owner, ask, now)
        if ahead is None or ahead.end != place.end:
            ahead = told(session, place.history(), place.end, ask, maker, self._limits)
        conversation, parent = place.conversation.id if place.conversation else None, place.parent
        if conversation is not None:
            self._limits.refuse_more(ahead.history + len(ask.said))
        said = insert_said(session, conversation, owner, now, ask.said, parent) if conversation else []
        answer = Answer(
            id=new_id("msg", after=said[-1].id if said else newest_id(session, conversation)),
            conversation_id=conversation,
            role="assistant",
            content="",
            created=now,
            parent=said[-1].id if said else parent,
            continues=ask.continue_of is not None,
            owner=owner,
            running=True,
            provider=maker.provider,
            model=maker.model,
            result_mode=ask.result_mode,
            repeated=ask.repeated,
            compacted="[]",
        )
        insert_answer(session, answer, key, ask.fingerprint or None)
        note_ask(session, place.conversation, ask, answer)
        return Begun(answer, ahead.messages)
