"""The list of an owner's conversations, by pages, and what is kept of each for it: pins, what was
seen, settings."""

import time
from collections.abc import Iterator, Sequence
from typing import TypeVarTuple

import msgspec
from sqlalchemy import Engine, Select, literal, select, text, tuple_
from sqlalchemy.orm import Session

from chatapp.chat import Ask
from chatapp.errors import InvalidField
from chatapp.storage import Conversation, ConversationSettings, Listed, StoredMessage, decode_settings
from chatapp.storage.placement import owned_conversation
from chatapp.storage.reading import MESSAGES, SLICE, shown, values
from chatapp.storage.tables import IS_LISTED, IS_PINNED, IS_RUNNING, ConversationRow, MessageRow, WaitRow
from chatapp.storage.transactions import Transactions
from chatapp.storage.versions import names_message

MOST_PINNED = 200

Columns = TypeVarTuple("Columns")


class Listing:
    """All raise DatabaseUnavailable; and NotFound, for anybody but the owner too."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "the conversations are")

    def page_pinned_first(self, owner: str, limit: int, before: str = "") -> tuple[list[Listed], str]:
        """The same of those that are not pinned; before the first page all that are."""
        pinned = [] if before else self.page(owner, MOST_PINNED, pinned=True)[0]
        others, rest = self.page(owner, limit, before, pinned=False)
        return [*pinned, *others], rest

    def page(self, owner: str, limit: int, before: str = "", pinned: bool | None = None) -> tuple[list[Listed], str]:
        """The conversations that were used last, at most `limit`, those before the cursor `before`;
        and the cursor of the next page, empty if there is none. Raises InvalidField."""
        query = select(ConversationRow).where(ConversationRow.owner == owner, text(IS_PINNED if pinned else IS_LISTED))
        if pinned is False:
            query = query.where(ConversationRow.pinned.is_(False))
        query = last_used_first(query, _read_cursor(before) if before else None).limit(limit + 1)
        with self._transaction.reading() as session:
            rows = session.scalars(query).all()
            found = _listed(session, owner, rows[:limit])
        return found, _cursor(rows[limit - 1]) if len(rows) > limit else ""

    def conversation(self, owner: str, conversation_id: str) -> Conversation:
        """It alone, without its messages."""
        with self._transaction.reading() as session:
            return owned_conversation(session, owner, conversation_id).value()

    def messages(self, owner: str, conversation_id: str, limit: int, before: str = "") -> list[StoredMessage]:
        """The last messages of the path that is shown, at most `limit`, those before this one; in
        order."""
        with self._transaction.reading() as session:
            query = shown(owned_conversation(session, owner, conversation_id).id)
            if before:
                query = query.where(MESSAGES.id < before)
            return [*values(session, query.order_by(MESSAGES.id.desc()).limit(limit))][::-1]

    def slices(self, owner: str, conversation_id: str) -> Iterator[list[StoredMessage]]:
        """All messages of the path that is shown, in order, some at a time: each slice as it is
        when it is asked for. Nothing stays open in between, however slowly a client reads."""
        last, count = "", SLICE
        while count == SLICE:
            with self._transaction.reading() as session:
                query = shown(owned_conversation(session, owner, conversation_id).id).where(MESSAGES.id > last)
                messages = [*values(session, query.order_by(MESSAGES.id).limit(SLICE))]
            yield messages
            last, count = messages[-1].id if messages else "", len(messages)

    def pin(self, owner: str, conversation_id: str, pinned: bool) -> Conversation:
        with self._transaction() as session:
            conversation = owned_conversation(session, owner, conversation_id)
            conversation.pinned = pinned
            return conversation.value()

    def see(self, owner: str, conversation_id: str, message_id: str) -> None:
        """The owner has seen all up to this message. What was seen once stays so."""
        with self._transaction() as session:
            conversation = owned_conversation(session, owner, conversation_id)
            message = session.get(MessageRow, message_id)
            if message is None or message.conversation_id != conversation_id:
                raise InvalidField("message_id: expected the id of a message of this conversation")
            conversation.seen = max(conversation.seen or "", message_id)

    def set(self, owner: str, conversation_id: str, settings: ConversationSettings) -> Conversation:
        """Replace the settings."""
        with self._transaction() as session:
            conversation = owned_conversation(session, owner, conversation_id)
            conversation.settings = msgspec.json.encode(settings).decode()
            return conversation.value()

    def settings_for(self, owner: str, ask: Ask) -> ConversationSettings:
        """Those of the conversation that the ask names, by itself or by a message."""
        field = names_message(ask)
        if ask.conversation_id is None and field is None:
            return ConversationSettings()
        query = select(ConversationRow.settings).where(
            ConversationRow.owner == owner, ConversationRow.deleted.is_(None)
        )
        if ask.conversation_id is not None:
            query = query.where(ConversationRow.id == ask.conversation_id)
        elif field is not None:
            named = select(MessageRow.conversation_id).where(MessageRow.id == getattr(ask, field))
            query = query.where(ConversationRow.id == named.scalar_subquery())
        with self._transaction.reading() as session:
            return decode_settings(session.scalar(query) or "{}")


def last_used_first(query: Select[*Columns], before: tuple[float, str] | None = None) -> Select[*Columns]:
    """In the order of the list, from behind the conversation with this `updated` and this id on.
    Seeks by an index."""
    key = ConversationRow.updated, ConversationRow.id
    if before is not None:
        query = query.where(tuple_(*key) < tuple_(*map(literal, before)))
    return query.order_by(*(column.desc() for column in key))


def _listed(session: Session, owner: str, rows: Sequence[ConversationRow]) -> list[Listed]:
    at_work = select(MessageRow.conversation_id).where(MessageRow.owner == owner, text(IS_RUNNING))
    running = set(session.scalars(at_work))
    asking = at_work.join(WaitRow, WaitRow.run_id == MessageRow.id).where(WaitRow.until > time.time())
    waiting = set(session.scalars(asking)) if running else set()
    answered = _answered(session, [row.id for row in rows if row.seen is not None])

    def unread(row: ConversationRow) -> bool:
        return row.id not in running and answered.get(row.id, "") > (row.seen or "")

    return [Listed(row.value(), row.id in running, row.id in waiting, unread(row)) for row in rows]


def _answered(session: Session, conversation_ids: Sequence[str]) -> dict[str, str]:
    """The newest message of each conversation that ends with an answer. Seeks by an index."""
    of_it = select(MessageRow.id).where(MessageRow.conversation_id == ConversationRow.id)
    newest = of_it.order_by(MessageRow.id.desc()).limit(1).correlate(ConversationRow).scalar_subquery()
    ends = session.scalars(select(newest).where(ConversationRow.id.in_(conversation_ids))).all()
    answers = select(MessageRow.conversation_id, MessageRow.id).where(
        MessageRow.id.in_([end for end in ends if end]), MessageRow.role == "assistant"
    )
    return {conversation_id: id for conversation_id, id in session.execute(answers) if conversation_id}


def _cursor(row: ConversationRow) -> str:
    return f"{row.updated!r},{row.id}"


def _read_cursor(text: str) -> tuple[float, str]:
    updated, comma, id = text.partition(",")
    try:
        return float(updated), id if comma else ""
    except ValueError:
        raise InvalidField("before: expected the `next` of another page") from None
