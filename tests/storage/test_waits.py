"""The list says which conversations wait for their owner, whichever process has the run."""

import time

import pytest
from drivers import a_run, delete_for_good
from sqlalchemy import text

from chatapp.chat import Ask, Message
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database
from chatapp.storage.listing import Listing
from chatapp.storage.waits import StoredWaits
from chatapp.transcript import transcript_of

SOON = time.time() + 300


@pytest.fixture
def run_id(database: Database) -> str:
    ask = Ask(said=[Message("user", "hi")], keep=True)
    return Conversations(database.engine).begin(ask, "o", "p", "m").answer.id


def waiting(database: Database) -> bool:
    [listed], _ = Listing(database.engine).page("o", 10)
    return listed.waiting


def test_a_run_waits_until_it_is_told_otherwise(database: Database, run_id: str) -> None:
    waits = StoredWaits(database.engine)
    assert not waiting(database)
    for until, expected in ((SOON, True), (SOON + 1, True), (None, False), (time.time() - 1, False)):
        waits.tell(run_id, until)
        assert waiting(database) is expected


def test_one_that_has_ended_waits_for_nobody(database: Database, run_id: str) -> None:
    StoredWaits(database.engine).tell(run_id, SOON)
    Conversations(database.engine).finish(run_id, transcript_of(a_run("hi", run_id=run_id)))
    assert not waiting(database)


def test_one_without_a_conversation_is_in_no_list(database: Database) -> None:
    loose = Conversations(database.engine).begin(Ask(said=[Message("user", "hi")]), "o", "p", "m").answer.id
    StoredWaits(database.engine).tell(loose, SOON)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM waits")) == 0


def test_one_that_was_deleted_is_nothing_to_tell_of(database: Database, run_id: str) -> None:
    answer = Conversations(database.engine).answer("o", run_id)
    waits = StoredWaits(database.engine)
    waits.tell(run_id, SOON)
    delete_for_good(database.engine, "o", answer.conversation_id)
    waits.tell(run_id, SOON)
    assert Listing(database.engine).page("o", 10) == ([], "")
