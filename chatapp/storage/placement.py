"""Chooses the conversation for an ask: an existing one (by id or session id), a new one, or a
branch.

Everything happens in the caller's transaction. What belongs to another owner does not exist:
NotFound.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import msgspec
from sqlalchemy import bindparam, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from chatapp.chat import Ask, Message
from chatapp.errors import NotFound
from chatapp.ids import new_id
from chatapp.storage import Answer, Conversation, StoredMessage
from chatapp.storage.beginning import connection_of
from chatapp.storage.branches import newest_shown, path_to, show, tree_of
from chatapp.storage.conversation_rows import insert_conversation, update_conversation
from chatapp.storage.deleting import end_if_deleted, is_deleted
from chatapp.storage.history import (
    answer_to_continue,
    continue_or_branch,
    finished_messages,
    finished_path,
)
from chatapp.storage.reading import MESSAGES
from chatapp.storage.tables import STORED, ConversationRow, MessageRow, stored
from chatapp.storage.versions import names_message, refuse_version

TITLE_CHARS = 80
TITLE_LOOK_CHARS = 1000


_VISIBLE = (
    select(*(MESSAGES[name] for name in STORED))
    .join_from(MessageRow.__table__, ConversationRow.__table__, isouter=True)
    .where(
        MESSAGES.id == bindparam("message"),
        MESSAGES.owner == bindparam("owner"),
        ConversationRow.__table__.c.deleted.is_(None),
    )
)


class Place(NamedTuple):
    """The conversation, if the ask belongs to one, and the message that what is said now follows
    there. `history` reads the messages before, of which `end` is the last one: it is not `parent`
    if they were copied."""

    conversation: Conversation | None
    parent: str | None
    end: str | None
    history: Callable[[], list[StoredMessage]]


class History(NamedTuple):
    messages: list[StoredMessage]
    end: str | None


def choose_place(session: Session, owner: str, ask: Ask, now: float) -> Place:
    if ask.previous is not None:
        previous = answer_to_continue(session, owner, ask)
        if ask.keep:
            lock_conversation(session, previous)
        history = partial(finished_path, session, previous.conversation_id, previous.id)
        kept = continue_or_branch(session, previous, now) if ask.keep else _conversation_for(session, owner, ask, now)
        return Place(kept, _newest_shown(session, kept), previous.id, history)
    conversation = _conversation_for(session, owner, ask, now)
    if (field := names_message(ask)) is None:
        end, id = _newest_shown(session, conversation), conversation.id if conversation else None
        return Place(conversation, end, end, partial(finished_messages, session, id))
    return _beside(session, conversation, ask, field)


def continues_at_the_end(ask: Ask) -> bool:
    """Whether the ask goes on behind an answer that it names, or at the end of a conversation that
    may be there."""
    is_somewhere = ask.previous is not None or ask.conversation_id is not None or bool(ask.session_id)
    return is_somewhere and names_message(ask) is None


def _newest_shown(session: Session, conversation: Conversation | None) -> str | None:
    return newest_shown(session, conversation.id) if conversation else None


def _beside(session: Session, conversation: Conversation | None, ask: Ask, field: str) -> Place:
    """In the place of the message that the ask names, or behind the answer that it continues. What
    followed there is no longer shown."""
    message = session.get(MessageRow, getattr(ask, field))
    if message is None or conversation is None or message.conversation_id != conversation.id:
        raise NotFound(f"{field}: no such message in this conversation")
    refuse_version(message, field)
    parent = message.id if field == "continue_of" else message.parent
    tree = tree_of(session, conversation.id)
    show(session, conversation.id, path_to(tree, parent))
    return Place(conversation, parent, parent, partial(finished_path, session, conversation.id, parent))


def _conversation_for(session: Session, owner: str, ask: Ask, now: float) -> Conversation | None:
    conversation_id, field = ask.conversation_id, names_message(ask)
    if conversation_id is None and field is not None:
        conversation_id = owned_message(session, owner, getattr(ask, field)).conversation_id
    if conversation_id is not None:
        return owned_conversation(session, owner, conversation_id, locked=True).value()
    if ask.session_id:
        if known := known_session(session, owner, ask.session_id, locked=True):
            return known.value()
        end_if_deleted(session, _session_conversation(owner, ask.session_id))
        return new_conversation(session, _session_conversation(owner, ask.session_id), owner, ask.said, now)
    return new_conversation(session, new_id("conv"), owner, ask.said, now) if ask.keep else None


def known_history(session: Session, owner: str, ask: Ask) -> History:
    """The messages before what is said, in the conversation or up to the answer that the ask
    names."""
    if ask.previous is not None:
        previous = answer_to_continue(session, owner, ask)
        return History(finished_path(session, previous.conversation_id, previous.id), previous.id)
    known: ConversationRow | None = None
    if ask.conversation_id is not None:
        known = owned_conversation(session, owner, ask.conversation_id)
    elif ask.session_id:
        known = known_session(session, owner, ask.session_id)
    if known is None:
        return History([], None)
    end = newest_shown(session, known.id)  # read first: what comes meanwhile is behind it
    return History(finished_messages(session, known.id), end)


def new_conversation(
    session: Session, id: str, owner: str, said: list[Message], now: float, metadata: dict[str, str] | None = None
) -> Conversation:
    """An empty one, with the title that these first messages give it."""
    conversation = Conversation(id, _title(said), now, now, metadata or {})
    insert_conversation(session, owner, conversation)
    return conversation


def note_ask(session: Session, conversation: Conversation | None, ask: Ask, answer: Answer) -> None:
    """The owner, who asks, has seen what was there; the answer is new. The next request may leave
    out the provider and model that this one named."""
    if conversation is None:
        return
    settings = conversation.settings
    if ask.provider or ask.model:
        settings = msgspec.structs.replace(settings, provider=answer.provider, model=answer.model)
    title = conversation.title or _title(ask.said)
    changed = msgspec.structs.replace(conversation, title=title, updated=answer.created, settings=settings)
    update_conversation(session, changed, seen=answer.parent or "")


def known_session(session: Session, owner: str, session_id: str, locked: bool = False) -> ConversationRow | None:
    """The conversation that its owner calls `session_id`. A conversation's own id will do, too."""
    for conversation_id in (_session_conversation(owner, session_id), session_id):
        conversation = session.get(ConversationRow, conversation_id, with_for_update=True if locked else None)
        if conversation is not None and conversation.owner == owner and conversation.deleted is None:
            return conversation
    return None


