"""What an owner deletes. Runs that are still going on for it are stopped."""

import logging

from chatapp.access import Caller
from chatapp.errors import LogError
from chatapp.generation.supervisor import RunSupervisor
from chatapp.storage import Answer, Conversation
from chatapp.storage.conversations import Conversations
from chatapp.storage.deleting import Deletion

logger = logging.getLogger(__name__)


class Deleting:
    """All raise DatabaseUnavailable, and NotFound, for anybody but the owner too."""

    def __init__(self, conversations: Conversations, deletion: Deletion, runs: RunSupervisor) -> None:
        self._conversations = conversations
        self._deletion = deletion
        self._runs = runs

    def answer(self, answer: Answer, alone: bool = False) -> None:
        """With all that it answers, unless `alone`."""
        if self._conversations.delete_answer(answer.owner, answer.id, alone):
            self._stop(answer.id)

    def message(self, caller: Caller, message_id: str) -> None:
        """This one alone."""
        if self._conversations.delete_message(caller.owner, message_id):
            self._stop(message_id)

    def conversation(self, caller: Caller, conversation_id: str) -> None:
        """With all its messages. For a while `restore` brings it back."""
        for run_id in self._deletion.delete(caller.owner, conversation_id):
            self._stop(run_id)

    def restore(self, caller: Caller, conversation_id: str) -> Conversation:
        """It is as it was before; its runs stay stopped."""
        return self._deletion.restore(caller.owner, conversation_id)

    def _stop(self, run_id: str) -> None:
        try:
            self._runs.cancel(run_id)
        except LogError as error:  # its answer is gone all the same, and other runs may have to be stopped
            logger.warning("the run %s of a deleted answer was not stopped: %s", run_id, error)
