"""What only Postgres asks for: it is far away, and many machines share it."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from types import ModuleType
from typing import Any, TypeVar

import gevent
import psycopg
import pytest
from drivers import an_answer
from servers import Postgres
from sqlalchemy import select, text
from waiting import BOUND_S, soon

from chatapp.chat import Ask, Attachment, Message
from chatapp.errors import ConfigError, DatabaseUnavailable, LimitExceeded, NotFound
from chatapp.ids import new_id
from chatapp.storage import conversations as conversations_module
from chatapp.storage import history as history_module
from chatapp.storage import kept_files as kept_files_module
from chatapp.storage import placement as placement_module
from chatapp.storage import uploads as uploads_module
from chatapp.storage.branching import Branches
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database, open_database
from chatapp.storage.deleting import Deletion
from chatapp.storage.kept_files import KeptFile, KeptFiles
from chatapp.storage.retention import Retention
from chatapp.storage.uploads import Uploads

pytestmark = pytest.mark.slow

T = TypeVar("T")

LINK = "INSERT INTO attachments (message_id, file_id) VALUES (:message, :file)"


@pytest.fixture
def url(postgres: Postgres) -> str:
    """Of an empty database."""
    return postgres.database()


@pytest.fixture
def remote(url: str, tmp_path: Path) -> Iterator[Database]:
    database = open_database(url, tmp_path)
    yield database
    database.close()


def sleep(database: Database) -> int:
    with database.engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(0.3)"))
        return int(connection.execute(text("SELECT 42")).scalar_one())


def test_the_hub_turns_while_a_query_waits(remote: Database) -> None:
    waiting = gevent.spawn(sleep, remote)
    turns = 0
    while not waiting.dead:
        gevent.sleep(0.01)
        turns += 1
    assert waiting.get() == 42 and turns > 10


def test_a_greenlet_that_is_thrown_out_of_a_query_leaves_nobody_its_rows(remote: Database) -> None:
    thrown = [gevent.spawn(sleep, remote) for _ in range(3)]
    gevent.sleep(0.1)
    gevent.killall(thrown)
    with remote.engine.connect() as connection:
        assert [connection.execute(select(number)).scalar() for number in map(text, "123")] == [1, 2, 3]


def test_several_machines_migrate_at_once(url: str, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    opening = [gevent.spawn(open_database, url, folder) for folder in folders]
    for database in [greenlet.get(timeout=BOUND_S) for greenlet in opening]:
        Conversations(database.engine).ping()
        database.close()


def test_a_server_that_restarts_is_missed_only_while_it_is_away(postgres: Postgres, remote: Database) -> None:
    conversations = Conversations(remote.engine)
    begun = conversations.begin(Ask(said=[Message("user", "hi")]), "ann", "mock", "words")
    postgres.stop()
    with pytest.raises(DatabaseUnavailable):
        conversations.ping()
    postgres.start()
    found = soon(lambda: conversations.answer("ann", begun.answer.id), DatabaseUnavailable)
    assert found == begun.answer


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_database_with_a_stricter_default_refuses_nobody(level: str, url: str, tmp_path: Path) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as own:
        own.execute(f"ALTER DATABASE {own.info.dbname} SET default_transaction_isolation = '{level}'")
    database = open_database(url, tmp_path)
    conversations = Conversations(database.engine)

    def ask(number: int) -> None:
        asked = Ask(said=[Message("user", "hi")], keep=True)
        begun = conversations.begin(asked, "ann", "mock", "words", key=str(number % 3))
        conversations.finish(begun.answer.id, an_answer())

    gevent.joinall([gevent.spawn(ask, number) for number in range(20)], raise_error=True)
    database.close()


def test_a_file_stays_with_a_message_that_is_given_it_while_another_is_deleted(remote: Database) -> None:
    uploads, conversations = Uploads(remote.engine, 9), Conversations(remote.engine)
    file = Attachment(new_id("file"), "a.txt", "text/plain", 3, 3)
    uploads.add("ann", file, b"abc", None)
    asked = [Ask(said=[Message("user", said)], keep=True) for said in ([file], "Again?")]
    first, second = (conversations.begin(ask, "ann", "mock", "words").answer.parent or "" for ask in asked)
    delete = partial(conversations.delete_message, "ann", first)
    call_while(remote, LINK, delete, message=second, file=file.id)
    assert uploads.file("ann", file.id, second).bytes == b"abc"


@pytest.mark.parametrize("by", ["deletes", "links"])
def test_files_are_locked_in_the_order_of_their_ids(remote: Database, by: str) -> None:
    """Two that come at once with the same files would wait for each other: the later ones of one are
    not taken while it waits for the first."""
    conversations, uploads = Conversations(remote.engine), Uploads(remote.engine, 9)
    files = [Attachment(new_id("file"), name, "text/plain", 1, 1) for name in "ab"]
    for file in reversed(files):  # the database comes to the later one first
        uploads.add("ann", file, b"x", None)
    ask = partial(conversations.begin, Ask(said=[Message("user", [*reversed(files)])], keep=True), "ann", "mock", "m")
    call: Callable[[], object] = ask
    if by == "deletes":
        call = partial(conversations.delete_message, "ann", ask().answer.parent or "")
    lock = "SELECT id FROM uploads WHERE id = :id FOR UPDATE NOWAIT"
    with remote.engine.begin() as connection:
        connection.execute(text(lock), {"id": files[0].id})
        calling = gevent.spawn(call)
        soon(lambda: is_waited_for(remote))
        connection.execute(text(lock), {"id": files[1].id})
    calling.get(timeout=BOUND_S)


def test_a_file_that_is_given_up_twice_at_once_is_given_up(remote: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    kept_files, conversations = KeptFiles(remote.engine, 9), Conversations(remote.engine)
    file = Attachment(new_id("file"), "a.txt", "text/plain", 3, 3)
    Uploads(remote.engine, 9).add("ann", file, b"abc", None)
    conversations.begin(Ask(said=[Message("user", [file])], keep=True), "ann", "mock", "words")
    found, both_found = kept_files_module._found, Barrier(2)

    def find(*args: Any, **options: Any) -> KeptFile:
        kept = found(*args, **options)
        with suppress(BrokenBarrierError):  # the second waits for the first
            both_found.wait(0.3)
        return kept

    monkeypatch.setattr(kept_files_module, "_found", find)
    deleting = [gevent.spawn(kept_files.delete, "ann", file.id) for _ in range(2)]
    gevent.joinall(deleting, timeout=BOUND_S)
    assert [each.exception for each in deleting] == [None, None]


@pytest.mark.parametrize("module", [kept_files_module, uploads_module])
def test_files_that_come_at_once_are_counted_one_after_the_other(
    remote: Database, monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> None:
    kept_files, uploads = KeptFiles(remote.engine, 1), Uploads(remote.engine, 1)
    insert, both_counted = module.insert_upload, Barrier(2)

    def add() -> None:
        file = Attachment(new_id("file"), "a.txt", "text/plain", 3, 3)
        if module is kept_files_module:
            kept_files.add("ann", file, b"abc", None, "vision", None)
        else:
            uploads.add("ann", file, b"abc", None)

    def wait_and_insert(*args: Any) -> float:
        with suppress(BrokenBarrierError):  # the second waits for the first
            both_counted.wait(0.3)
        return float(insert(*args))

    monkeypatch.setattr(module, "insert_upload", wait_and_insert)
    adding = [gevent.spawn(add) for _ in range(2)]
    gevent.joinall(adding, timeout=BOUND_S)
    assert {type(each.exception) for each in adding} == {type(None), LimitExceeded}


def test_a_file_stays_with_a_message_that_is_given_it_while_it_is_given_up(remote: Database) -> None:
    uploads, conversations = Uploads(remote.engine, 9), Conversations(remote.engine)
    file = Attachment(new_id("file"), "a.txt", "text/plain", 3, 3)
    uploads.add("ann", file, b"abc", None)
    ask = Ask(said=[Message("user", "Hello")], keep=True)
    message = conversations.begin(ask, "ann", "mock", "words").answer.parent or ""
    with pytest.raises(NotFound, match="belongs to a message"):
        call_while(remote, LINK, partial(uploads.delete, "ann", file.id), message=message, file=file.id)
    assert uploads.file("ann", file.id, message).bytes == b"abc"


def test_a_file_stays_with_a_message_that_is_given_it_while_it_is_forgotten(remote: Database) -> None:
    uploads, conversations = Uploads(remote.engine, 9), Conversations(remote.engine)
    file = Attachment(new_id("file"), "a.txt", "text/plain", 3, 3)
    uploads.add("ann", file, b"abc", None)
    ask = Ask(said=[Message("user", "Hello")], keep=True)
    message = conversations.begin(ask, "ann", "mock", "words").answer.parent or ""
    call_while(remote, LINK, Retention(remote.engine, 3600, unsent_s=-1).expire, message=message, file=file.id)
    assert uploads.file("ann", file.id, message).bytes == b"abc"


def test_an_answer_stays_that_is_given_a_conversation_while_it_is_forgotten(remote: Database) -> None:
    conversations = Conversations(remote.engine)
    loose, kept = (
        conversations.begin(Ask(said=[Message("user", "hi")], keep=keep), "ann", "mock", "words").answer
        for keep in (False, True)
    )
    conversations.finish(loose.id, an_answer())
    change = "UPDATE messages SET conversation_id = :conversation WHERE id = :id"
    expire = Retention(remote.engine, retention_s=-1).expire
    call_while(remote, change, expire, id=loose.id, conversation=kept.conversation_id)
    assert conversations.answer("ann", loose.id).conversation_id == kept.conversation_id


def test_a_conversation_stays_that_is_brought_back_while_it_ends(remote: Database) -> None:
    conversations, deletion = Conversations(remote.engine), Deletion(remote.engine)
    ask = Ask(said=[Message("user", "hi")], keep=True)
    conversation = conversations.begin(ask, "ann", "mock", "words").answer.conversation_id or ""
    deletion.delete("ann", conversation)
    change = "UPDATE conversations SET deleted = NULL WHERE id = :id"
    call_while(remote, change, partial(deletion.end, time.time() + 1), id=conversation)
    assert len(conversations.get("ann", conversation)[1]) == 2


def at_once(module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch, *calls: Callable[[], T]) -> list[T]:
    """What two calls give that both come to this function, unless one waits for the other."""
    function, both = getattr(module, name), Barrier(2)

    def wait_and_call(*args: Any, **options: Any) -> Any:
        given = function(*args, **options)
        with suppress(BrokenBarrierError):
            both.wait(0.3)
        return given

    monkeypatch.setattr(module, name, wait_and_call)
    calling = [gevent.spawn(call) for call in calls]
    return [each.get(timeout=BOUND_S) for each in calling]


def test_what_follows_two_messages_that_are_deleted_at_once_follows_what_stays(
    remote: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversations = Conversations(remote.engine)
    conversation = conversations.create("ann", [Message("user", text) for text in "abcd"], {}).id
    first, *two, last = (message.id for message in conversations.get("ann", conversation)[1])
    deletions = (partial(conversations.delete_message, "ann", id) for id in two)
    at_once(conversations_module, "take_out", monkeypatch, *deletions)
    assert conversations.message("ann", last).parent == first


def test_two_that_continue_the_same_answer_at_once_get_a_conversation_each(
    remote: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversations = Conversations(remote.engine)
    answer = conversations.begin(Ask(said=[Message("user", "hi")], keep=True), "ann", "mock", "words").answer
    conversations.finish(answer.id, an_answer())
    ask = Ask(said=[Message("user", "and?")], keep=True, previous=answer.id)
    begin = partial(conversations.begin, ask, "ann", "mock", "words")
    begun = at_once(history_module, "newest_shown", monkeypatch, begin, begin)
    assert len({each.answer.conversation_id for each in begun}) == 2


def test_a_message_that_another_tab_deletes_meanwhile_is_not_found(
    remote: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversations = Conversations(remote.engine)
    message = conversations.begin(Ask(said=[Message("user", "hi")], keep=True), "ann", "mock", "m").answer.parent or ""
    look = placement_module.visible_message

    def and_it_is_deleted(*arguments: Any) -> Any:
        found = look(*arguments)
        monkeypatch.setattr(placement_module, "visible_message", look)
        gevent.spawn(conversations.delete_message, "ann", message).get(timeout=BOUND_S)
        return found

    monkeypatch.setattr(placement_module, "visible_message", and_it_is_deleted)
    with pytest.raises(NotFound):
        conversations.delete_message("ann", message)


def test_a_session_that_is_brought_back_while_it_is_asked_in_keeps_its_messages(remote: Database) -> None:
    conversations = Conversations(remote.engine)
    ask = Ask(said=[Message("user", "hi")], session_id="mine")
    answer = conversations.begin(ask, "ann", "mock", "words").answer
    Deletion(remote.engine).delete("ann", answer.conversation_id or "")
    change = "UPDATE conversations SET deleted = NULL WHERE id = :id"
    begin = partial(conversations.begin, ask, "ann", "mock", "words")
    call_while(remote, change, begin, id=answer.conversation_id)
    assert conversations.answer("ann", answer.id).id == answer.id


def test_nothing_is_begun_in_a_session_that_is_deleted_meanwhile(remote: Database) -> None:
    conversations = Conversations(remote.engine)
    ask = Ask(said=[Message("user", "hi")], session_id="mine")
    conversation = conversations.begin(ask, "ann", "mock", "words").answer.conversation_id
    change = "UPDATE conversations SET deleted = 1 WHERE id = :id"
    begun = call_while(remote, change, partial(conversations.begin, ask, "ann", "mock", "words"), id=conversation)
    assert conversations.answer("ann", begun.answer.id).id == begun.answer.id


def test_a_path_is_not_chosen_through_a_message_that_is_deleted_meanwhile(remote: Database) -> None:
    conversations = Conversations(remote.engine)
    conversation = conversations.create("ann", [Message("user", text) for text in "ab"], {}).id
    last = conversations.get("ann", conversation)[1][-1].id
    change = (
        "DELETE FROM messages USING (SELECT id FROM conversations WHERE id = :conversation FOR UPDATE) AS held "
        "WHERE messages.id = :id"
    )
    choose = partial(Branches(remote.engine).choose, "ann", last)
    with pytest.raises(NotFound):
        call_while(remote, change, choose, conversation=conversation, id=last)
    assert [message.content for message in conversations.get("ann", conversation)[1]] == ["a"]


def call_while(database: Database, change: str, call: Callable[[], T], **values: object) -> T:
    """What the call gives, which sees what was before the change: that is committed while the call
    waits for it, or after its end."""
    with database.engine.begin() as connection:
        connection.execute(text(change), values)
        calling = gevent.spawn(call)
        soon(lambda: calling.dead or is_waited_for(database))
    return calling.get(timeout=BOUND_S)  # type: ignore[no-any-return]


def is_waited_for(database: Database) -> bool:
    """Whether a connection waits for a lock of another one."""
    with database.engine.connect() as connection:
        return bool(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


def test_a_password_stands_in_no_error(tmp_path: Path, closed_port: int) -> None:
    with pytest.raises(ConfigError, match="database_url") as caught:
        open_database(f"postgresql+psycopg://ann:hidden@127.0.0.1:{closed_port}/x", tmp_path)
    assert "hidden" not in str(caught.value)


def test_a_server_that_stands_still_is_given_up_and_found_again(postgres: Postgres, url: str, tmp_path: Path) -> None:
    database = open_database(url, tmp_path, answer_s=0.3)
    conversations = Conversations(database.engine)
    conversations.ping()
    postgres.signal(signal.SIGSTOP)
    try:
        with gevent.Timeout(BOUND_S), pytest.raises(DatabaseUnavailable):
            conversations.ping()
    finally:
        postgres.signal(signal.SIGCONT)
    soon(lambda: conversations.ping() is None, DatabaseUnavailable)
    database.close()
