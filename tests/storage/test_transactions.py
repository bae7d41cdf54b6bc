"""Whose turn it is at the database."""

from contextlib import AbstractContextManager, suppress

import gevent
import pytest
from gevent.event import Event
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from chatapp.chat import Ask, Message
from chatapp.errors import DatabaseUnavailable, LimitExceeded
from chatapp.quotas.turns import OwnerTurns, requester
from chatapp.storage import transactions
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database
from chatapp.storage.tables import ConversationRow
from chatapp.storage.transactions import CONNECTIONS, Transactions

FLOOD = 60


class Flood:
    """Transactions of ann, each of which takes a moment, or goes on to the flood's end."""

    def __init__(self, database: Database, hold_s: float | None = 0.01) -> None:
        self.done = 0
        self._hold_s = hold_s
        self._over = Event()
        self._transaction = Transactions(database.engine, "the rows are")
        self._greenlets = [gevent.spawn(self._hold) for _ in range(FLOOD)]
        gevent.sleep(0.001)

    def one_of(self, owner: str) -> None:
        requester.set(owner)
        with self._transaction() as session:
            session.execute(text("SELECT 1"))

    def end(self) -> None:
        self._over.set()
        gevent.joinall(self._greenlets, raise_error=True)

    def _hold(self) -> None:
        requester.set("ann")
        with suppress(LimitExceeded), self._transaction() as session:
            session.execute(text("SELECT 1"))
            self._over.wait(self._hold_s)
        self.done += 1


@pytest.mark.parametrize("owner", ["bob", ""])
def test_an_owner_who_floods_shuts_nobody_out(owner: str, database: Database) -> None:
    one_at_a_time = database.engine.dialect.name == "sqlite"
    flood = Flood(database, hold_s=0.01 if one_at_a_time else None)
    asking = gevent.spawn(flood.one_of, owner)
    asking.get(timeout=30)
    waited_for = flood.done
    flood.end()
    assert waited_for <= 2 * CONNECTIONS


def test_an_ask_that_finds_no_turn_waits_for_one_only(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    conversations, waited = Conversations(database.engine), []
    monkeypatch.setattr(transactions, "TURN_S", 0.02)
    conversation = conversations.create("ann", [Message("user", "hi")], {}).id
    ask = Ask(said=[Message("user", "and?")], conversation_id=conversation)
    flood = Flood(database, hold_s=None)
    take_turn = OwnerTurns.turn

    def turn(turns: OwnerTurns, owner: str, patience_s: float) -> AbstractContextManager[None]:
        if gevent.getcurrent() is asking:
            waited.append(owner)
        return take_turn(turns, owner, patience_s)

    def begin() -> None:
        requester.set("ann")
        conversations.begin(ask, "ann", "mock", "m")

    monkeypatch.setattr(OwnerTurns, "turn", turn)
    asking = gevent.spawn(begin)
    with pytest.raises(LimitExceeded):
        asking.get(timeout=30)
    flood.end()
    assert waited == ["ann"]


def test_a_transaction_that_failed_in_part_is_kept_not_at_all(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Though the failure of a flush was caught inside: it has taken back all that was before."""
    row = {"id": "conv_1", "owner": "ann", "title": "", "created": 0.0, "updated": 0.0}
    transaction = Transactions(database.engine, "the rows are")
    with transaction() as session:
        session.add(ConversationRow(**row))
    with pytest.raises(DatabaseUnavailable), transaction() as session:
        session.execute(insert(ConversationRow).values(row | {"id": "conv_2"}))
        session.add(ConversationRow(**row))
        with suppress(IntegrityError):
            session.flush()
    assert "taken back" in caplog.text
    with transaction.reading() as session:
        assert session.scalars(select(ConversationRow.id)).all() == ["conv_1"]


def test_who_floods_waits_for_himself(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "TURN_S", 0.02)
    flood = Flood(database, hold_s=None)
    with pytest.raises(LimitExceeded, match="^requests to the database of yours come first"):
        gevent.spawn(flood.one_of, "ann").get(timeout=30)
    flood.end()
