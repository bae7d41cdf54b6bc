"""What is stored, in which order, and to whom it belongs."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from chatapp import ids
from chatapp.chat import Image, Message, Text
from chatapp.errors import ConfigError, DatabaseUnavailable, InvalidField, NotFound
from chatapp.events import Entry, RunEnd, RunStart, StreamEvent, TextDelta, Timing, ToolCall, Usage
from chatapp.storage import placement
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import open_database
from chatapp.storage.question import Question
from chatapp.storage.tables import Base
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


def test_an_idempotency_key_is_of_one_request(conversations: Conversations) -> None:
    assert conversations.found("ann", "k", "a") is None
    first = conversations.begin(question(idempotency_key="k", request_hash="a"))
    found = conversations.found("ann", "k", "a")
    assert found and found.found and found.id == first.id
    assert conversations.found("bob", "k", "a") is None
    with pytest.raises(InvalidField, match="Idempotency-Key"):
        conversations.found("ann", "k", "b")
    with pytest.raises(InvalidField, match="Idempotency-Key"):
        conversations.begin(question(idempotency_key="k", request_hash="b"))


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


def test_an_answer_is_made_anew_once(conversations: Conversations) -> None:
    first = conversations.begin(question())
    conversations.finish(first.id, answer("bad"))
    retry = question(messages=[], conversation_id=first.conversation_id, retry_of=first.id)
    second = conversations.begin(retry)
    conversations.finish(second.id, answer("worse"))
    with pytest.raises(InvalidField, match="retry_of"):
        conversations.begin(retry)
    shown = conversations.get("ann", first.conversation_id or "")[1]
    assert [m.id for m in shown if m.role == "assistant"] == [second.id]


def test_what_is_said_later_stands_later_though_another_process_s_clock_is_behind(
    conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = conversations.begin(question(said="one"))
    conversations.finish(first.id, answer("1"))
    monkeypatch.setattr(ids, "_last", 0)
    monkeypatch.setattr(time, "time_ns", lambda: 1)
    second = conversations.begin(question(said="two", conversation_id=first.conversation_id))
    shown = conversations.get("ann", first.conversation_id or "")[1]
    assert [m.content for m in shown] == ["one", "1", "two", ""] and shown[-1].id == second.id
    assert [m.text for m in second.messages] == ["one", "1", "two"]


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


def test_a_session_is_one_conversation_of_its_owner(conversations: Conversations) -> None:
    first = conversations.begin(question(keep=False, session_id="mine"))
    conversations.finish(first.id, answer("hello"))
    again = conversations.begin(question(keep=False, session_id="mine", said="more"))
    assert again.conversation_id == first.conversation_id and len(again.messages) == 3
    assert conversations.begin(question(keep=False, session_id=first.conversation_id)).conversation_id == (
        first.conversation_id
    )
    others = conversations.begin(question(owner="bob", keep=False, session_id="mine"))
    foreign = conversations.begin(question(owner="bob", keep=False, session_id=first.conversation_id))
    assert len({first.conversation_id, others.conversation_id, foreign.conversation_id}) == 3
    conversations.delete("ann", first.conversation_id or "")
    assert len(conversations.begin(question(keep=False, session_id="mine")).messages) == 1


def test_a_session_begun_twice_at_the_same_time_is_one_conversation(
    conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = conversations.begin(question(keep=False, session_id="mine"))
    look = placement.known_session
    answers = iter([lambda *_: None, look])  # the other transaction commits after the first look
    monkeypatch.setattr(placement, "known_session", lambda *more: next(answers)(*more))
    assert conversations.begin(question(keep=False, session_id="mine")).conversation_id == first.conversation_id


def test_each_return_of_a_client_is_counted(conversations: Conversations) -> None:
    begun = conversations.begin(question())
    assert conversations.returns(begun.id) == 0
    assert [conversations.come_back(begun.id) for _ in range(2)] == [1, 2]
    assert conversations.returns(begun.id) == 2


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


def test_a_file_that_another_process_holds_stops_no_other_greenlet(
    conversations: Conversations, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "conversations.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asking = gevent.spawn(conversations.begin, question())
    turns = 0
    for turns in range(1, 11):  # the hub goes on turning meanwhile
        gevent.sleep(0.005)
    assert turns == 10 and not asking.ready()
    other.execute("ROLLBACK")
    other.close()
    assert asking.get(timeout=5).id


def test_what_was_said_never_stands_in_an_error_or_a_log_line(
    conversations: Conversations, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = sqlite3.connect(tmp_path / "conversations.sqlite3")
    other.execute("DROP TABLE messages")
    other.commit()
    other.close()
    with pytest.raises(DatabaseUnavailable) as caught:
        conversations.begin(question(said="a secret question"))
    assert "the database failed" in caplog.text
    assert "secret" not in caplog.text and "secret" not in str(caught.value)


def test_a_database_that_cannot_be_opened_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="database_url"):
        open_database("sqlite:////nonexistent/folder/x.sqlite3", tmp_path)
    with pytest.raises(ConfigError, match="database_url"):
        open_database("nonsense", tmp_path)


def test_a_new_conversation_knows_nothing_of_answers_that_belong_to_none(conversations: Conversations) -> None:
    begun = conversations.begin(question("bob", keep=False))
    conversations.finish(begun.id, answer("bob's secret"))
    assert conversations.begin(question("ann")).messages == [Message("user", "hi")]


CALL = ToolCall("c1", "function", "weather", {"city": "Paris"})


def calling() -> Transcript:
    said = answer()
    return transcript_of([said.entries[0], Entry(2, CALL), Entry(3, said.entries[-1].event)])


def test_calls_of_the_client_s_tools_are_told_with_their_results(conversations: Conversations) -> None:
    first = conversations.begin(question())
    conversations.finish(first.id, calling())
    result = Message("tool", "7 degrees", tool_call_id="c1")
    second = conversations.begin(question(previous=first.id, messages=[result]))
    asked = [Message("user", "hi"), Message("assistant", "", tool_calls=[CALL]), result]
    assert second.messages == asked and second.conversation_id == first.conversation_id
    conversations.finish(second.id, answer("cold"))
    third = conversations.begin(question(said="why?", previous=second.id))
    assert third.messages == [*asked, Message("assistant", "cold"), Message("user", "why?")]


def test_calls_without_a_result_are_not_told(conversations: Conversations) -> None:
    first = conversations.begin(question())
    conversations.finish(first.id, calling())
    second = conversations.begin(question(previous=first.id, said="never mind"))
    assert second.messages == [Message("user", "hi"), Message("user", "never mind")]


def test_images_stay_in_the_conversation(conversations: Conversations) -> None:
    looked = Message("user", [Text("what is this?"), Image("data:image/png;base64,AAAA")])
    first = conversations.begin(question(messages=[looked]))
    conversations.finish(first.id, answer("a dot"))
    assert conversations.begin(question(conversation_id=first.conversation_id)).messages[0] == looked


def test_one_can_go_on_from_an_answer_that_others_went_on_from(conversations: Conversations) -> None:
    first = conversations.begin(question(said="one"))
    conversations.finish(first.id, answer("1"))
    second = conversations.begin(question(said="two", previous=first.id))
    conversations.finish(second.id, answer("2"))
    other = conversations.begin(question(said="three", previous=first.id))
    assert [message.text for message in other.messages] == ["one", "1", "three"]
    assert other.conversation_id not in (None, first.conversation_id)
    conversations.finish(other.id, answer("3"))
    after = conversations.begin(question(said="four", previous=other.id))
    assert [message.text for message in after.messages] == ["one", "1", "three", "3", "four"]


def test_one_can_go_on_without_being_kept(conversations: Conversations) -> None:
    first = conversations.begin(question(said="one"))
    conversations.finish(first.id, answer("1"))
    begun = conversations.begin(question(said="two", previous=first.id, keep=False))
    assert [message.text for message in begun.messages] == ["one", "1", "two"] and begun.conversation_id is None
    assert len(conversations.get("ann", first.conversation_id or "")[1]) == 2


def test_one_goes_on_only_from_what_is_one_s_own_kept_and_ended(conversations: Conversations) -> None:
    first = conversations.begin(question())
    with pytest.raises(InvalidField):
        conversations.begin(question(previous=first.id))
    conversations.finish(first.id, answer("1"))
    unkept = conversations.begin(question(keep=False)).id
    for previous, owner in ((first.id, "bob"), (unkept, "ann"), ("msg_0", "ann")):
        with pytest.raises(NotFound):
            conversations.begin(question(owner, previous=previous))
