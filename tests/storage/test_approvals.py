"""Decisions get from the process where they are made to the one that waits, and the first one holds."""

import pytest
from drivers import delete_for_good

from chatapp.chat import Ask, Message
from chatapp.errors import DatabaseUnavailable
from chatapp.storage.approvals import StoredApprovals
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database


@pytest.fixture
def run_id(database: Database) -> str:
    ask = Ask(said=[Message("user", "hi")], keep=True)
    return Conversations(database.engine).begin(ask, "o", "p", "m").answer.id


def test_the_first_decision_holds_whoever_asks(database: Database, run_id: str) -> None:
    here, there = StoredApprovals(database.engine), StoredApprovals(database.engine)
    assert here.decision(run_id, "call_0") is None
    assert there.decide(run_id, "call_0", "approved") == "approved"
    assert here.decide(run_id, "call_0", "expired") == "approved"
    assert here.decision(run_id, "call_0") == "approved"
    assert here.decision(run_id, "call_1") is None


def test_a_deleted_conversation_takes_its_decisions_along(database: Database, run_id: str) -> None:
    approvals, conversations = StoredApprovals(database.engine), Conversations(database.engine)
    approvals.decide(run_id, "call_0", "denied")
    delete_for_good(database.engine, "o", conversations.answer("o", run_id).conversation_id)
    assert approvals.decision(run_id, "call_0") is None
    assert approvals.decide(run_id, "call_0", "expired") == "expired"


def test_a_database_that_is_away_is_told_apart_from_no_decision(database: Database, run_id: str) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE approvals")
    approvals = StoredApprovals(database.engine)
    with pytest.raises(DatabaseUnavailable):
        approvals.decision(run_id, "call_0")
    with pytest.raises(DatabaseUnavailable):
        approvals.decide(run_id, "call_0", "denied")