def _session_conversation(owner: str, session_id: str) -> str:
    """The id of the conversation that this owner, and nobody else, calls by this name."""
    name = f"{len(owner)}:{owner}{session_id}"
    return f"conv_{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _title(messages: list[Message]) -> str:
    said = next((message.text for message in messages if message.role == "user"), "")
    line = " ".join(said.lstrip()[:TITLE_LOOK_CHARS].split())  # of megabytes, only the beginning
    return line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 1].rstrip() + "…"


def owned_conversation(session: Session, owner: str, conversation_id: str, locked: bool = False) -> ConversationRow:
    """`locked`: nobody else continues it until the transaction ends, or there would be two ends."""
    conversation = session.get(ConversationRow, conversation_id, with_for_update=True if locked else None)
    if conversation is None or conversation.owner != owner or conversation.deleted is not None:
        raise NotFound("no such conversation")
    return conversation


def lock_conversation(session: Session, message: MessageRow) -> None:
    """Nobody else deletes or adds messages until the transaction ends: what follows this message is
    to follow another one that stays. Raises NotFound if the message was deleted meanwhile."""
    locked = select(ConversationRow.id).where(ConversationRow.id == message.conversation_id).with_for_update()
    session.execute(locked)
    try:
        session.refresh(message)
    except InvalidRequestError:
        raise NotFound("no such message") from None
    if is_deleted(session, message):
        raise NotFound("no such message")


def visible_message(session: Session, owner: str, message_id: str) -> StoredMessage:
    """The one place that decides who may see, follow, resume or cancel a run."""
    row = connection_of(session).execute(_VISIBLE, {"message": message_id, "owner": owner}).one_or_none()
    if row is None:
        raise NotFound("no such message")
    return stored(*row)


def owned_message(session: Session, owner: str, message_id: str) -> MessageRow:
    """The same as a row, to be changed."""
    row = session.get(MessageRow, visible_message(session, owner, message_id).id)
    if row is None:  # deleted between these two statements, which Postgres shows at once
        raise NotFound("no such message")
    return row


def owned_answer(session: Session, owner: str, answer_id: str) -> MessageRow:
    message = owned_message(session, owner, answer_id)
    if not message.is_answer:
        raise NotFound("no such answer")
    return message
