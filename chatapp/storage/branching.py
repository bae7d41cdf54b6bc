"""The versions of a conversation's messages: told, and chosen from. `conversations` makes them."""

from collections.abc import Sequence

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from chatapp.errors import NotFound
from chatapp.storage import Answer, StoredMessage
from chatapp.storage.branches import path_through, show, tree_of, versions_among
from chatapp.storage.placement import lock_conversation, owned_conversation, owned_message
from chatapp.storage.reading import MESSAGES, these
from chatapp.storage.tables import ConversationRow
from chatapp.storage.transactions import Transactions


class Branches:
    """All raise DatabaseUnavailable; and NotFound, for anybody but the owner too."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "the conversations are")

    def versions(self, owner: str, conversation_id: str, messages: Sequence[StoredMessage]) -> dict[str, list[str]]:
        """For each of these messages of the conversation the ids of all its versions, itself
        included, the oldest first."""
        parents = {message.parent for message in messages}
        with self._transaction.reading() as session:
            found = versions_among(session, owned_conversation(session, owner, conversation_id).id, parents)
        return {id: ids for ids in found for id in ids}

    def choose(self, owner: str, message_id: str) -> str:
        """Show the path through this message, and on by the newest ones; return the conversation's
        id."""
        with self._transaction() as session:
            message = owned_message(session, owner, message_id)
            if (conversation_id := message.conversation_id) is None:
                raise NotFound("this message belongs to no conversation")
            lock_conversation(session, message)
            show(session, conversation_id, path_through(tree_of(session, conversation_id), message_id))
            return conversation_id

    def messages(self, owner: str, message_ids: Sequence[str]) -> list[StoredMessage]:
        """Those of the messages that the owner has, the oldest first."""
        with self._transaction.reading() as session:
            found = [*these(session, sorted(message_ids), MESSAGES.owner == owner)]
            gone = {each for each in {one.conversation_id for one in found} if _is_deleted(session, each)}
            return [message for message in found if message.conversation_id not in gone]

    def answers(self, owner: str, answer_ids: Sequence[str]) -> list[Answer]:
        """These, in this order. NotFound, which names none, if any is missing."""
        by_id = {message.id: message for message in self.messages(owner, answer_ids)}
        answers = [found for id in answer_ids if isinstance(found := by_id.get(id), Answer)]
        if len(answers) < len(answer_ids):
            raise NotFound("message: no such answer")
        return answers


def _is_deleted(session: Session, conversation_id: str | None) -> bool:
    deleted = select(ConversationRow.deleted).where(ConversationRow.id == conversation_id)
    return session.scalar(deleted) is not None
