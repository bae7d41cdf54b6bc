"""The tree of a conversation's messages, and the path in it that is shown.

Each message follows another one, its parent. Messages with the same parent are versions of each
other: an answer that was made again, a question that was edited. The path that is shown goes from
a message without a parent down to one that nothing follows; all others are `superseded`, and kept.
Ids grow along every path, so the order of the ids is the order of the path.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

from sqlalchemy import ColumnElement, TextClause, bindparam, func, select, text, update
from sqlalchemy.orm import Session

from chatapp.hub import let_others_run, with_pauses
from chatapp.storage import StoredMessage
from chatapp.storage.beginning import connection_of
from chatapp.storage.tables import IS_SHOWN, MessageRow

LINKS = 1000  # that are read in one go
UPDATES = 100  # messages that are shown or hidden in one go: a millisecond or two
SLICE = 500  # ids in one statement: databases bound its parameters

_NEWEST_SHOWN = select(func.max(MessageRow.id)).where(
    MessageRow.conversation_id == bindparam("conversation"), text(IS_SHOWN)
)

Tree: TypeAlias = Mapping[str, str | None]
"""The parent of each message, in the order of the ids."""


def tree_of(session: Session, conversation_id: str | None) -> Tree:
    """Reads an index, and no message."""
    links = select(MessageRow.id, MessageRow.parent).where(MessageRow.conversation_id == conversation_id)
    return dict(sorted((id, parent) for id, parent in with_pauses(session.execute(links), LINKS)))


def path_to(tree: Tree, message_id: str | None) -> list[str]:
    """The message's ancestors and itself, the first one first."""
    path = []
    while message_id is not None:
        path.append(message_id)
        message_id = tree.get(message_id)
    return path[::-1]


def path_through(tree: Tree, message_id: str) -> list[str]:
    """The path to the message, and on by the newest message that follows each."""
    path = path_to(tree, message_id)
    newest = {parent: id for id, parent in tree.items()}
    while following := newest.get(path[-1]):
        path.append(following)
    return path


def versions_among(session: Session, conversation_id: str, parents: Collection[str | None]) -> list[list[str]]:
    """The ids of the messages that follow each of these parents, the oldest first. Reads only
    these, by an index."""
    following = select(MessageRow.parent, MessageRow.id).where(MessageRow.conversation_id == conversation_id)
    wanted = [MessageRow.parent.in_(some) for some in _slices(sorted(each for each in parents if each is not None))]
    if None in parents:
        wanted.append(MessageRow.parent.is_(None))
    versions: dict[str | None, list[str]] = {}
    for some_of_them in wanted:
        for parent, id in session.execute(following.where(some_of_them)):
            versions.setdefault(parent, []).append(id)
    return [sorted(ids) for ids in versions.values()]


def newest_shown(session: Session, conversation_id: str) -> str | None:
    """The end of the path that is shown."""
    return connection_of(session).scalar(_NEWEST_SHOWN, {"conversation": conversation_id})


def show(session: Session, conversation_id: str, path: Collection[str]) -> None:
    """Show this path, and no other message."""
    ids = session.scalars(select(MessageRow.id).where(*_shown(conversation_id)))
    seen = set(with_pauses(ids, LINKS))
    for changed, superseded in ((seen - set(path), True), (set(path) - seen, False)):
        for some in _slices(sorted(changed), UPDATES):
            session.execute(update(MessageRow).where(MessageRow.id.in_(some)).values(superseded=superseded))
            let_others_run()


def take_out(session: Session, path: Sequence[StoredMessage]) -> None:
    """These messages, each of which follows the one before it, are about to be deleted: what
    follows them follows the parent of the first one, and continues it if all of them did."""
    first, continues = path[0], MessageRow.continues if all(message.continues for message in path) else False
    followers = update(MessageRow).where(MessageRow.conversation_id == first.conversation_id)
    moved = followers.values(parent=first.parent, continues=continues)
    for some in _slices([message.id for message in path], UPDATES):
        session.execute(moved.where(MessageRow.parent.in_(some)), execution_options={"synchronize_session": False})
        let_others_run()


def _shown(conversation_id: str) -> tuple[ColumnElement[bool] | TextClause, ...]:
    return MessageRow.conversation_id == conversation_id, text(IS_SHOWN)


def _slices(ids: Sequence[str], size: int = SLICE) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
