"""How much a conversation may hold."""

from collections.abc import Sequence
from dataclasses import dataclass

from chatapp.chat import Message
from chatapp.errors import InvalidField

MAX_MESSAGES = 5000
MAX_BYTES = 20 << 20


@dataclass(frozen=True)
class ConversationLimits:
    """`max_attached_bytes` bounds the files of all its messages: each request has them again."""

    max_messages: int = MAX_MESSAGES
    max_attached_bytes: int = MAX_BYTES

    def refuse_more(self, messages: int) -> None:
        """Raise InvalidField if a conversation would have so many messages."""
        if messages > self.max_messages:
            raise InvalidField(
                f"messages: the conversation would have {messages}; the limit is {self.max_messages} (setting "
                "max_messages); begin a new one"
            )

    def refuse_large(self, messages: Sequence[Message]) -> None:
        """Raise InvalidField if all files of these messages are too large."""
        size = sum(file.size_bytes for message in messages for file in message.attachments)
        if size > self.max_attached_bytes:
            raise InvalidField(
                f"attachments: the conversation's files would have {size} bytes; the limit is "
                f"{self.max_attached_bytes} (setting max_attached_bytes); attach less, or begin a new one"
            )
