"""What is stored, in which order, and to whom it belongs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from chatapp.chat import Message
from chatapp.conversations import Conversations, Question
from chatapp.database import open_database
from chatapp.errors import ConfigError, InvalidField, NotFound
from chatapp.events import Entry, RunEnd, RunStart, StreamEvent, TextDelta, Timing, Usage
from chatapp.tables import Base
from chatapp.transcript import Transcript, transcript_of


@pytest.fixture
def conversations(tmp_path: Path) -> Iterator[Conversations]:
    database = open_database("", tmp_path)
    yield Conversations(database.engine)
    database.close()


def question(owner: str = "ann", said: str = "hi", **more: object) -> Question:
    fields = {"provider": "mock", "model": "words", "keep": True, "messages": [Message("user", said)], **more}
    return Question(owner=owner, **fields)  # type: ignore[arg-type]


def answer(*texts: str) -> Transcript:
    events: list[StreamEvent] = [
        RunStart("r", "t", "mock", "words", "disabled", 0.0),
        *map(TextDelta, texts),
        RunEnd("stop", Usage(1, 2, 3), Timing(1, 2, 3)),
    ]
    return transcript_of([Entry(seq, event) for seq, event in enumerate(events, 1)])


def test_the_question_is_stored_before_the_answer_begins(conversations: Conversations) -> None:
    begun = conversations.begin(question())
    conversation, messages = conversations.get("ann", begun.conversation_id or "")
    assert conversation["title"] == "hi"
    assert [(m.role, m.content, m.status) for m in messages] == [("user", "hi", "done"), ("assistant", "", "running")]
    assert messages[1].id == begun.id


def test_a_second_question_carries_the_history(conversations: Conversations) -> None:
    first = conversations.begin(question())
    conversations.finish(first.id, answer("hel", "lo"))
    second = conversations.begin(question(said="more", conversation_id=first.conversation_id))
    assert second.messages == [Message("user", "hi"), Message("assistant", "hello"), Message("user", "more")]


def test_the_stored_answer_renders_as_the_live_one(conversations: Conversations) -> None:
    begun = conversations.begin(question())
    conversations.finish(begun.id, answer("hel", "lo"))
    stored = conversations.message("ann", begun.id)
    assert stored.stored_entries() == answer("hel", "lo").entries
    assert (stored.content, stored.status) == ("hello", "done")


def test_an_idempotency_key_begins_one_answer(conversations: Conversations) -> None:
    first = conversations.begin(question(idempotency_key="k"))
    again = conversations.begin(question(idempotency_key="k"))
    other = conversations.begin(question(owner="bob", idempotency_key="k"))
    assert again.found and again.id == first.id != other.id
    assert len(conversations.get("ann", first.conversation_id or "")[1]) == 2


def test_an_answer_made_anew_replaces_the_old_one(conversations: Conversations) -> None:
    first = conversations.begin(question())
    with pytest.raises(InvalidField, match="retry_of"):
        conversations.begin(question(messages=[], conversation_id=first.conversation_id, retry_of=first.id))
    conversations.finish(first.id, answer("bad"))
    second = conversations.begin(question(messages=[], conversation_id=first.conversation_id, retry_of=first.id))
    assert second.messages == [Message("user", "hi")]
    shown = conversations.get("ann", first.conversation_id or "")[1]
    assert [m.id for m in shown if m.role == "assistant"] == [second.id]
    assert conversations.message("ann", first.id).content == "bad"


def test_what_belongs_to_someone_else_is_not_there(conversations: Conversations) -> None:
    begun = conversations.begin(question())
    conversation_id = begun.conversation_id or ""
    for attempt in (
        lambda: conversations.message("bob", begun.id),
        lambda: conversations.get("bob", conversation_id),
        lambda: conversations.rename("bob", conversation_id, "x"),
        lambda: conversations.delete("bob", conversation_id),
        lambda: conversations.begin(question(owner="bob", conversation_id=conversation_id)),
        lambda: conversations.begin(question(owner="bob", messages=[], retry_of=begun.id, keep=False)),
    ):
        with pytest.raises((NotFound, InvalidField)):
            attempt()
    assert conversations.recent("bob") == []


def test_deleting_names_the_runs_that_go_on(conversations: Conversations) -> None:
    begun = conversations.begin(question())
    assert conversations.delete("ann", begun.conversation_id or "") == [begun.id]
    conversations.finish(begun.id, answer("late"))
    with pytest.raises(NotFound):
        conversations.message("ann", begun.id)


def test_the_last_used_conversation_comes_first(conversations: Conversations) -> None:
    first, second = conversations.begin(question(said="one")), conversations.begin(question(said="two"))
    assert [c["id"] for c in conversations.recent("ann")] == [second.conversation_id, first.conversation_id]
    conversations.begin(question(said="again", conversation_id=first.conversation_id))
    assert [c["title"] for c in conversations.recent("ann")] == ["one", "two"]


def test_a_long_first_line_becomes_a_short_title(conversations: Conversations) -> None:
    begun = conversations.begin(question(said="word \n" * 100))
    title = conversations.get("ann", begun.conversation_id or "")[0]["title"]
    assert len(title) <= 80 and title.endswith("…") and "\n" not in title


def test_the_migrations_make_the_schema_of_the_models(tmp_path: Path) -> None:
    database = open_database("", tmp_path)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    database.close()


def test_a_database_that_cannot_be_opened_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="database_url"):
        open_database("sqlite:////nonexistent/folder/x.sqlite3", tmp_path)
    with pytest.raises(ConfigError, match="database_url"):
        open_database("nonsense", tmp_path)
