"""Old answers that nobody can list go; all others stay."""

import gevent
from drivers import an_answer
from sqlalchemy import event
from waiting import soon

from chatapp.chat import Ask, Message
from chatapp.errors import NotFound
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database
from chatapp.storage.retention import PIECE, Retention


def begin(conversations: Conversations, *, keep: bool, finish: bool = True) -> str:
    ask = Ask(said=[Message("user", "hi")], keep=keep)
    answer_id = conversations.begin(ask, "ann", "mock", "words").answer.id
    if finish:
        conversations.finish(answer_id, an_answer())
    return answer_id


def is_gone(conversations: Conversations, answer_id: str) -> bool:
    try:
        conversations.message("ann", answer_id)
    except NotFound:
        return True
    return False


def test_only_finished_answers_without_a_conversation_grow_old(database: Database) -> None:
    conversations, expiry = Conversations(database.engine), Retention(database.engine, retention_s=-1)
    loose, kept = begin(conversations, keep=False), begin(conversations, keep=True)
    running = begin(conversations, keep=False, finish=False)
    assert Retention(database.engine, retention_s=3600).expire() == 0
    assert expiry.expire() == 1
    assert is_gone(conversations, loose)
    assert not conversations.answer("ann", kept).running
    assert conversations.answer("ann", running).running


def test_nothing_is_deleted_of_nothing(database: Database) -> None:
    """Each would be a commit, and the lock of SQLite's file."""
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    Retention(database.engine, retention_s=-1).expire()
    assert statements and not [each for each in statements if each.startswith("DELETE")]


def test_many_go_in_pieces(database: Database) -> None:
    conversations, expiry = Conversations(database.engine), Retention(database.engine, retention_s=-1)
    loose = [begin(conversations, keep=False) for _ in range(2 * PIECE + 1)]
    expiring, turns = gevent.spawn(expiry.expire), 0
    while not expiring.dead:
        gevent.sleep(0.001)
        turns += 1
    assert expiring.get() == len(loose) and turns >= 2
    assert all(is_gone(conversations, answer_id) for answer_id in loose)


def test_its_end_waits_for_a_piece_and_leaves_the_rest(database: Database) -> None:
    conversations, expiry = Conversations(database.engine), Retention(database.engine, retention_s=-1)
    loose = [begin(conversations, keep=False) for _ in range(20 * PIECE)]
    expiry.start()
    soon(lambda: is_gone(conversations, loose[0]))
    expiry.close()
    left = [answer_id for answer_id in loose if not is_gone(conversations, answer_id)]
    assert left == loose[len(loose) - len(left) :] and left and len(left) % PIECE == 0
    with database.engine.connect() as connection:  # none was thrown away in the middle of a call
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


def test_it_deletes_from_its_start_on(database: Database) -> None:
    conversations, expiry = Conversations(database.engine), Retention(database.engine, retention_s=-1)
    loose = begin(conversations, keep=False)
    gevent.sleep(0)
    assert not is_gone(conversations, loose)
    expiry.start()
    soon(lambda: is_gone(conversations, loose))
    expiry.close()
