"""Uploaded files: their owner's alone, in pieces, and as long as a message has them."""

import time

import msgspec
import pytest
from sqlalchemy import text

from chatapp.chat import Ask, Attachment, Message, Text
from chatapp.errors import InvalidField, LimitExceeded, NotFound
from chatapp.ids import new_id
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database
from chatapp.storage.deleting import Deletion
from chatapp.storage.kept_files import KeptFiles
from chatapp.storage.retention import Retention
from chatapp.storage.schema import migrate, take_back
from chatapp.storage.uploads import Uploads


def a_file(size: int = 3) -> Attachment:
    return Attachment(new_id("file"), "a.txt", "text/plain", size, size)


def add(uploads: Uploads, data: bytes = b"abc", owner: str = "ann") -> Attachment:
    file = a_file(len(data))
    uploads.add(owner, file, data, None)
    return file


def said(conversations: Conversations, *files: Attachment, owner: str = "ann", **more: object) -> str:
    """Ask with these files; return the question's id."""
    ask = Ask(said=[Message("user", [*files, Text("Well?")])], keep=True, **more)  # type: ignore[arg-type]
    return conversations.begin(ask, owner, "mock", "words").answer.parent or ""


def test_a_large_file_comes_back_whole(database: Database) -> None:
    uploads, large = Uploads(database.engine, 9), bytes(range(256)) * 4096
    found = uploads.file("ann", add(uploads, large).id)
    assert (found.bytes, found.name, found.media_type) == (large, "a.txt", "text/plain")


def test_a_file_is_its_owners_alone(database: Database) -> None:
    uploads, conversations = Uploads(database.engine, 9), Conversations(database.engine)
    file, question = add(uploads), said(conversations, add(uploads, owner="bob"), owner="bob")
    assert uploads.attachments("bob", [file.id]) == uploads.contents("bob", [file.id]) == {}
    with pytest.raises(NotFound):
        said(conversations, file, owner="bob")  # by a forged id
    for owner, message in (("bob", None), ("bob", question), ("ann", question)):
        with pytest.raises(NotFound):
            uploads.file(owner, file.id, message)


