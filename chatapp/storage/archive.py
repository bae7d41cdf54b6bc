"""Conversations as files: read out with all versions of their messages, and stored again under new
ids. Both go through thousands of messages, some at a time."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any, get_args

import msgspec
from sqlalchemy import Engine, bindparam, insert, select
from sqlalchemy.orm import Session

from chatapp.chat import Attachment, Image, Message, Part, Text
from chatapp.events import Entry, File, RunStart, ToolCall
from chatapp.exchange import (
    FORMAT,
    NAME_CHARS,
    NOT_THERE,
    VERSION,
    KeptAttachment,
    KeptCall,
    KeptConversation,
    KeptEvent,
    KeptMessage,
    KeptSettings,
)
from chatapp.hub import let_others_run, with_pauses
from chatapp.hub.large_values import to_base64, to_json
from chatapp.ids import new_id
from chatapp.storage import Answer, Conversation, ConversationSettings, StoredMessage, large_writes
from chatapp.storage.beginning import connection_of
from chatapp.storage.blobs import data_by
from chatapp.storage.branches import newest_shown
from chatapp.storage.conversation_rows import insert_conversation, update_conversation
from chatapp.storage.placement import owned_conversation
from chatapp.storage.reading import MESSAGES, all_of, messages, sliced
from chatapp.storage.tables import ConversationRow, MessageRow
from chatapp.storage.transactions import Transactions
from chatapp.storage.upload_tables import UploadRow

SLICE = 50  # messages that are written in one go: some milliseconds, if they are long
EVENTS = 2000  # of an answer that are made ready to be stored in one go
KEPT_EVENTS = get_args(KeptEvent)

_IN_IT = sliced(messages(MESSAGES.conversation_id == bindparam("conversation")))


class Archive:
    """All raise DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "the conversations are")

    def ids(self, owner: str) -> list[str]:
        """Of all conversations of the owner, the oldest first."""
        mine = ConversationRow.owner == owner, ConversationRow.deleted.is_(None)
        with self._transaction.reading() as session:
            return [*session.scalars(select(ConversationRow.id).where(*mine).order_by(ConversationRow.updated))]

    def read(self, owner: str, conversation_id: str) -> KeptConversation:
        """Raises NotFound, for anybody but the owner too."""
        instead: dict[str, str | None] = {}
        with self._transaction.reading() as session:
            conversation = owned_conversation(session, owner, conversation_id).value()
            shown = newest_shown(session, conversation_id)
            kept = [*_kept(session, all_of(session, _IN_IT, conversation_id), instead)]
        known = {message.id for message in kept}
        end = instead.get(shown, shown) if shown else None
        return KeptConversation(
            format=FORMAT,
            version=VERSION,
            title=conversation.title,
            created=conversation.created,
            shown=end if end in known else None,  # deleted meanwhile
            messages=kept,
            pinned=conversation.pinned,
            settings=_settings(conversation.settings),
            metadata=conversation.metadata,
        )

    def store(self, owner: str, kept: KeptConversation) -> Conversation:
        """As a conversation of its own. The file has been checked."""
        settings = msgspec.convert(msgspec.to_builtins(kept.settings), ConversationSettings)
        conversation = Conversation(
            new_id("conv"), kept.title, kept.created, time.time(), kept.metadata, kept.pinned, settings
        )
        with self._transaction() as session:
            insert_conversation(session, owner, conversation)
            newest = _insert(session, owner, conversation.id, kept)
            update_conversation(session, conversation, seen=newest or None)
            return conversation


def _kept(session: Session, said: Iterator[StoredMessage], instead: dict[str, str | None]) -> Iterator[KeptMessage]:
    """Without the results of tools that a client ran: what followed them follows their parent,
    which `instead` is told of."""
    for message in said:
        parent = instead.get(message.parent, message.parent) if message.parent else None
        if message.role not in ("system", "user", "assistant"):
            instead[message.id] = parent
            continue
        whole = message if isinstance(message, Answer) and not message.running else None
        images, files = _came_with(session, message)
        yield KeptMessage(
            id=message.id,
            role=message.role,  # type: ignore[arg-type]
            content=message.content,
            created=message.created,
            parent=parent,
            provider=whole.provider if whole else None,
            model=whole.model if whole else None,
            continues=whole is not None and whole.continues,
            images=images,
            files=files,
            calls=[] if whole else _calls(message),
            events=_events(whole) if whole else [],
        )


