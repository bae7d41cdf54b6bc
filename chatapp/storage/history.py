"""The messages of a conversation in their order, and what a provider is told of them."""

from collections.abc import Collection, Iterable, Sequence

import msgspec
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from chatapp.chat import Ask, Message
from chatapp.errors import InvalidField, NotFound
from chatapp.hub import with_pauses
from chatapp.ids import new_id
from chatapp.storage import Answer, Conversation, StoredMessage
from chatapp.storage.beginning import connection_of
from chatapp.storage.branches import newest_shown, path_to, tree_of
from chatapp.storage.conversation_rows import insert_conversation
from chatapp.storage.copying import copy_path
from chatapp.storage.deleting import is_deleted
from chatapp.storage.pictures import NO_PICTURES, Pictures, with_pictures
from chatapp.storage.reading import MESSAGES, SHOWN, all_of, from_the_end, shown, these
from chatapp.storage.tables import ConversationRow, MessageRow
from chatapp.storage.turns import turns_of

CALLS = ('"tool-call"', '"native-piece"')  # whose turns go back to the provider
TOLD = (*CALLS, '"file"')  # what it is told of an answer beside its text

_NEWEST = select(func.max(MESSAGES.id)).where(MESSAGES.conversation_id == bindparam("conversation"))


def newest_id(session: Session, conversation_id: str | None) -> str:
    """The next message gets a larger id, whatever the clock of its process says. Empty if there is
    none."""
    if conversation_id is None:
        return ""
    return connection_of(session).scalar(_NEWEST, {"conversation": conversation_id}) or ""


def finished_messages(session: Session, conversation_id: str | None) -> list[StoredMessage]:
    """Those that it shows."""
    return [] if conversation_id is None else _finished(all_of(session, SHOWN, conversation_id))


def count_shown(session: Session, conversation_id: str) -> int:
    """Reads an index, and no message."""
    return session.scalar(shown(conversation_id).with_only_columns(func.count())) or 0


def finished_path(session: Session, conversation_id: str | None, message_id: str | None) -> list[StoredMessage]:
    """The messages of the path that ends with this one, itself included."""
    return _finished(these(session, path_to(tree_of(session, conversation_id), message_id)))


def answer_to_continue(session: Session, owner: str, ask: Ask) -> MessageRow:
    """The answer that `ask.previous` names."""
    answer = session.get(MessageRow, ask.previous)
    is_there = answer is not None and not is_deleted(session, answer)
    if answer is None or not is_there or answer.owner != owner or not answer.is_answer or not answer.conversation_id:
        raise NotFound(f"{ask.previous_field}: no stored response with this id")
    if answer.status == "running":
        raise InvalidField(f"{ask.previous_field}: this response is still running; wait for its end or cancel it")
    return answer


def continue_or_branch(session: Session, previous: MessageRow, now: float) -> Conversation:
    """The answer's conversation if nothing follows it there; else a new one with all messages up to
    it."""
    row = session.get_one(ConversationRow, previous.conversation_id)
    conversation = row.value()
    if newest_shown(session, conversation.id) == previous.id:
        return conversation
    branch = Conversation(new_id("conv"), conversation.title, now, now)
    insert_conversation(session, row.owner, branch)
    copy_path(session, path_to(tree_of(session, conversation.id), previous.id), branch.id)
    return branch


def said_before(session: Session, answer: MessageRow) -> list[StoredMessage]:
    """What was said since the answer before this one; nothing if it was not stored."""
    if answer.conversation_id is None:
        return []
    path = path_to(tree_of(session, answer.conversation_id), answer.parent)
    said: list[StoredMessage] = []
    for message in from_the_end(session, path):
        if isinstance(message, Answer):
            break
        said.append(message)
    return said[::-1]


def provider_messages(
    history: Iterable[StoredMessage], said: Sequence[Message], pictures: Pictures = NO_PICTURES
) -> list[Message]:
    """The history and what is said now, without empty messages and without calls that have no
    result: providers refuse both."""
    messages = [*told(history, pictures), *said]
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


def told(messages: Iterable[StoredMessage], pictures: Pictures) -> list[Message]:
    """What a provider is told of these. An answer that continues another one is one with it: some
    providers refuse two turns of the assistant in a row."""
    turns: list[Message] = []
    for message in with_pauses(messages):
        more = _turns(message)
        if message.id in pictures:
            more = with_pictures(more, pictures[message.id])
        if message.continues and turns and is_plain_answer(turns[-1]) and is_plain_answer(more[0]):
            more = [Message("assistant", turns.pop().text + more[0].text), *more[1:]]
        turns += more
    return turns


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


def _finished(messages: Iterable[StoredMessage]) -> list[StoredMessage]:
    """Of answers the text alone, if a provider is told no more: thousands are held at once."""
    finished = []
    for message in messages:
        if isinstance(message, Answer):
            if message.running:
                continue
            if not _has(message, TOLD):
                message = msgspec.structs.replace(message, compacted="[]")
        finished.append(message)
    return finished


def _turns(message: StoredMessage) -> list[Message]:
    """Several for an answer with calls whose turns are to go back."""
    if message.said is None and isinstance(message, Answer) and _has(message, CALLS):
        return turns_of(message.entries())
    return [message.message()]


def _has(answer: Answer, names: Iterable[str]) -> bool:
    """A quick look."""
    return any(name in answer.compacted for name in names)
