"""What is stored, in which order, and to whom it belongs."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from drivers import delete_for_good
from sqlalchemy import Engine

from chatapp import ids
from chatapp.access.shares import LinkOffice
from chatapp.chat import Ask, Image, Message, Native, Text
from chatapp.errors import ConfigError, DatabaseUnavailable, InvalidField, NotFound
from chatapp.events import (
    Entry,
    NativePiece,
    RunEnd,
    RunStart,
    StreamEvent,
    TextDelta,
    Timing,
    ToolCall,
    ToolResult,
    Usage,
)
from chatapp.storage import Begun, Conversation, Share, access_tables, placement, search_tables
from chatapp.storage.branching import Branches
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database, open_database
from chatapp.storage.deleting import Deletion
from chatapp.storage.listing import Listing
from chatapp.storage.reading import SLICE
from chatapp.storage.searching import Search
from chatapp.storage.shares import StoredShares
from chatapp.storage.tables import Base
from chatapp.transcript import Transcript, transcript_of


class Store(Conversations):
    """Conversations that can be asked in one line, and what one does with them elsewhere."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.engine = engine

    def recent(self, owner: str) -> list[Conversation]:
        return [listed.conversation for listed in Listing(self.engine).page(owner, 200)[0]]

    def delete(self, owner: str, conversation_id: str) -> list[str]:
        return Deletion(self.engine).delete(owner, conversation_id)

    def ask(
        self,
        owner: str = "ann",
        said: str | list[Message] = "hi",
        key: str | None = None,
        keep: bool = True,
        **more: Any,
    ) -> Begun:
        messages = [Message("user", said)] if isinstance(said, str) else said
        return self.begin(Ask(said=messages, keep=keep, **more), owner, "mock", "words", key)


@pytest.fixture
def conversations(database: Database) -> Store:
    return Store(database.engine)


@pytest.fixture
def in_file(tmp_path: Path) -> Iterator[Store]:
    """In SQLite, for tests of its file."""
    database = open_database("", tmp_path)
    yield Store(database.engine)
    database.close()


def answer(*texts: str) -> Transcript:
    events: list[StreamEvent] = [
        RunStart("r", "t", "mock", "words", "disabled", 0.0),
        *map(TextDelta, texts),
        RunEnd("stop", Usage(1, 2, 3), Timing(1, 2, 3)),
    ]
    return transcript_of([Entry(seq, event) for seq, event in enumerate(events, 1)])


def test_the_question_is_stored_before_the_answer_begins(conversations: Store) -> None:
    begun = conversations.ask()
    conversation, messages = conversations.get("ann", begun.answer.conversation_id or "")
    assert conversation.title == "hi"
    assert [(message.role, message.content) for message in messages] == [("user", "hi"), ("assistant", "")]
    assert messages[1] == begun.answer and begun.answer.running


def test_a_second_question_carries_the_history(conversations: Store) -> None:
    first = conversations.ask()
    conversations.finish(first.answer.id, answer("hel", "lo"))
    second = conversations.ask(said="more", conversation_id=first.answer.conversation_id)
    assert second.messages == [Message("user", "hi"), Message("assistant", "hello"), Message("user", "more")]


def test_the_stored_answer_renders_as_the_live_one(conversations: Store) -> None:
    begun = conversations.ask()
    conversations.finish(begun.answer.id, answer("hel", "lo"))
    stored = conversations.answer("ann", begun.answer.id)
    assert stored.entries() == answer("hel", "lo").entries
    assert (stored.content, stored.running) == ("hello", False)


def test_an_idempotency_key_begins_one_answer(conversations: Store) -> None:
    first = conversations.ask(key="k")
    again = conversations.ask(key="k")
    other = conversations.ask(owner="bob", key="k")
    assert again.found and again.answer.id == first.answer.id != other.answer.id
    assert len(conversations.get("ann", first.answer.conversation_id or "")[1]) == 2


def test_an_idempotency_key_is_of_one_request(conversations: Store) -> None:
    assert conversations.find("ann", "k", "a") is None
    first = conversations.ask(key="k", fingerprint="a")
    found = conversations.find("ann", "k", "a")
    assert found and found.found and found.answer.id == first.answer.id
    assert conversations.find("bob", "k", "a") is None
    with pytest.raises(InvalidField, match="Idempotency-Key"):
        conversations.find("ann", "k", "b")
    with pytest.raises(InvalidField, match="Idempotency-Key"):
        conversations.ask(key="k", fingerprint="b")


