"""The messages of a conversation in their order, and what a provider is told of them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from chatapp.chat import Ask, Message
from chatapp.errors import InvalidField, NotFound
from chatapp.ids import new_id
from chatapp.storage.files import copy_files
from chatapp.storage.tables import ConversationRow, MessageRow


def shown(conversation_id: str | None) -> Any:
    """The query for the messages that a conversation shows, in order."""
    return (
        select(MessageRow)
        .where(MessageRow.conversation_id == conversation_id, MessageRow.superseded.is_(False))
        .order_by(MessageRow.id)
    )


def newest_id(session: Session, conversation: ConversationRow | None) -> str:
    """The next message gets a larger id, whatever the clock of its process says. Empty if there is
    none."""
    if conversation is None:
        return ""
    newest = select(func.max(MessageRow.id)).where(MessageRow.conversation_id == conversation.id)
    return session.scalar(newest) or ""


def finished_messages(session: Session, conversation: ConversationRow | None) -> Sequence[MessageRow]:
    if conversation is None:
        return []
    return session.scalars(shown(conversation.id).where(MessageRow.status == "done")).all()


def finished_messages_up_to(session: Session, answer: MessageRow) -> Sequence[MessageRow]:
    """The answer included, if it is shown."""
    until = MessageRow.status == "done", MessageRow.id <= answer.id
    return session.scalars(shown(answer.conversation_id).where(*until)).all()


def supersede(session: Session, conversation: ConversationRow | None, answer_id: str) -> Sequence[MessageRow]:
    """Mark the answer as superseded. Returns the messages before it."""
    answer = session.get(MessageRow, answer_id)
    if answer is None or conversation is None or answer.conversation_id != conversation.id or not answer.is_answer:
        raise NotFound("retry_of: no such answer in this conversation")
    if answer.status == "running":
        raise InvalidField("retry_of: this answer is still running; wait for its end or cancel it")
    was_shown = MessageRow.id == answer.id, MessageRow.superseded.is_(False)
    if not session.scalars(update(MessageRow).where(*was_shown).values(superseded=True).returning(MessageRow.id)).all():
        raise InvalidField("retry_of: already replaced by a newer answer; retry that one")
    return finished_messages_up_to(session, answer)


def answer_to_continue(session: Session, owner: str, ask: Ask) -> MessageRow:
    """The answer that `ask.previous` names."""
    answer = session.get(MessageRow, ask.previous)
    if answer is None or answer.owner != owner or not answer.is_answer or not answer.conversation_id:
        raise NotFound(f"{ask.previous_field}: no stored response with this id")
    if answer.status == "running":
        raise InvalidField(f"{ask.previous_field}: this response is still running; wait for its end or cancel it")
    return answer


def continue_or_branch(session: Session, previous: MessageRow, now: float) -> ConversationRow:
    """The answer's conversation if nothing follows it there; else a new one with all messages up to
    it."""
    conversation = session.get_one(ConversationRow, previous.conversation_id)
    rows = session.scalars(shown(conversation.id)).all()
    if rows and rows[-1].id == previous.id:
        conversation.updated = now
        return conversation
    branch = ConversationRow(
        id=new_id("conv"), owner=conversation.owner, title=conversation.title, created=now, updated=now
    )
    session.add(branch)
    session.flush()  # the messages refer to it
    copies = {row.id: row.copy(new_id("msg"), branch.id) for row in rows if row.id <= previous.id}
    session.add_all(copies.values())
    session.flush()  # their files refer to them
    for row_id, copy in copies.items():
        copy_files(session, row_id, copy.id)
    return branch


def said_before(session: Session, answer: MessageRow) -> Sequence[MessageRow]:
    """What was said since the answer before this one; nothing if it was not stored."""
    if answer.conversation_id is None:
        return []
    earlier = shown(answer.conversation_id).where(MessageRow.id < answer.id)
    answers = earlier.where(MessageRow.role == "assistant", MessageRow.provider.is_not(None))
    last = session.scalar(answers.order_by(None).order_by(MessageRow.id.desc()).limit(1))
    return session.scalars(earlier.where(MessageRow.id > last.id) if last else earlier).all()


def provider_messages(rows: Iterable[MessageRow], said: Sequence[Message]) -> list[Message]:
    """The history and what is said now, without empty messages and without calls that have no
    result: providers refuse both."""
    messages = [*(message for row in rows for message in row.messages()), *said]
    whole: list[Message] = []
    answered: set[str | None] = set()  # the calls whose results follow right here
    for message in reversed(messages):
        if message.role == "tool":
            answered.add(message.tool_call_id)
        else:
            message = _with_answered_calls(message, answered)
            answered = set()
        whole.append(message)
    return [message for message in reversed(whole) if _says_something(message)]


def _says_something(message: Message) -> bool:
    return bool(message.content or message.tool_calls or message.native) or message.role == "tool"


def _with_answered_calls(message: Message, answered: Collection[str | None]) -> Message:
    """Results follow right after the message with the calls; other turns may use the same ids
    again. A turn that lost a call is not the one that its provider wrote.
    """
    if not message.tool_calls:
        return message
    calls = [call for call in message.tool_calls if call.id in answered]
    if len(calls) == len(message.tool_calls):
        return message
    return msgspec.structs.replace(message, tool_calls=calls, native=None)
