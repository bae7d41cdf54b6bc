"""The messages of a conversation in their order, and what a provider is told of them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from chatapp.chat import Ask, Message
from chatapp.errors import InvalidField, NotFound
from chatapp.hub import let_others_run, with_pauses
from chatapp.ids import new_id
from chatapp.storage.branches import newest_shown, path_to, rows_of, tree_of
from chatapp.storage.deleting import is_deleted
from chatapp.storage.files import copy_files
from chatapp.storage.pictures import NO_PICTURES, Pictures, with_pictures
from chatapp.storage.tables import ConversationRow, MessageRow

SLICE = 50  # messages that are read in one go: some milliseconds, if they are long


def shown(conversation_id: str | None) -> Any:
    """The query for the messages that a conversation shows, in order."""
    return (
        select(MessageRow)
        .where(MessageRow.conversation_id == conversation_id, MessageRow.superseded.is_(False))
        .order_by(MessageRow.id)
    )


def all_shown(session: Session, conversation_id: str) -> Iterator[MessageRow]:
    """The messages that a conversation shows, in order; others run in between."""
    last = ""
    while rows := session.scalars(shown(conversation_id).where(MessageRow.id > last).limit(SLICE)).all():
        yield from rows
        last = rows[-1].id
        let_others_run()


def newest_id(session: Session, conversation: ConversationRow | None) -> str:
    """The next message gets a larger id, whatever the clock of its process says. Empty if there is
    none."""
    if conversation is None:
        return ""
    newest = select(func.max(MessageRow.id)).where(MessageRow.conversation_id == conversation.id)
    return session.scalar(newest) or ""


def finished_messages(session: Session, conversation: ConversationRow | None) -> list[MessageRow]:
    if conversation is None:
        return []
    return [row for row in all_shown(session, conversation.id) if row.status == "done"]


def count_finished(session: Session, conversation_id: str) -> int:
    finished = shown(conversation_id).where(MessageRow.status == "done").order_by(None)
    return session.scalar(finished.with_only_columns(func.count())) or 0


def finished_messages_up_to(session: Session, message: MessageRow) -> list[MessageRow]:
    """The messages of the path that ends with this one, itself included."""
    return finished_path(session, message.conversation_id, message.id)


def finished_path(session: Session, conversation_id: str | None, message_id: str | None) -> list[MessageRow]:
    """The messages of the path that ends with this one."""
    path = path_to(tree_of(session, conversation_id), message_id)
    return [row for row in rows_of(session, path) if row.status == "done"]


def answer_to_continue(session: Session, owner: str, ask: Ask) -> MessageRow:
    """The answer that `ask.previous` names."""
    answer = session.get(MessageRow, ask.previous)
    is_there = answer is not None and not is_deleted(session, answer)
    if answer is None or not is_there or answer.owner != owner or not answer.is_answer or not answer.conversation_id:
        raise NotFound(f"{ask.previous_field}: no stored response with this id")
    if answer.status == "running":
        raise InvalidField(f"{ask.previous_field}: this response is still running; wait for its end or cancel it")
    return answer


def continue_or_branch(session: Session, previous: MessageRow, now: float) -> ConversationRow:
    """The answer's conversation if nothing follows it there; else a new one with all messages up to
    it."""
    conversation = session.get_one(ConversationRow, previous.conversation_id)
    if newest_shown(session, conversation.id) == previous.id:
        conversation.updated = now
        return conversation
    branch = ConversationRow(
        id=new_id("conv"), owner=conversation.owner, title=conversation.title, created=now, updated=now
    )
    session.add(branch)
    session.flush()  # the messages refer to it
    parent: str | None = None
    for row in rows_of(session, path_to(tree_of(session, conversation.id), previous.id)):
        copy = row.copy(new_id("msg"), branch.id, parent)
        session.add(copy)
        session.flush()  # its files refer to it
        copy_files(session, row.id, copy.id)
        parent = copy.id
    return branch


def said_before(session: Session, answer: MessageRow) -> Sequence[MessageRow]:
    """What was said since the answer before this one; nothing if it was not stored."""
    if answer.conversation_id is None:
        return []
    said: list[MessageRow] = []
    for row in rows_of(session, path_to(tree_of(session, answer.conversation_id), answer.parent)):
        said = [] if row.is_answer else [*said, row]
    return said


def provider_messages(
    rows: Iterable[MessageRow], said: Sequence[Message], pictures: Pictures = NO_PICTURES
) -> list[Message]:
    """The history and what is said now, without empty messages and without calls that have no
    result: providers refuse both."""
    messages = [*told(rows, pictures), *said]
    whole: list[Message] = []
    answered: set[str | None] = set()  # the calls whose results follow right here
    for message in with_pauses(reversed(messages)):
        if message.role == "tool":
            answered.add(message.tool_call_id)
        else:
            message = _with_answered_calls(message, answered)
            answered = set()
        whole.append(message)
    return [message for message in reversed(whole) if _says_something(message)]


def let_go(rows: list[MessageRow]) -> None:
    """Empty the list. Freed at once, thousands of a mapper's objects would hold up the hub."""
    while rows:
        del rows[-SLICE:]
        let_others_run()


def told(rows: Iterable[MessageRow], pictures: Pictures) -> list[Message]:
    """The messages of these rows. An answer that continues another one is one with it: some
    providers refuse two turns of the assistant in a row."""
    messages: list[Message] = []
    for row in with_pauses(rows):
        more = with_pictures(row.messages(), pictures.get(row.id, ()))
        if row.continues and messages and is_plain_answer(messages[-1]) and is_plain_answer(more[0]):
            more = [Message("assistant", messages.pop().text + more[0].text), *more[1:]]
        messages += more
    return messages


def is_plain_answer(message: Message) -> bool:
    """Whether it is nothing but the assistant's text."""
    return message == Message("assistant", message.text)


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