def test_an_answer_made_anew_replaces_the_old_one(conversations: Store) -> None:
    first = conversations.ask()
    with pytest.raises(InvalidField, match="retry_of"):
        conversations.ask(said=[], conversation_id=first.answer.conversation_id, retry_of=first.answer.id)
    conversations.finish(first.answer.id, answer("bad"))
    second = conversations.ask(said=[], conversation_id=first.answer.conversation_id, retry_of=first.answer.id)
    assert second.messages == [Message("user", "hi")]
    shown = conversations.get("ann", first.answer.conversation_id or "")[1]
    assert [m.id for m in shown if m.role == "assistant"] == [second.answer.id]
    assert conversations.message("ann", first.answer.id).content == "bad"


def test_an_answer_is_made_anew_once(conversations: Store) -> None:
    first = conversations.ask()
    conversations.finish(first.answer.id, answer("bad"))
    retry = {"said": [], "conversation_id": first.answer.conversation_id, "retry_of": first.answer.id}
    second = conversations.ask(**retry)
    conversations.finish(second.answer.id, answer("worse"))
    with pytest.raises(InvalidField, match="retry_of"):
        conversations.ask(**retry)
    shown = conversations.get("ann", first.answer.conversation_id or "")[1]
    assert [m.id for m in shown if m.role == "assistant"] == [second.answer.id]