def test_a_file_that_is_deleted_while_it_is_read_is_absent(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Postgres each statement sees what is committed by then."""
    uploads, kept_files = Uploads(database.engine, 9), KeptFiles(database.engine, 9)
    file = add(uploads)
    monkeypatch.setattr("chatapp.storage.uploads.data_by", lambda *_: {})
    assert uploads.contents("ann", [file.id]) == {}
    for read in (uploads.file, kept_files.file):
        with pytest.raises(NotFound):
            read("ann", file.id)


def test_a_message_keeps_its_files(database: Database) -> None:
    uploads, conversations = Uploads(database.engine, 9), Conversations(database.engine)
    sent, unsent = add(uploads), add(uploads)
    question = said(conversations, sent)
    Retention(database.engine, 3600, unsent_s=-1).expire()
    assert uploads.file("ann", sent.id, question).bytes == b"abc"
    assert uploads.contents("ann", [sent.id, unsent.id]).keys() == {sent.id}
    with pytest.raises(NotFound):
        uploads.delete("ann", sent.id)
    Deletion(database.engine).delete("ann", conversations.message("ann", question).conversation_id or "")
    Retention(database.engine, 3600, unsent_s=-1).expire()
    assert uploads.attachments("ann", [sent.id]) == {}


def test_a_file_goes_with_the_last_message_that_has_it(database: Database) -> None:
    uploads, conversations = Uploads(database.engine, max_unsent=1), Conversations(database.engine)
    file = add(uploads)
    first, second = said(conversations, file), said(conversations, file)
    conversations.delete_message("ann", first)
    assert uploads.attachments("ann", [file.id]).keys() == {file.id}
    conversations.delete_message("ann", second)
    assert uploads.attachments("ann", [file.id]) == {}
    large = add(uploads, b"x" * 300_000)  # there is room again
    conversation = conversations.message("ann", said(conversations, large)).conversation_id or ""
    Deletion(database.engine).delete("ann", conversation)
    assert uploads.attachments("ann", [large.id]).keys() == {large.id}  # it may be brought back
    Deletion(database.engine).end(time.time() + 1)
    assert uploads.attachments("ann", [large.id]) == {}
    add(uploads)


def test_a_file_that_goes_before_its_message_is_stored_is_missed(database: Database) -> None:
    """The message would name a file that nobody has."""
    uploads, conversations = Uploads(database.engine, 9), Conversations(database.engine)
    first = said(conversations, uploads.keep("ann", a_file(), b"abc", None).file)
    again = uploads.keep("ann", a_file(), b"abc", None)
    assert not again.is_new
    conversations.delete_message("ann", first)
    with pytest.raises(NotFound, match=r"a\.txt.*again"):
        said(conversations, again.file)


def test_a_branch_has_the_files_too(database: Database) -> None:
    uploads, conversations = Uploads(database.engine, 9), Conversations(database.engine)
    file = add(uploads)
    question = said(conversations, file)
    conversation = conversations.message("ann", question).conversation_id
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE messages SET status = 'done'"))
    first = conversations.get("ann", conversation or "")[1][-1].id
    conversations.begin(Ask(said=[Message("user", "on")], conversation_id=conversation), "ann", "mock", "words")
    branch = conversations.begin(Ask(said=[Message("user", "else")], previous=first, keep=True), "ann", "mock", "w")
    copied = conversations.get("ann", branch.answer.conversation_id or "")[1][0]
    assert copied.id != question and uploads.file("ann", file.id, copied.id).bytes == b"abc"
    assert branch.messages[0].attachments == [file]


def test_an_owner_can_leave_only_so_many_unsent(database: Database) -> None:
    uploads = Uploads(database.engine, max_unsent=1)
    first = add(uploads)
    with pytest.raises(LimitExceeded, match=r"file: 1 files wait to be sent; the limit is 1 \(setting max_unsent"):
        add(uploads)
    add(uploads, owner="bob")
    uploads.delete("ann", first.id)
    add(uploads)


def test_a_conversations_files_are_bounded_together(database: Database) -> None:
    conversations = Conversations(database.engine, max_attached_bytes=1000)
    uploads = Uploads(database.engine, 9)
    question = said(conversations, add(uploads, b"x" * 600))
    conversation = conversations.message("ann", question).conversation_id
    with pytest.raises(InvalidField, match=r"would have 1200 bytes; the limit is 1000 \(setting max_attached_bytes\)"):
        said(conversations, add(uploads, b"x" * 600), conversation_id=conversation)


def test_files_that_nobody_is_to_answer_yet_count_too(database: Database) -> None:
    conversations = Conversations(database.engine, max_attached_bytes=1000)
    uploads = Uploads(database.engine, 9)
    half, again = (Message("user", [add(uploads, b"x" * 600)]) for _ in range(2))
    conversation = conversations.create("ann", [half], {}).id
    refused = pytest.raises(
        InvalidField, match=r"would have 1200 bytes; the limit is 1000 \(setting max_attached_bytes"
    )
    with refused:
        conversations.add("ann", conversation, [again])
    with refused:
        conversations.create("ann", [half, again], {})
    conversations.add("ann", conversation, [Message("user", [add(uploads, b"x" * 400)])])


def test_ages_are_not_read_through_the_bytes(database: Database) -> None:
    """The bytes stand last in a row."""
    add(Uploads(database.engine, 9))
    with database.engine.connect() as connection:
        assert list(connection.execute(text("SELECT * FROM uploads")).keys())[-1] == "data"
        assert connection.scalar(text("SELECT created FROM uploads")) <= time.time()  # type: ignore[operator]


def test_an_older_version_reads_a_question_without_its_files(database: Database) -> None:
    uploads, conversations = Uploads(database.engine, 9), Conversations(database.engine)
    question = said(conversations, add(uploads))
    take_back(database.engine, "0015")
    migrate(database.engine)
    stored = conversations.message("ann", question)
    assert stored.attachments == [] and stored.content == "Well?"
    with database.engine.connect() as connection:
        told = connection.scalar(text("SELECT said FROM messages WHERE id = :id"), {"id": question})
    assert msgspec.json.decode(told or "", type=Message).text == "[a.txt]\n\nWell?"
