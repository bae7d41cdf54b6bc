"""Files that an owner keeps under their ids: counted, listed in pages, and gone when given up or expired."""

import time

import pytest
from drivers import delete_for_good
from sqlalchemy import text

from chatapp.chat import Ask, Attachment, Message
from chatapp.errors import LimitExceeded, NotFound
from chatapp.ids import new_id
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database
from chatapp.storage.kept_files import KeptFiles
from chatapp.storage.retention import Retention
from chatapp.storage.uploads import Uploads


def a_file(name: str = "a.txt") -> Attachment:
    return Attachment(new_id("file"), name, "text/plain", 3, 3)


def keep(files: KeptFiles, owner: str = "ann", expires: float | None = None, purpose: str = "vision") -> Attachment:
    return files.add(owner, a_file(), b"abc", None, purpose, expires).file


def listed(files: KeptFiles, *more: object) -> tuple[list[str], bool]:
    page, has_more = files.page("ann", *more)  # type: ignore[arg-type]
    return [kept.file.id for kept in page], has_more


def test_what_is_kept_stays_without_a_message_until_it_expires(database: Database) -> None:
    files, uploads = KeptFiles(database.engine, 9), Uploads(database.engine, 1)
    kept, soon_gone = keep(files), keep(files, expires=time.time() + 3600)
    uploads.add("ann", a_file(), b"abc", None)  # which the others leave room for
    expired = keep(files, expires=time.time() - 1)
    assert listed(files, 9) == ([soon_gone.id, kept.id], False)
    assert uploads.attachments("ann", [expired.id]) == {}
    Retention(database.engine, 3600, unsent_s=-1).expire()
    assert uploads.contents("ann", [kept.id, soon_gone.id, expired.id]).keys() == {kept.id, soon_gone.id}


def test_pages_go_both_ways_and_the_list_is_its_owner_s(database: Database) -> None:
    files = KeptFiles(database.engine, 9)
    ids = [keep(files, purpose="vision" if number % 2 else "user_data").id for number in range(5)]
    keep(files, owner="bob")
    assert listed(files, 2) == ([ids[4], ids[3]], True)
    assert listed(files, 2, ids[3]) == ([ids[2], ids[1]], True)
    assert listed(files, 2, ids[1]) == ([ids[0]], False)
    assert listed(files, 2, "", ids[0]) == ([ids[2], ids[1]], True)
    assert listed(files, 9, "", "", True)[0] == ids
    assert listed(files, 9, "", "", False, "vision")[0] == [ids[3], ids[1]]
    for absent in (lambda: files.get("bob", ids[0]), lambda: files.delete("bob", ids[0])):
        with pytest.raises(NotFound):
            absent()


def test_an_owner_keeps_only_so_many(database: Database) -> None:
    files = KeptFiles(database.engine, 1)
    first = keep(files)
    with pytest.raises(LimitExceeded, match=r"1 files are kept; the limit is 1 \(setting max_kept_files\)"):
        keep(files)
    files.delete("ann", first.id)
    keep(files)


def test_what_is_kept_outlives_the_conversation_that_it_came_with(database: Database) -> None:
    files, conversations = KeptFiles(database.engine, 9), Conversations(database.engine)
    file = keep(files)
    answer = conversations.begin(Ask(said=[Message("user", [file])], keep=True), "ann", "mock", "words").answer
    delete_for_good(database.engine, "ann", answer.conversation_id)
    assert files.file("ann", file.id).bytes == b"abc"


@pytest.mark.parametrize("how", ["kept", "sent", "uploaded"])
def test_a_message_has_what_was_given_up(database: Database, how: str) -> None:
    files, uploads = KeptFiles(database.engine, 9), Uploads(database.engine, 9)
    file = a_file()
    if how == "kept":
        files.add("ann", file, b"abc", None, "vision", None)
    elif how == "sent":
        assert uploads.keep("ann", file, b"abc", None).is_new
    else:
        uploads.add("ann", file, b"abc", None)
    ask = Ask(said=[Message("user", [file])], keep=True)
    question = Conversations(database.engine).begin(ask, "ann", "mock", "words").answer.parent
    files.delete("ann", file.id)
    with pytest.raises(NotFound):
        files.get("ann", file.id)
    with pytest.raises(NotFound):
        uploads.file("ann", file.id)
    assert uploads.attachments("ann", [file.id]) == {}
    assert uploads.file("ann", file.id, question).bytes == b"abc"
    assert uploads.contents("ann", [file.id]).keys() == {file.id}


def test_the_same_file_under_the_same_name_is_stored_once(database: Database) -> None:
    uploads, first = Uploads(database.engine, 9), a_file()
    uploads.keep("ann", first, b"abc", None)
    assert uploads.keep("ann", a_file(), b"abc", None) == (first, None)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE uploads SET created = 5"))
    assert uploads.keep("ann", a_file(), b"abc", None) == (first, None)
    assert Retention(database.engine, 3600, unsent_s=60).expire() == 0
    assert uploads.contents("ann", [first.id]), "what came again counts as new until its message has it"
    for owner, name, data in (("bob", "a.txt", b"abc"), ("ann", "b.txt", b"abc"), ("ann", "a.txt", b"abd")):
        other = a_file(name)
        assert uploads.keep(owner, other, data, None).file == other
    KeptFiles(database.engine, 9).delete("ann", first.id)
    again = a_file()
    assert uploads.keep("ann", again, b"abc", None).file == again, "what was given up comes back under a new id"


def test_a_file_that_came_again_stays_though_the_request_that_brought_it_fails(database: Database) -> None:
    uploads = Uploads(database.engine, 9)
    first = uploads.keep("ann", a_file(), b"abc", None)
    again = uploads.keep("ann", a_file(), b"abc", None)
    uploads.drop("ann", first)
    assert uploads.contents("ann", [again.file.id])
    alone = uploads.keep("ann", a_file("b.txt"), b"abc", None)
    uploads.drop("ann", alone)
    assert not uploads.contents("ann", [alone.file.id])
