"""Search in all that an owner said and was answered, the newest first, and in the titles.

The index tells which messages may have the words in them, and these are looked at. While many
messages wait to be indexed, and for words that are too short for an index, all texts are looked at,
some hundred at a time, so that no other greenlet waits for it. No word is a syntax error. What one
request may look at is bounded; its cursor goes on from there.
"""

import re
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Engine, Select, and_, or_, select, text
from sqlalchemy.orm import Session

from chatapp.errors import InvalidField
from chatapp.hub import let_others_run
from chatapp.storage import Hit, TitleHit
from chatapp.storage.listing import last_used_first
from chatapp.storage.search_index import candidates, pending
from chatapp.storage.search_terms import wanted_terms
from chatapp.storage.tables import IS_LISTED, ConversationRow, MessageRow
from chatapp.storage.transactions import Transactions

SLICE = 200  # messages that are looked at in one go: a millisecond or two
WINDOW = 5000  # messages that the index is asked about in one go
SLICES = 250  # of one request, at most
TITLES = 500  # that are looked at in one go: a millisecond or two
AROUND = 80  # characters of a snippet before the first word, and behind it
MAX_MARKS = 20

CURSOR = re.compile("[a-z]+_[0-9a-f]{16,64}")  # an id
LAST_CHARACTER = "\U0010ffff"  # sorts behind every other


class Search:
    """Raises DatabaseUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = Transactions(engine, "the conversations are")

    def find(self, owner: str, words: list[str], limit: int, before: str = "") -> tuple[list[Hit], str]:
        """At most about `limit` messages in which all the words stand, whatever their case, those
        before the message `before`; and where to go on, empty at the end. Raises InvalidField."""
        if before and not CURSOR.fullmatch(before):
            raise InvalidField("before: expected the `next` of another page")
        hits: list[Hit] = []
        upper = before or LAST_CHARACTER
        for _ in range(SLICES):
            with self._transaction.reading() as session:
                lower, among = _look(session, owner, words, upper)
                rows = [] if among == [] else session.execute(_matching(owner, words, lower, upper, among)).all()
            hits += [_hit(*row, words=words) for row in rows]
            if lower is None:
                return hits, ""
            upper = lower
            if len(hits) >= limit:
                break
            let_others_run()
        return hits, upper

    def titles(self, owner: str, words: list[str], limit: int) -> list[TitleHit]:
        """The conversations in whose titles all the words stand, the last used first, at most
        `limit`."""
        found: list[TitleHit] = []
        row, last = ConversationRow, None
        titles = select(row.id, row.title, row.updated).where(row.owner == owner, text(IS_LISTED)).limit(TITLES)
        for _ in range(SLICES):
            with self._transaction.reading() as session:
                rows = session.execute(last_used_first(titles, last)).all()
                ids = [id for id, title, _ in rows if _has(title, words)][: limit - len(found)]
                hits = [session.get_one(ConversationRow, id).value() for id in ids]
                found += [TitleHit(hit, _places(hit.title, words)) for hit in hits]
            if len(found) >= limit or len(rows) < TITLES:
                break
            last = rows[-1].updated, rows[-1].id
            let_others_run()
        return found


def _look(session: Session, owner: str, words: list[str], upper: str) -> tuple[str | None, list[str] | None]:
    """Where the next slice begins, None if it is the last one; and its messages that are worth a
    look, None if all are."""
    wanted = wanted_terms(words)
    queued = pending(session, owner, SLICE) if wanted else None
    if queued is None:
        return _lower_end(session, owner, upper, SLICE), None
    lower = _lower_end(session, owner, upper, WINDOW)
    found = candidates(session, owner, wanted, lower or "", upper, SLICE)
    if len(found) == SLICE:  # there may be more of them
        lower = max(lower or "", found[-1])
    return lower, [*found, *queued]


def _lower_end(session: Session, owner: str, upper: str, size: int) -> str | None:
    """The first of the next slice of messages; None if it is the last slice. Reads an index."""
    ids = select(MessageRow.id).where(MessageRow.owner == owner, MessageRow.id < upper)
    return session.scalar(ids.order_by(MessageRow.id.desc()).offset(size - 1).limit(1))


def _matching(
    owner: str, words: list[str], lower: str | None, upper: str, among: list[str] | None
) -> Select[str, str, str, str, float, bool, str]:
    message, conversation = MessageRow, ConversationRow
    within = [message.owner == owner, message.id < upper, conversation.deleted.is_(None)]
    if lower is not None:
        within.append(message.id >= lower)
    if among is not None:
        within.append(message.id.in_(among))
    return (
        select(
            message.id,
            conversation.id,
            conversation.title,
            message.role,
            message.created,
            message.superseded,
            message.content,
        )
        .join(conversation, conversation.id == message.conversation_id)
        .where(and_(*within), *(_contains(word) for word in words))
        .order_by(message.id.desc())
    )


def _contains(word: str) -> ColumnElement[bool]:
    """SQLite knows the case of ASCII letters only."""
    spelled = dict.fromkeys((word, word.lower(), word.upper(), word.capitalize()))
    return or_(*(MessageRow.content.icontains(each, autoescape=True) for each in spelled))


def _has(title: str, words: Sequence[str]) -> bool:
    lowered = title.lower()
    return all(word.lower() in lowered for word in words)


def _hit(
    message_id: str,
    conversation_id: str,
    title: str,
    role: str,
    created: float,
    superseded: bool,
    content: str,
    *,
    words: list[str],
) -> Hit:
    places = _places(content, words)
    start = max(0, (places[0][0] if places else 0) - AROUND)
    end = min(len(content), (places[0][1] if places else 0) + AROUND)
    marks = [(begin - start, until - start) for begin, until in places if until <= end]
    return Hit(message_id, conversation_id, title, role, created, not superseded, content[start:end], marks)


def _places(content: str, words: list[str]) -> list[tuple[int, int]]:
    """Where the words stand near the first of them, in order and apart."""
    lowered = content.lower()
    if len(lowered) != len(content):  # few letters grow in lower case; then their case has to match
        lowered = content
    firsts = [place for word in words if (place := lowered.find(word.lower())) >= 0]
    if not firsts:
        return []
    first = min(firsts)
    found: list[tuple[int, int]] = []
    for word in words:
        place = lowered.find(word.lower(), first)
        while 0 <= place < first + 2 * AROUND and len(found) < MAX_MARKS:
            found.append((place, place + len(word)))
            place = lowered.find(word.lower(), place + len(word))
    apart: list[tuple[int, int]] = []
    for begin, end in sorted(found):
        if not apart or begin >= apart[-1][1]:
            apart.append((begin, end))
    return apart
