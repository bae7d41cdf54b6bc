"""How much a conversation may hold."""

from collections.abc import Sequence
from dataclasses import dataclass

from chatapp.chat import Message
from chatapp.errors import InvalidField
from chatapp.hub import with_pauses

MESSAGES = 2000  # that are looked at in one go


@dataclass(frozen=True)
class ConversationLimits:
    """`max_picture_bytes` bounds the pictures that a model made and is shown again,
    `max_attached_bytes` the files of all questions: each request has them again."""

    max_messages: int = 5000
    max_picture_bytes: int = 8 << 20
    max_attached_bytes: int = 20 << 20

    def refuse_more(self, messages: int) -> None:
        """Raise InvalidField if a conversation would have so many messages."""
        if messages > self.max_messages:
            raise InvalidField(
                f"messages: the conversation would have {messages}; the limit is {self.max_messages} (setting "
                "max_messages); begin a new one"
            )

    def refuse_large(self, messages: Sequence[Message], more: int = 0) -> None:
        """Raise InvalidField if all files of these messages are too large, with `more` bytes of
        those that are there."""
        size = more + sum(
            file.size_bytes for message in with_pauses(messages, MESSAGES) for file in message.attachments
        )
        if size > self.max_attached_bytes:
            raise InvalidField(
                f"attachments: the conversation's files would have {size} bytes; the limit is "
                f"{self.max_attached_bytes} (setting max_attached_bytes); attach less, or begin a new one"
            )
