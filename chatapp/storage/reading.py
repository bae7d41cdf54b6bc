"""Messages that are read by the thousand, or of megabytes each: one by one, with pauses.

SQLite gives a row when it is asked for, and its calls let no greenlet go on while they run. So
a reader of many asks for some, and lets the others run. Postgres waits as a greenlet does, and
sends a slice at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, TextClause, bindparam, select, text
from sqlalchemy.orm import Session

from chatapp.hub import let_others_run
from chatapp.storage import Answer, StoredMessage
from chatapp.storage.beginning import connection_of
from chatapp.storage.tables import IS_SHOWN, STORED, MessageRow, stored

SLICE = 200  # messages of one statement: so many Postgres sends at once
TURN_BYTES = 512 * 1024  # that are read in one go: a millisecond or two
ROW_BYTES = 16 * 1024  # a row costs as much as so many

MESSAGES = MessageRow.__table__.c  # a query for the mapped class would read all its rows at once


def messages(*wanted: ColumnElement[bool] | TextClause) -> Select[Any]:
    """The query for `values`."""
    return select(*(MESSAGES[name] for name in STORED)).where(*wanted)


def shown(conversation_id: str | None) -> Select[Any]:
    """The query for the messages that a conversation shows. Seeks by an index."""
    return messages(MESSAGES.conversation_id == conversation_id, text(IS_SHOWN))


def sliced(query: Select[Any]) -> Select[Any]:
    """The query for `all_of`, to be made once. It names its conversation `:conversation`."""
    return query.where(MESSAGES.id > bindparam("after")).order_by(MESSAGES.id).limit(SLICE)


SHOWN = sliced(messages(MESSAGES.conversation_id == bindparam("conversation"), text(IS_SHOWN)))
"""The query for the messages that a conversation shows, for `all_of`."""


def values(session: Session, query: Select[Any], bound: Mapping[str, object] | None = None) -> Iterator[StoredMessage]:
    """What the query finds, with these values."""
    read = 0
    for row in connection_of(session).execute(query, bound):
        message = stored(*row)
        yield message
        read += ROW_BYTES + _size(message)
        if read >= TURN_BYTES:
            let_others_run()
            read = 0


def all_of(session: Session, query: Select[Any], conversation_id: str) -> Iterator[StoredMessage]:
    """What the `sliced` query finds in a conversation, in the order of the ids, slice by slice."""
    last = ""
    while True:
        count = 0
        for message in values(session, query, {"conversation": conversation_id, "after": last}):
            yield message
            last, count = message.id, count + 1
        if count < SLICE:
            return


def these(session: Session, ids: Sequence[str], *wanted: ColumnElement[bool]) -> Iterator[StoredMessage]:
    """The messages with these ids, which are in order; those that are `wanted`."""
    for start in range(0, len(ids), SLICE):
        some = ids[start : start + SLICE]
        yield from values(session, messages(MESSAGES.id.in_(some), *wanted).order_by(MESSAGES.id))


def from_the_end(session: Session, path: Sequence[str]) -> Iterator[StoredMessage]:
    """The messages with these ids, which are in order, the last one first."""
    for end in range(len(path), 0, -SLICE):
        yield from reversed([*these(session, path[max(0, end - SLICE) : end])])


def _size(message: StoredMessage) -> int:
    return (
        len(message.content) + len(message.said or "") + (len(message.compacted) if isinstance(message, Answer) else 0)
    )
