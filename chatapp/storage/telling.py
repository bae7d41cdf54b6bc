"""What a provider is told for an ask. It grows with the conversation, so it is read before the
transaction that stores the ask, for which all others wait in SQLite: 10,000 messages take a tenth
of a second. In that transaction it is read only if the conversation has gone on meanwhile.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from chatapp.chat import Ask, Message
from chatapp.errors import InvalidField
from chatapp.storage import StoredMessage
from chatapp.storage.history import provider_messages
from chatapp.storage.limits import ConversationLimits
from chatapp.storage.pictures import Maker, pictures_of
from chatapp.storage.versions import GO_ON


class Told(NamedTuple):
    """`messages` for the provider: the ask's, behind `history` of the conversation, of which the
    last one is `end`."""

    messages: list[Message]
    history: int
    end: str | None


def told(
    session: Session,
    history: Sequence[StoredMessage],
    end: str | None,
    ask: Ask,
    maker: Maker,
    limits: ConversationLimits,
) -> Told:
    """Raises InvalidField if there is nothing, or too much."""
    pictures = pictures_of(session, history, maker, limits.max_picture_bytes)
    messages = provider_messages(history, [GO_ON] if ask.continue_of else ask.said, pictures)
    if not messages:
        raise InvalidField("retry_of: there is no message before this answer")
    limits.refuse_large(messages)
    return Told(messages, len(history), end)