def test_what_is_said_later_stands_later_though_another_process_s_clock_is_behind(
    conversations: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = conversations.ask(said="one")
    conversations.finish(first.answer.id, answer("1"))
    monkeypatch.setattr(ids, "_last", 0)
    monkeypatch.setattr(time, "time_ns", lambda: 1)
    second = conversations.ask(said="two", conversation_id=first.answer.conversation_id)
    shown = conversations.get("ann", first.answer.conversation_id or "")[1]
    assert [m.content for m in shown] == ["one", "1", "two", ""] and shown[-1].id == second.answer.id
    assert [m.text for m in second.messages] == ["one", "1", "two"]


def test_what_belongs_to_someone_else_is_not_there(conversations: Store) -> None:
    begun = conversations.ask()
    conversation_id = begun.answer.conversation_id or ""
    for attempt in (
        lambda: conversations.message("bob", begun.answer.id),
        lambda: conversations.get("bob", conversation_id),
        lambda: conversations.rename("bob", conversation_id, "x"),
        lambda: conversations.delete("bob", conversation_id),
        lambda: conversations.ask(owner="bob", conversation_id=conversation_id),
        lambda: conversations.ask(owner="bob", said=[], retry_of=begun.answer.id, keep=False),
    ):
        with pytest.raises((NotFound, InvalidField)):
            attempt()
    assert conversations.recent("bob") == []


def test_a_session_is_one_conversation_of_its_owner(conversations: Store) -> None:
    first = conversations.ask(keep=False, session_id="mine")
    conversations.finish(first.answer.id, answer("hello"))
    again = conversations.ask(keep=False, session_id="mine", said="more")
    assert again.answer.conversation_id == first.answer.conversation_id and len(again.messages) == 3
    assert conversations.ask(keep=False, session_id=first.answer.conversation_id).answer.conversation_id == (
        first.answer.conversation_id
    )
    others = conversations.ask(owner="bob", keep=False, session_id="mine")
    foreign = conversations.ask(owner="bob", keep=False, session_id=first.answer.conversation_id)
    assert len({first.answer.conversation_id, others.answer.conversation_id, foreign.answer.conversation_id}) == 3
    conversations.delete("ann", first.answer.conversation_id or "")
    assert len(conversations.ask(keep=False, session_id="mine").messages) == 1


def test_a_session_begun_twice_at_the_same_time_is_one_conversation(
    conversations: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = conversations.ask(keep=False, session_id="mine")
    look = placement.known_session
    answers = iter([lambda *_, **__: None, look])  # the other transaction commits after the first look
    monkeypatch.setattr(placement, "known_session", lambda *more, **options: next(answers)(*more, **options))
    assert conversations.ask(keep=False, session_id="mine").answer.conversation_id == first.answer.conversation_id


def test_each_return_of_a_client_is_counted(conversations: Store) -> None:
    begun = conversations.ask()
    assert conversations.visits(begun.answer.id) == 0
    assert [conversations.count_visit(begun.answer.id) for _ in range(2)] == [1, 2]
    assert conversations.visits(begun.answer.id) == 2


def test_a_return_to_an_answer_that_was_just_deleted_finds_nothing(conversations: Store) -> None:
    with pytest.raises(NotFound):
        conversations.count_visit("msg_gone")


def test_deleting_names_the_runs_that_go_on(conversations: Store) -> None:
    begun = conversations.ask()
    assert conversations.delete("ann", begun.answer.conversation_id or "") == [begun.answer.id]
    conversations.finish(begun.answer.id, answer("late"))
    with pytest.raises(NotFound):
        conversations.message("ann", begun.answer.id)


def test_what_was_deleted_is_seen_by_nobody_until_its_owner_brings_it_back(conversations: Store) -> None:
    deletion, search = Deletion(conversations.engine), Search(conversations.engine)
    branches, listing = Branches(conversations.engine), Listing(conversations.engine)
    begun = conversations.ask(said="needle", key="chat:1")
    conversations.finish(begun.answer.id, answer("needle"))
    id, answer_id = begun.answer.conversation_id or "", begun.answer.id
    looks: list[Callable[[], object]] = [
        lambda: conversations.get("ann", id),
        lambda: conversations.message("ann", answer_id),
        lambda: conversations.ask(conversation_id=id),
        lambda: conversations.ask(said=[], retry_of=answer_id),
        lambda: conversations.ask(previous=answer_id),
        lambda: conversations.rename("ann", id, "x"),
        lambda: conversations.delete_answer("ann", answer_id, False),
        lambda: branches.answers("ann", [answer_id]),
        lambda: branches.choose("ann", answer_id),
        lambda: listing.pin("ann", id, True),
        lambda: deletion.delete("ann", id),
        lambda: deletion.restore("bob", id),
    ]
    assert conversations.delete("ann", id) == []
    for look in looks:
        with pytest.raises(NotFound):
            look()
    assert conversations.recent("ann") == [] and search.titles("ann", ["needle"], 1) == []
    assert search.find("ann", ["needle"], 1) == ([], "", False) and conversations.newest_begun("ann", "chat:") is None
    deletion.end(time.time() - 60)  # it is too early
    assert deletion.restore("ann", id).id == id and len(conversations.get("ann", id)[1]) == 2
    assert len(search.find("ann", ["needle"], 9)[0]) == 2
    with pytest.raises(NotFound):
        deletion.restore("ann", id)
    conversations.delete("ann", id)
    assert deletion.end(time.time() + 1) == 1
    with pytest.raises(NotFound):
        deletion.restore("ann", id)


def test_one_that_has_begun_to_end_cannot_be_brought_back(conversations: Store) -> None:
    """Some of its messages are gone."""
    deletion = Deletion(conversations.engine)
    said = [Message("user", "hi"), Message("assistant", "yes")] * SLICE
    id = conversations.ask(said=said).answer.conversation_id or ""
    conversations.delete("ann", id)
    assert deletion.end(time.time() + 1, pause=bool) == 0
    with pytest.raises(NotFound):
        deletion.restore("ann", id)
    assert deletion.end(time.time() - 60) == 1


def test_a_conversation_is_made_with_no_more_messages_than_it_may_have(database: Database) -> None:
    with pytest.raises(InvalidField, match=r"messages: the conversation would have 3; the limit is 2"):
        Conversations(database.engine, max_messages=2).create("ann", [Message("user", "a")] * 3, {})


def test_a_link_that_was_made_meanwhile_stays(conversations: Store) -> None:
    """Somebody may have it already."""
    stored, id = StoredShares(conversations.engine), conversations.ask().answer.conversation_id
    assert stored.create("first", "share_1", "ann", id, None)
    assert not stored.create("second", "share_2", "ann", id, None)
    assert stored.find("first") and not stored.find("second")
    assert stored.create("third", "share_3", "ann", id, None, instead_of="share_1")
    assert stored.find("third") and not stored.find("first")
    with pytest.raises(NotFound):
        stored.create("fourth", "share_4", "ann", "conv_none", None)


def test_two_who_make_a_link_at_once_get_the_same(conversations: Store) -> None:
    class Late(StoredShares):
        def of(self, *which: str | None) -> Share | None:
            found = super().of(*which) if seen else None  # type: ignore[arg-type]
            seen.append(found)
            return found

    seen: list[Share | None] = []
    id = conversations.ask().answer.conversation_id
    first = LinkOffice(StoredShares(conversations.engine), "secret").share("ann", conversation_id=id)
    assert LinkOffice(Late(conversations.engine), "secret").share("ann", conversation_id=id) == first


def test_the_last_used_conversation_comes_first(conversations: Store) -> None:
    first, second = conversations.ask(said="one"), conversations.ask(said="two")
    assert [c.id for c in conversations.recent("ann")] == [second.answer.conversation_id, first.answer.conversation_id]
    conversations.ask(said="again", conversation_id=first.answer.conversation_id)
    assert [c.title for c in conversations.recent("ann")] == ["one", "two"]


def test_a_long_first_line_becomes_a_short_title(conversations: Store) -> None:
    begun = conversations.ask(said="word \n" * 100)
    title = conversations.get("ann", begun.answer.conversation_id or "")[0].title
    assert len(title) <= 80 and title.endswith("…") and "\n" not in title


def test_the_migrations_make_the_schema_of_the_models(database: Database) -> None:
    assert access_tables and search_tables  # their tables are known once they are imported

    def is_ours(_thing: object, name: str | None, *_: object) -> bool:
        return not str(name).startswith("search_terms")  # the index itself: each database has its own kind

    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_ours})
        assert compare_metadata(context, Base.metadata) == []


