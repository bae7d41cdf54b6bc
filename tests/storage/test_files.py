"""Files are kept beside the answer that holds them, and go with it."""

import pytest
from drivers import an_answer, delete_for_good
from sqlalchemy import Engine, select

from chatapp.chat import Ask, Message
from chatapp.events import CitedSource, File
from chatapp.storage import Answer
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database
from chatapp.storage.tables import FileRow
from chatapp.transcript import transcript_of

PICTURE = File("file_1", "image/png", "a.png", b"\x89PNG")
ELSEWHERE = File("file_2", "application/pdf", url="https://source.test/a.pdf")
LEFT_OUT = File("file_3", "image/png", error="left out")
SOURCE = CitedSource("src_1", "https://source.test", "A", "q", 0, 2)
SAID = ("Hi", SOURCE, PICTURE, ELSEWHERE, LEFT_OUT)


@pytest.fixture
def engine(database: Database) -> Engine:
    return database.engine


@pytest.fixture
def conversations(engine: Engine) -> Conversations:
    return Conversations(engine)


@pytest.fixture
def answer(conversations: Conversations) -> Answer:
    begun = conversations.begin(Ask(said=[Message("user", "hi")], keep=True), "ann", "mock", "media")
    conversations.finish(begun.answer.id, an_answer(*SAID, run_id=begun.answer.id))
    return conversations.answer("ann", begun.answer.id)


def kept(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(FileRow.run_id, FileRow.file_id))]  # type: ignore[misc]


def test_the_answer_s_row_names_files_without_their_bytes(answer: Answer) -> None:
    said = transcript_of(answer.entries())
    assert said.sources == [SOURCE]
    assert said.files == [File("file_1", "image/png", "a.png"), ELSEWHERE, LEFT_OUT]


def test_the_kept_log_has_the_bytes(conversations: Conversations, answer: Answer) -> None:
    assert transcript_of(conversations.entries(answer)).files == [PICTURE, ELSEWHERE, LEFT_OUT]


def test_an_answer_that_is_finished_twice_keeps_its_files_once(
    conversations: Conversations, answer: Answer, engine: Engine
) -> None:
    conversations.finish(answer.id, an_answer(*SAID, run_id=answer.id))
    assert kept(engine) == [(answer.id, "file_1")]


def test_files_of_an_answer_that_was_deleted_meanwhile_are_dropped(
    conversations: Conversations, engine: Engine
) -> None:
    conversations.finish("msg_nobody", an_answer(PICTURE, run_id="msg_nobody"))
    assert kept(engine) == []


def test_files_go_with_their_conversation(answer: Answer, engine: Engine) -> None:
    delete_for_good(engine, "ann", answer.conversation_id)
    assert kept(engine) == []


def test_a_branch_of_the_conversation_has_files_of_its_own(
    conversations: Conversations, answer: Answer, engine: Engine
) -> None:
    """Somebody goes on from an answer that another one follows already."""
    for said in ("more", "other"):
        begun = conversations.begin(
            Ask(said=[Message("user", said)], previous=answer.id, keep=True), "ann", "mock", "words"
        )
        conversations.finish(begun.answer.id, an_answer("x", run_id=begun.answer.id))
    ids = {run_id for run_id, _ in kept(engine)}
    assert len(ids) == 2 and answer.id in ids
    (copy,) = ids - {answer.id}
    assert transcript_of(conversations.entries(conversations.answer("ann", copy))).files[0] == PICTURE
