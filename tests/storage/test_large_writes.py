"""A large value is written on a thread: the hub goes on, and what is thrown meanwhile breaks nothing."""

from typing import Any

import gevent
import pytest
from drivers import an_answer
from gevent.monkey import get_original
from sqlalchemy import event

from chatapp import sqlite
from chatapp.chat import Ask, Message
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database
from chatapp.storage.large_writes import LARGE_BYTES

native_id: Any = get_original("_thread", "get_ident")
LARGE = "x" * (LARGE_BYTES + 1)


@pytest.fixture
def conversations(database: Database) -> Conversations:
    return Conversations(database.engine)


def threads_of(database: Database, text: str, conversations: Conversations) -> set[bool]:
    """Whether inserts and the commit of this text ran beside the hub."""
    beside: set[bool] = set()
    here = native_id()

    def note(*_: object) -> None:
        beside.add(native_id() != here)

    event.listen(database.engine, "commit", note)
    conversations.create("ann", [Message("user", text)], {})
    event.remove(database.engine, "commit", note)
    return beside


def test_a_large_message_is_written_on_a_thread_and_a_small_one_is_not(
    database: Database, conversations: Conversations
) -> None:
    is_sqlite = database.engine.dialect.name == "sqlite"
    assert threads_of(database, LARGE, conversations) == {is_sqlite}
    assert threads_of(database, "small", conversations) == {False}


def test_what_is_kept_is_whole(conversations: Conversations) -> None:
    begun = conversations.begin(Ask(said=[Message("user", LARGE)], keep=True), "ann", "p", "m")
    assert begun.answer.conversation_id
    _, messages = conversations.get("ann", begun.answer.conversation_id)
    assert messages[0].content == LARGE


def test_a_long_answer_is_whole(conversations: Conversations) -> None:
    begun = conversations.begin(Ask(said=[Message("user", "hi")], keep=True), "ann", "p", "m")
    conversations.finish(begun.answer.id, an_answer(LARGE, run_id=begun.answer.id))
    assert conversations.answer("ann", begun.answer.id).content == LARGE


def test_a_greenlet_that_is_ended_meanwhile_leaves_a_database_that_works(conversations: Conversations) -> None:
    writers = [gevent.spawn(conversations.create, "ann", [Message("user", LARGE * 8)], {}) for _ in range(5)]
    gevent.sleep(0.002)
    gevent.killall(writers)
    assert conversations.create("ann", [Message("user", LARGE)], {}).title


def test_long_answers_that_end_at_once_are_all_kept(
    conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread is its holder's who has the file's lock: who waits for the lock does not wait on it."""
    monkeypatch.setattr(sqlite.retry_while_busy, "__defaults__", (60.0,))  # nobody gives up and makes room
    ids = [
        conversations.begin(Ask(said=[Message("user", "hi")], keep=True), "ann", "p", "m").answer.id for _ in range(5)
    ]
    with gevent.Timeout(30):
        gevent.joinall(
            [gevent.spawn(conversations.finish, id, an_answer(LARGE * 8, run_id=id)) for id in ids], raise_error=True
        )
    assert all(conversations.answer("ann", id).content == LARGE * 8 for id in ids)