def _calls(message: StoredMessage) -> list[KeptCall]:
    """Of a turn of the assistant that a client sent."""
    if message.said is None or message.role != "assistant":
        return []
    return [KeptCall(call.name[:NAME_CHARS], call.arguments) for call in message.message().tool_calls]


def _events(answer: Answer) -> list[KeptEvent]:
    events = (entry.event for entry in answer.entries())
    return [
        _without_bytes(event) if isinstance(event, File) else event
        for event in events
        if isinstance(event, KEPT_EVENTS)
    ]


def _without_bytes(file: File) -> File:
    return File(file.id, file.media_type, file.name, error=file.error or NOT_THERE)


def _came_with(session: Session, message: StoredMessage) -> tuple[list[str], list[KeptAttachment]]:
    """The pictures that are here, also those that are stored as files of their own; and what else
    it came with, which is only named."""
    parts = _parts(message)
    pictures = [part.id for part in parts if isinstance(part, Attachment) and part.media_type.startswith("image/")]
    found = data_by(session, UploadRow.id, UploadRow.id.in_(pictures)) if pictures else {}
    images: list[str] = []
    files: list[KeptAttachment] = []
    for part in parts:
        match part:
            case Image() if part.url.startswith("data:image/"):
                images.append(part.url)
            case Image():
                files.append(KeptAttachment(part.url[:NAME_CHARS]))
            case Attachment() if part.id in found:
                images.append(f"data:{part.media_type};base64,{to_base64(found[part.id])}")
            case Attachment():
                files.append(KeptAttachment(part.name, part.media_type))
            case _:
                pass
    return images, files


def _parts(message: StoredMessage) -> list[Part]:
    """Of a question that is more than its text."""
    if message.said is None or message.role != "user":
        return []
    content = message.message().content
    return [] if isinstance(content, str) else content


def _settings(settings: ConversationSettings) -> KeptSettings:
    return KeptSettings(settings.instructions, settings.temperature, settings.max_tokens)


def _insert(session: Session, owner: str, conversation_id: str, kept: KeptConversation) -> str:
    """All messages; return the id of the last one."""
    shown, ids, newest = kept.shown_ids(), {}, ""
    for start in range(0, len(kept.messages), SLICE):
        values = []
        for message in with_pauses(kept.messages[start : start + SLICE], weight=KeptMessage.weight):
            ids[message.id] = newest = new_id("msg", after=newest)
            parent = ids[message.parent] if message.parent else None
            values.append(
                {
                    **_columns(message, newest),
                    "id": newest,
                    "owner": owner,
                    "conversation_id": conversation_id,
                    "parent": parent,
                    "superseded": message.id not in shown,
                }
            )
        size = sum(len(each["content"]) + len(each["entries"]) + len(each["said"] or "") for each in values)
        large_writes.write(connection_of(session), size, partial(session.execute, insert(MessageRow), values))
        let_others_run()
    return newest


def _columns(message: KeptMessage, id: str) -> dict[str, Any]:
    """`said` is what a model is told of it: the text, and a question's images, and nothing else. Of
    its files it is told that they are no longer here."""
    said: Message | None = None
    if message.images or message.files:
        gone = [Attachment(new_id("file"), file.name, file.media_type, 0) for file in message.files]  # only named
        said = Message("user", [*gone, Text(message.content), *map(Image, message.images)])
    elif message.events:
        said = Message("assistant", message.content)
    elif message.calls:  # they have no results here, and so no provider is told of them
        calls = [ToolCall(new_id("call"), "function", call.name, call.arguments) for call in message.calls]
        said = Message("assistant", message.content, tool_calls=calls)
    return {
        "role": message.role,
        "status": "done",
        "content": message.content,
        "created": message.created,
        "continues": message.continues,
        "provider": message.provider if message.events else None,
        "model": message.model if message.events else None,
        "entries": to_json(_entries(message, id)).decode() if message.events else "[]",
        "said": msgspec.json.encode(said).decode() if said else None,
    }


def _entries(message: KeptMessage, id: str) -> list[Entry]:
    entries = []
    for seq, event in enumerate(with_pauses(message.events, EVENTS), 1):
        if isinstance(event, RunStart):
            event = msgspec.structs.replace(event, run_id=id)
        entries.append(Entry(seq, _without_bytes(event) if isinstance(event, File) else event))
    return entries
