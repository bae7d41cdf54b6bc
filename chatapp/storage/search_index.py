"""The index of what was said: FTS5 in SQLite, a tsvector in Postgres, with terms of our own.

Triggers note in a queue what was said and what is gone; the `Indexer` works it off. A
search looks at the queue, too, so that nothing is missed meanwhile. The index of SQLite keeps no
text: to let go of one it is told the terms again, so the queue keeps a text that is gone until
then.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, text, type_coerce
from sqlalchemy.orm import Session

from chatapp.hub import with_pauses
from chatapp.storage.search_tables import IndexedRow, SearchQueueRow
from chatapp.storage.search_terms import MAX_CHARS, owner_term
from chatapp.storage.tables import MessageRow
from chatapp.storage.types import Text

Execute = Callable[[str, dict[str, Any]], Any]
"""Runs one statement with named parameters; the result can be iterated."""

CLOCK = slice(0, 16)  # hex digits of the time in an id; see `ids`
LARGEST = 2**63 - 1
QUEUE_SLICE = 500  # lines of the queue that are looked at in one go


class Statements(NamedTuple):
    """What each database calls the same."""

    add: str
    drop: str
    find: str


STATEMENTS = {
    "sqlite": Statements(
        add="INSERT INTO search_terms(rowid, terms) VALUES (:id, :terms)",
        drop="INSERT INTO search_terms(search_terms, rowid, terms) VALUES ('delete', :id, :terms)",
        find=(
            "SELECT search_rows.message_id FROM search_terms JOIN search_rows ON search_rows.id = search_terms.rowid "
            "WHERE search_terms MATCH :wanted AND search_terms.rowid BETWEEN :lower AND :upper "
            "ORDER BY search_terms.rowid DESC LIMIT :limit"
        ),
    ),
    "postgresql": Statements(
        add="INSERT INTO search_terms(id, terms) VALUES (:id, array_to_tsvector(string_to_array(:terms, ' ')))",
        drop="DELETE FROM search_terms WHERE id = :id",
        find=(
            "SELECT search_rows.message_id FROM search_terms JOIN search_rows USING (id) "
            "WHERE search_terms.terms @@ CAST(:wanted AS tsquery) AND id BETWEEN :lower AND :upper "
            "ORDER BY id DESC LIMIT :limit"
        ),
    ),
}


class Waiting(NamedTuple):
    """A line of the queue. `content` is the message's, None if it is gone."""

    id: int
    message_id: str
    gone: str | None
    content: str | None
    owner: str | None


class Job(NamedTuple):
    """A line of the queue: a text that is gone, or one to add, with its terms."""

    id: int
    message_id: str
    owner: str
    gone: bool
    digest: str
    terms: str


def waiting(connection: Connection, limit: int) -> list[Waiting]:
    """The oldest lines of the queue."""
    first = select(SearchQueueRow.id).order_by(SearchQueueRow.id).limit(limit).scalar_subquery()
    content = type_coerce(func.substr(MessageRow.content, 1, MAX_CHARS), Text())
    owner = func.coalesce(MessageRow.owner, IndexedRow.owner)
    lines = (
        select(SearchQueueRow.id, SearchQueueRow.message_id, SearchQueueRow.gone, content, owner)
        .outerjoin(MessageRow, MessageRow.id == SearchQueueRow.message_id)
        .outerjoin(IndexedRow, IndexedRow.message_id == SearchQueueRow.message_id)
        .where(SearchQueueRow.id.in_(first))
        .order_by(SearchQueueRow.id)
    )
    return [Waiting(*line) for line in connection.execute(lines)]


def work_off(execute: Execute, statements: Statements, job: Job) -> None:
    """In a transaction of the caller's. Another process may have done it already."""
    if not [*execute("DELETE FROM search_queue WHERE id = :id RETURNING id", {"id": job.id})]:
        return
    known = [*execute("SELECT id, digest FROM search_rows WHERE message_id = :message", {"message": job.message_id})]
    if job.gone:
        if known and known[0][1] == job.digest:
            execute(statements.drop, {"id": known[0][0], "terms": job.terms})
            execute("DELETE FROM search_rows WHERE id = :id", {"id": known[0][0]})
    elif not known and job.terms:
        id = _free(execute, _clock(job.message_id))
        row = {"id": id, "message": job.message_id, "owner": job.owner, "digest": job.digest}
        execute("INSERT INTO search_rows(id, message_id, owner, digest) VALUES (:id, :message, :owner, :digest)", row)
        execute(statements.add, {"id": id, "terms": job.terms})


def candidates(session: Session, owner: str, wanted: Sequence[str], lower: str, upper: str, limit: int) -> list[str]:
    """The newest messages, at most `limit`, from `lower` up to `upper`, whose texts have all these
    terms. Those at the ends may lie a little outside."""
    dialect = session.get_bind().dialect.name
    terms = [owner_term(owner), *wanted]
    is_sqlite = dialect == "sqlite"
    query = " AND ".join(f'"{term}"' for term in terms) if is_sqlite else " & ".join(f"'{term}'" for term in terms)
    within = {"lower": _clock(lower), "upper": min(_clock(upper) + 1, LARGEST) if upper.isascii() else LARGEST}
    found = session.execute(text(STATEMENTS[dialect].find), {"wanted": query, "limit": limit, **within})
    return [*found.scalars()]


def waiting_of(session: Session, owner: str, most: int) -> tuple[list[str], bool]:
    """The owner's messages among the last ones of the queue, at most so many; and whether more
    wait."""
    queue = f"SELECT message_id FROM search_queue ORDER BY id DESC LIMIT {most + 1}"
    (count,) = session.execute(text(f"SELECT COUNT(*) FROM ({queue}) AS latest")).one()
    mine = f"SELECT id FROM messages WHERE owner = :owner AND id IN (SELECT message_id FROM ({queue}) AS latest)"
    ids = session.execute(text(mine), {"owner": owner}).scalars()
    return [*with_pauses(ids, QUEUE_SLICE)], count > most


def _clock(message_id: str) -> int:
    """Numbers that grow as the ids do, and leave room for one more message at the same moment."""
    return int(message_id.rpartition("_")[2][CLOCK] or "0", 16)


def _free(execute: Execute, id: int) -> int:
    """Two processes may have made two messages in the same nanosecond."""
    while [*execute("SELECT 1 FROM search_rows WHERE id = :id", {"id": id})]:
        id += 1
    return id
