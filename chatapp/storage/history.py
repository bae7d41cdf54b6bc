"""What was said in a conversation so far: its messages in their order, and what a provider is told of them."""

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from chatapp.chat import Message
from chatapp.errors import InvalidField, NotFound
from chatapp.ids import new_id
from chatapp.storage.tables import ConversationRow, MessageRow


def shown(conversation_id: str | None) -> Any:
    """The query of the messages that a conversation shows, in order."""
    return (
        select(MessageRow)
        .where(MessageRow.conversation_id == conversation_id, MessageRow.superseded.is_(False))
        .order_by(MessageRow.id)
    )


def newest_id(session: Session, conversation: ConversationRow | None) -> str:
    """Whatever is said next has a larger one, whichever clock its process goes by. Empty where nothing was said."""
    if conversation is None:
        return ""
    newest = select(func.max(MessageRow.id)).where(MessageRow.conversation_id == conversation.id)
    return session.scalar(newest) or ""


def said_in(session: Session, conversation: ConversationRow | None) -> Sequence[MessageRow]:
    """All that is shown and was finished."""
    if conversation is None:
        return []
    return session.scalars(shown(conversation.id).where(MessageRow.status == "done")).all()


def said_up_to(session: Session, answer: MessageRow) -> Sequence[MessageRow]:
    """The same, to this answer."""
    until = MessageRow.status == "done", MessageRow.id <= answer.id
    return session.scalars(shown(answer.conversation_id).where(*until)).all()


def take_back(session: Session, conversation: ConversationRow | None, answer_id: str) -> Sequence[MessageRow]:
    """The answer is made anew, and no longer shown. What was said before it."""
    answer = session.get(MessageRow, answer_id)
    if answer is None or conversation is None or answer.conversation_id != conversation.id or not answer.is_answer:
        raise NotFound("retry_of: no such answer in this conversation")
    if answer.status == "running":
        raise InvalidField("retry_of: this answer is still being made")
    was_shown = MessageRow.id == answer.id, MessageRow.superseded.is_(False)
    if not session.scalars(update(MessageRow).where(*was_shown).values(superseded=True).returning(MessageRow.id)).all():
        raise InvalidField("retry_of: this answer was made anew already; name the one that took its place")
    return said_up_to(session, answer)


def previous_answer(session: Session, owner: str, answer_id: str) -> MessageRow:
    """One that can be gone on from."""
    answer = session.get(MessageRow, answer_id)
    if answer is None or answer.owner != owner or not answer.is_answer or not answer.conversation_id:
        raise NotFound("previous_response_id: there is none of this id that was stored")
    if answer.status == "running":
        raise InvalidField("previous_response_id: this response is still being made")
    return answer


def going_on(session: Session, previous: MessageRow, now: float) -> ConversationRow:
    """The answer's conversation where it is the last there; else one of its own, with what was said up to it."""
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
    session.add_all([row.copy(new_id("msg"), branch.id) for row in rows if row.id <= previous.id])
    return branch


def told(rows: Iterable[MessageRow], now: Sequence[Message]) -> list[Message]:
    """To a provider, with what is said now: without what is empty, and without calls that nobody answered, for
    providers refuse both."""
    messages = [*(row.message() for row in rows), *now]
    whole = [_with_answered_calls(message, messages[index + 1 :]) for index, message in enumerate(messages)]
    return [message for message in whole if message.content or message.tool_calls or message.role == "tool"]


def _with_answered_calls(message: Message, later: Iterable[Message]) -> Message:
    """The results come right after the message that made the calls; other turns may use the same ids again."""
    if not message.tool_calls:
        return message
    answered = {result.tool_call_id for result in takewhile(lambda one: one.role == "tool", later)}
    calls = [call for call in message.tool_calls if call.id in answered]
    return msgspec.structs.replace(message, tool_calls=calls)