def test_a_file_that_another_process_holds_stops_no_other_greenlet(in_file: Store, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "conversations.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asking = gevent.spawn(in_file.ask)
    turns = 0
    for turns in range(1, 11):  # the hub goes on turning meanwhile
        gevent.sleep(0.005)
    assert turns == 10 and not asking.ready()
    other.execute("ROLLBACK")
    other.close()
    assert asking.get(timeout=5).answer.id


def test_what_was_said_never_stands_in_an_error_or_a_log_line(
    in_file: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = sqlite3.connect(tmp_path / "conversations.sqlite3")
    other.execute("DROP TABLE messages")
    other.commit()
    other.close()
    with pytest.raises(DatabaseUnavailable) as caught:
        in_file.ask(said="a secret question")
    assert "the database failed" in caplog.text
    assert "secret" not in caplog.text and "secret" not in str(caught.value)


def test_a_database_that_cannot_be_opened_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="database_url"):
        open_database("sqlite:////nonexistent/folder/x.sqlite3", tmp_path)
    with pytest.raises(ConfigError, match="database_url"):
        open_database("nonsense", tmp_path)
    (tmp_path / "conversations.sqlite3").write_text("no database, but a text that is long enough")
    with pytest.raises(ConfigError, match=r"^database_url: .* file is not a database$"):
        open_database("", tmp_path)


def test_a_new_conversation_knows_nothing_of_answers_that_belong_to_none(conversations: Store) -> None:
    begun = conversations.ask("bob", keep=False)
    conversations.finish(begun.answer.id, answer("bob's secret"))
    assert conversations.ask("ann").messages == [Message("user", "hi")]


CALL = ToolCall("c1", "function", "weather", {"city": "Paris"})


def calling() -> Transcript:
    said = answer()
    return transcript_of([said.entries[0], Entry(2, CALL), Entry(3, said.entries[-1].event)])


def test_calls_of_the_client_s_tools_are_told_with_their_results(conversations: Store) -> None:
    first = conversations.ask()
    conversations.finish(first.answer.id, calling())
    result = Message("tool", "7 degrees", tool_call_id="c1")
    second = conversations.ask(previous=first.answer.id, said=[result])
    asked = [Message("user", "hi"), Message("assistant", "", tool_calls=[CALL]), result]
    assert second.messages == asked and second.answer.conversation_id == first.answer.conversation_id
    conversations.finish(second.answer.id, answer("cold"))
    third = conversations.ask(said="why?", previous=second.answer.id)
    assert third.messages == [*asked, Message("assistant", "cold"), Message("user", "why?")]


def test_calls_without_a_result_are_not_told(conversations: Store) -> None:
    first = conversations.ask()
    conversations.finish(first.answer.id, calling())
    second = conversations.ask(previous=first.answer.id, said="never mind")
    assert second.messages == [Message("user", "hi"), Message("user", "never mind")]


def test_images_stay_in_the_conversation(conversations: Store) -> None:
    looked = Message("user", [Text("what is this?"), Image("data:image/png;base64,AAAA")])
    first = conversations.ask(said=[looked])
    conversations.finish(first.answer.id, answer("a dot"))
    assert conversations.ask(conversation_id=first.answer.conversation_id).messages[0] == looked


def test_one_can_go_on_from_an_answer_that_others_went_on_from(conversations: Store) -> None:
    first = conversations.ask(said="one")
    conversations.finish(first.answer.id, answer("1"))
    second = conversations.ask(said="two", previous=first.answer.id)
    conversations.finish(second.answer.id, answer("2"))
    other = conversations.ask(said="three", previous=first.answer.id)
    assert [message.text for message in other.messages] == ["one", "1", "three"]
    assert other.answer.conversation_id not in (None, first.answer.conversation_id)
    conversations.finish(other.answer.id, answer("3"))
    after = conversations.ask(said="four", previous=other.answer.id)
    assert [message.text for message in after.messages] == ["one", "1", "three", "3", "four"]


def test_one_can_go_on_without_being_kept(conversations: Store) -> None:
    first = conversations.ask(said="one")
    conversations.finish(first.answer.id, answer("1"))
    begun = conversations.ask(said="two", previous=first.answer.id, keep=False)
    assert [message.text for message in begun.messages] == ["one", "1", "two"] and begun.answer.conversation_id is None
    assert len(conversations.get("ann", first.answer.conversation_id or "")[1]) == 2


def test_one_goes_on_only_from_what_is_one_s_own_kept_and_ended(conversations: Store) -> None:
    first = conversations.ask()
    with pytest.raises(InvalidField):
        conversations.ask(previous=first.answer.id)
    conversations.finish(first.answer.id, answer("1"))
    unkept = conversations.ask(keep=False).answer.id
    for previous, owner in ((first.answer.id, "bob"), (unkept, "ann"), ("msg_0", "ann")):
        with pytest.raises(NotFound):
            conversations.ask(owner, previous=previous)


def test_a_signed_turn_goes_back_in_the_next_request_of_its_conversation(conversations: Store) -> None:
    call = ToolCall("a", "function", "clock", {})
    events: list[StreamEvent] = [
        RunStart("r", "t", "up", "words", "disabled", 0.0),
        call,
        NativePiece("p", "up", [{"signed": 1}], whole=True),
        ToolResult("a", "noon"),
        TextDelta("It is noon."),
        RunEnd("stop", Usage(1, 2, 3), Timing(1, 2, 3)),
    ]
    begun = conversations.ask()
    conversations.finish(begun.answer.id, transcript_of([Entry(seq, event) for seq, event in enumerate(events, 1)]))

    assert conversations.ask(conversation_id=begun.answer.conversation_id).messages == [
        Message("user", "hi"),
        Message("assistant", "", tool_calls=[call], native=Native("p", [{"signed": 1}], "up")),
        Message("tool", "noon", tool_call_id="a"),
        Message("assistant", "It is noon."),
        Message("user", "hi"),
    ]


def test_a_conversation_is_begun_without_an_answer_and_filled(conversations: Store) -> None:
    made = conversations.create("ann", [Message("user", "hello there")], {"a": "b"})
    assert (made.title, made.metadata) == ("hello there", {"a": "b"})
    call = Message("assistant", "", tool_calls=[ToolCall("c", "function", "add", {})])
    first, second = conversations.add("ann", made.id, [call, Message("tool", "3", tool_call_id="c")])
    assert first.message() == call and first.id < second.id and second.message().tool_call_id == "c"
    begun = conversations.ask("ann", "and?", conversation_id=made.id)
    assert [message.content for message in begun.messages] == ["hello there", "", "3", "and?"]
    assert conversations.describe("ann", made.id, {}).metadata == {}
    for refused in (
        lambda: conversations.add("bob", made.id, [call]),
        lambda: conversations.describe("bob", made.id, {}),
        lambda: conversations.said_before("bob", begun.answer.id),
        lambda: conversations.delete_answer("bob", begun.answer.id, alone=True),
    ):
        with pytest.raises(NotFound):
            refused()


def test_an_empty_conversation_gets_its_title_from_the_first_question(conversations: Store) -> None:
    made = conversations.create("ann", [], {})
    conversations.ask("ann", "what is it?", conversation_id=made.id)
    assert made.title == "" and conversations.get("ann", made.id)[0].title == "what is it?"


def test_an_answer_is_deleted_with_what_it_answers_or_alone(conversations: Store) -> None:
    first = conversations.ask("ann", "a").answer
    conversations.finish(first.id, Transcript())
    second = conversations.ask("ann", "b", previous=first.id).answer
    assert [message.content for message in conversations.said_before("ann", second.id)] == ["b"]
    assert conversations.delete_answer("ann", second.id, alone=False)  # it was running
    shown = conversations.get("ann", str(first.conversation_id))[1]
    assert [message.role for message in shown] == ["user", "assistant"]
    assert not conversations.delete_answer("ann", first.id, alone=True)
    (left,) = conversations.get("ann", str(first.conversation_id))[1]
    assert left.content == "a"
    again = conversations.ask("ann", "c", conversation_id=first.conversation_id).answer
    conversations.delete_answer("ann", again.id, alone=False)
    with pytest.raises(NotFound):
        conversations.get("ann", str(first.conversation_id))


def test_an_answer_that_no_conversation_has_is_deleted_too(conversations: Store) -> None:
    answer = conversations.ask("ann", "a", keep=False).answer
    with pytest.raises(NotFound, match="not stored"):
        conversations.said_before("ann", answer.id)
    assert conversations.delete_answer("ann", answer.id, alone=False)
    with pytest.raises(NotFound):
        conversations.answer("ann", answer.id)


def test_all_that_a_provider_would_be_sent_is_known_before_it_is_asked(conversations: Store) -> None:
    first = conversations.ask("ann", "a").answer
    conversations.finish(first.id, Transcript())
    for more in ({"previous": first.id}, {"conversation_id": first.conversation_id}):
        context = conversations.context("ann", Ask(said=[Message("user", "b")], **more))
        assert [message.content for message in context] == ["a", "b"]
        with pytest.raises(NotFound):
            conversations.context("bob", Ask(said=[Message("user", "b")], **more))
    assert len(conversations.get("ann", str(first.conversation_id))[1]) == 2  # nothing was written


def test_deleting_an_answer_touches_no_other_one(conversations: Store) -> None:
    mine, other = (conversations.ask(owner, "a", keep=False).answer for owner in ("ann", "bob"))
    conversations.delete_answer("ann", mine.id, alone=False)
    assert conversations.answer("bob", other.id).id == other.id


def test_any_text_comes_back_as_it_was(conversations: Store) -> None:
    """NUL too, which Postgres refuses, and the character with which it is escaped there."""
    odd = "a\0b\ue0ff0\ue0ff1\ue0ff"
    begun = conversations.ask(said=odd)
    conversations.finish(begun.answer.id, answer(odd))
    kept = conversations.answer("ann", begun.answer.id)
    assert kept.content == odd and kept.entries() == answer(odd).entries
    assert conversations.ask(conversation_id=kept.conversation_id).messages[0].text == odd
    with pytest.raises(NotFound):
        conversations.answer("ann", "no\0such")


def test_the_newest_answer_of_a_chat_is_found_by_the_beginning_of_its_key(conversations: Store) -> None:
    for key in ("chat:1", "chat:2", "chat-3", "cha", "chaz"):
        conversations.ask(said=key, key=key)
    newest = conversations.newest_begun("ann", "chat:")
    assert newest is not None and conversations.said_before("ann", newest.id)[0].content == "chat:2"


def test_a_key_of_a_deleted_answer_begins_nothing_and_finds_nothing(conversations: Store) -> None:
    begun = conversations.ask("ann", "a", key="k").answer
    conversations.finish(begun.id, Transcript())
    conversations.delete("ann", str(begun.conversation_id))
    for step in (lambda: conversations.find("ann", "k", ""), lambda: conversations.ask("ann", "a", key="k")):
        with pytest.raises(NotFound, match="Idempotency-Key: .* use a new key"):
            step()
    Deletion(conversations.engine).restore("ann", str(begun.conversation_id))
    found = conversations.find("ann", "k", "")
    assert found is not None and found.answer.id == begun.id
    delete_for_good(conversations.engine, "ann", str(begun.conversation_id))
    assert conversations.find("ann", "k", "") is None and not conversations.ask("ann", "a", key="k").found


def test_all_that_a_conversation_shows_comes_in_slices_between_which_nothing_is_open(conversations: Store) -> None:
    listing = Listing(conversations.engine)
    for count in (0, 1, SLICE, 2 * SLICE + 1):
        said = [Message("user", str(number)) for number in range(count)]
        id = conversations.create("ann", said, {}).id
        texts: list[str] = []
        for some in listing.slices("ann", id):
            assert len(some) <= SLICE and conversations.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
            texts += [message.content for message in some]
        assert texts == [message.text for message in said]
    slices = listing.slices("ann", id)
    next(slices)
    conversations.delete("ann", id)
    with pytest.raises(NotFound):  # a broken body, not a short one
        next(slices)
