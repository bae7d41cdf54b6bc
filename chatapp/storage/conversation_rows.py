"""Stores a conversation that begins, and what a question changes of it: values, in statements that
are made once (see `answers`)."""

from typing import cast

import msgspec
from sqlalchemy import Table, bindparam, insert, update
from sqlalchemy.orm import Session

from chatapp.storage import Conversation, ConversationSettings
from chatapp.storage.beginning import connection_of
from chatapp.storage.tables import ConversationRow

_CONVERSATIONS = cast(Table, ConversationRow.__table__)
_ADD = insert(_CONVERSATIONS)
_CHANGE = update(_CONVERSATIONS).where(_CONVERSATIONS.c.id == bindparam("conversation"))


def insert_conversation(session: Session, owner: str, conversation: Conversation) -> None:
    """One that the owner has seen nothing of. Raises IntegrityError if there is one of this id."""
    row = {
        "id": conversation.id,
        "owner": owner,
        "title": conversation.title,
        "created": conversation.created,
        "updated": conversation.updated,
        "metadata": msgspec.json.encode(conversation.metadata).decode() if conversation.metadata else None,
        "pinned": conversation.pinned,
        "settings": _settings(conversation.settings),
    }
    connection_of(session).execute(_ADD, row)


def update_conversation(session: Session, conversation: Conversation, seen: str | None) -> None:
    """Its title, when it was used, its settings, and what its owner has seen."""
    values = {
        "conversation": conversation.id,
        "title": conversation.title,
        "updated": conversation.updated,
        "settings": _settings(conversation.settings),
        "seen": seen,
    }
    connection_of(session).execute(_CHANGE, values)


def _settings(settings: ConversationSettings) -> str | None:
    return None if settings == ConversationSettings() else msgspec.json.encode(settings).decode()
