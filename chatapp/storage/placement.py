"""To which conversation a question belongs: a new one, one that is named or called by its owner's name, or a branch.

In the caller's transaction. Whatever is somebody else's is not there: NotFound.
"""

import hashlib
from collections.abc import Sequence

from sqlalchemy.orm import Session

from chatapp.chat import Message
from chatapp.errors import NotFound
from chatapp.ids import new_id
from chatapp.storage.history import going_on, previous_answer, said_in, said_up_to, take_back
from chatapp.storage.question import Question
from chatapp.storage.tables import ConversationRow, MessageRow

TITLE_CHARS = 80


def place(session: Session, question: Question, now: float) -> tuple[ConversationRow | None, Sequence[MessageRow]]:
    """Where the question belongs, and what was said before it."""
    if question.previous is None:
        conversation = _conversation_for(session, question, now)
        if question.retry_of is not None:
            return conversation, take_back(session, conversation, question.retry_of)
        return conversation, said_in(session, conversation)
    previous = previous_answer(session, question.owner, question.previous)
    if question.keep:
        return going_on(session, previous, now), said_up_to(session, previous)
    return _conversation_for(session, question, now), said_up_to(session, previous)


def _conversation_for(session: Session, question: Question, now: float) -> ConversationRow | None:
    if question.conversation_id is not None:
        conversation = owned_conversation(session, question.owner, question.conversation_id)
        conversation.updated = now
        return conversation
    if question.session_id is not None:
        if known := known_session(session, question.owner, question.session_id):
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


def known_session(session: Session, owner: str, session_id: str) -> ConversationRow | None:
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


def owned_conversation(session: Session, owner: str, conversation_id: str) -> ConversationRow:
    conversation = session.get(ConversationRow, conversation_id)
    if conversation is None or conversation.owner != owner:
        raise NotFound("no such conversation")
    return conversation
