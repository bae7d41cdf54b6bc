"""Search in all that an owner said and was answered, the newest first, and in the titles.

The index tells which messages may have the words in them, and these are looked at. Words that are
too short for an index are looked for in all texts. While the index is being filled, what has just
been said is looked at as well, and the answer says that there may be more. No word is a
syntax error. What one request may look at is bounded; its cursor goes on from there.
"""

import re
from collections.abc import Sequence

from sqlalchemy import Engine, Select, select, text
from sqlalchemy.orm import Session

from chatapp.errors import InvalidField
from chatapp.hub import let_others_run
from chatapp.storage import Found, Hit, TitleHit
from chatapp.storage.listing import last_used_first
from chatapp.storage.search_index import candidates, waiting_of
from chatapp.storage.search_terms import wanted_terms
from chatapp.storage.tables import IS_LISTED, ConversationRow, MessageRow
from chatapp.storage.transactions import Transactions

SLICE = 200  # messages of one statement: so many Postgres sends at once
WINDOW = 5000  # messages that the index is asked about in one go
QUEUED = 1000  # of the last messages that wait to be indexed
TURN_CHARS = 128 * 1024  # of texts that are looked at in one go: a millisecond
ROW_CHARS = 1024  # a message costs as much as so many
HIT_CHARS = 8192  # and a hit, with its snippet, so many more
MOST_CHARS = 32 << 20  # of one request: some tenths of a second
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

    def find(self, owner: str, words: list[str], limit: int, before: str = "") -> Found:
        """At most `limit` messages in which all the words stand, whatever their case, those before
        the message `before`. Raises InvalidField."""
        if before and not CURSOR.fullmatch(before):
            raise InvalidField("before: expected the `next` of another page")
        look = _Look(owner, words, limit, before or LAST_CHARACTER)
        for _ in range(SLICES):
            with self._transaction.reading() as session:
                look.at_slice(session)
            if look.is_over:
                break
            let_others_run()
        return Found(look.hits, look.upper, look.indexing)

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
                named = (session.get(ConversationRow, id) for id in ids)  # None: it has ended meanwhile
                hits = [each.value() for each in named if each is not None]
                found += [TitleHit(hit, _places(hit.title, words)) for hit in hits]
            if len(found) >= limit or len(rows) < TITLES:
                break
            last = rows[-1].updated, rows[-1].id
            let_others_run()
        return found


class _Look:
    """What one request has looked at: all from `upper` on, which is empty at the end."""

    def __init__(self, owner: str, words: list[str], limit: int, upper: str) -> None:
        self.hits: list[Hit] = []
        self.upper = upper
        self.indexing = False
        self._owner = owner
        self._words = words
        self._wanted = wanted_terms(words)
        self._queued: list[str] | None = None
        self._limit = limit
        self._chars = 0  # looked at
        self._turn = 0  # since the last pause

    @property
    def is_over(self) -> bool:
        return not self.upper or len(self.hits) >= self._limit or self._chars >= MOST_CHARS

    def at_slice(self, session: Session) -> None:
        lower, among = self._bounds(session)
        if among == []:
            self.upper = lower
            return
        with session.execute(_texts(self._owner, lower, self.upper, among)) as rows:
            for row in rows:
                self._at(*row)
                if self.is_over:
                    self.upper = row.id
                    return
        self.upper = lower

    def _bounds(self, session: Session) -> tuple[str, list[str] | None]:
        """Where the next slice begins, empty if it is the last one; and its messages that are worth
        a look, None if all are."""
        if not self._wanted:
            return _lower_end(session, self._owner, self.upper, SLICE), None
        if self._queued is None:
            self._queued, self.indexing = waiting_of(session, self._owner, QUEUED)
        lower = _lower_end(session, self._owner, self.upper, WINDOW)
        found = candidates(session, self._owner, self._wanted, lower, self.upper, SLICE)
        if len(found) == SLICE:  # there may be more of them
            lower = max(lower, found[-1])
        among = sorted({id for id in (*found, *self._queued) if lower <= id < self.upper}, reverse=True)
        return (lower, among) if len(among) <= SLICE else (among[SLICE - 1], among[:SLICE])

    def _at(
        self, id: str, conversation_id: str, title: str, role: str, created: float, superseded: bool, content: str
    ) -> None:
        work = ROW_CHARS + len(content)
        if _has(content, self._words):
            shown, marks = _snippet(content, self._words)
            self.hits.append(Hit(id, conversation_id, title, role, created, not superseded, shown, marks))
            work += HIT_CHARS
        self._chars += work
        self._turn += work
        if self._turn >= TURN_CHARS:
            let_others_run()
            self._turn = 0


def _lower_end(session: Session, owner: str, upper: str, size: int) -> str:
    """The first of the next slice of messages; empty if it is the last slice. Reads an index."""
    ids = select(MessageRow.id).where(MessageRow.owner == owner, MessageRow.id < upper)
    return session.scalar(ids.order_by(MessageRow.id.desc()).offset(size - 1).limit(1)) or ""


def _texts(owner: str, lower: str, upper: str, among: list[str] | None) -> Select[str, str, str, str, float, bool, str]:
    """Of tables, not of classes: those would read all rows at once."""
    message, conversation = MessageRow.__table__.c, ConversationRow.__table__.c
    within = [message.owner == owner, message.id >= lower, message.id < upper, conversation.deleted.is_(None)]
    if among is not None:
        within.append(message.id.in_(among))
    about = message.id, conversation.id, conversation.title, message.role, message.created, message.superseded
    joined = MessageRow.__table__.join(ConversationRow.__table__, conversation.id == message.conversation_id)
    return select(*about, message.content).select_from(joined).where(*within).order_by(message.id.desc())


def _has(title: str, words: Sequence[str]) -> bool:
    lowered = title.lower()
    return all(word.lower() in lowered for word in words)


def _snippet(content: str, words: list[str]) -> tuple[str, list[tuple[int, int]]]:
    """Some of the text around the first of the words, and their places in it."""
    places = _places(content, words)
    start = max(0, (places[0][0] if places else 0) - AROUND)
    end = min(len(content), (places[0][1] if places else 0) + AROUND)
    return content[start:end], [(begin - start, until - start) for begin, until in places if until <= end]


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
