"""What is asked of a large database stays small: each statement seeks by an index, and none holds the
hub."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from drivers import an_answer
from sqlalchemy import Engine, event, insert
from turns import Done, Turns

from chatapp.chat import Ask, Message
from chatapp.errors import LimitExceeded
from chatapp.storage import Answer
from chatapp.storage import conversations as conversations_module
from chatapp.storage.archive import Archive
from chatapp.storage.beginning import reading
from chatapp.storage.branching import Branches
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import open_database
from chatapp.storage.deleting import Deletion
from chatapp.storage.indexing import Indexer
from chatapp.storage.listing import Listing
from chatapp.storage.receipts import Receipts
from chatapp.storage.retention import Retention
from chatapp.storage.searching import Search
from chatapp.storage.tables import ConversationRow, MessageRow

LARGE = {"conversations", "messages", "receipts"}


class Plans:
    """How SQLite answers each statement that is made."""

    def __init__(self, engine: Engine) -> None:
        self.scans: list[str] = []
        self.count = 0
        event.listen(engine, "after_cursor_execute", self._explain)

    def _explain(self, connection: Any, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if not statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE")):
            return
        self.count += 1
        other = connection.connection.dbapi_connection.cursor()
        for *_ids, step in other.execute(f"EXPLAIN QUERY PLAN {statement}", parameters):
            scanned = re.match(r"SCAN (\w+)(?! USING)", step)
            if scanned and scanned[1] in LARGE:
                self.scans.append(f"{step}: {statement}")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    database = open_database("", tmp_path)
    yield database.engine
    database.close()


def ask(conversations: Conversations, said: str, **more: Any) -> Any:
    return conversations.begin(
        Ask(said=[Message("user", said)], keep=True, **more), "ann", "mock", "words", f"key-{said}"
    )


STEPS: dict[str, Callable[[Engine, Answer], object]] = {
    "list": lambda engine, begun: Listing(engine).page_pinned_first("ann", 50),
    "next page": lambda engine, begun: Listing(engine).page("ann", 200, Listing(engine).page("ann", 50)[1]),
    "open": lambda engine, begun: Listing(engine).messages("ann", str(begun.conversation_id), 50),
    "all in slices": lambda engine, begun: [*Listing(engine).slices("ann", str(begun.conversation_id))],
    "open all": lambda engine, begun: Conversations(engine).get("ann", str(begun.conversation_id)),
    "ask": lambda engine, begun: ask(Conversations(engine), "second", conversation_id=begun.conversation_id),
    "ask again": lambda engine, begun: ask(Conversations(engine), "", retry_of=begun.id),
    "add": lambda engine, begun: Conversations(engine).add(
        "ann", str(begun.conversation_id), [Message("user", "third")]
    ),
    "count": lambda engine, begun: Conversations(engine).context(
        "ann", Ask(said=[], conversation_id=begun.conversation_id)
    ),
    "choose": lambda engine, begun: Branches(engine).choose("ann", begun.id),
    "branch": lambda engine, begun: ask(Conversations(engine), "fourth", previous=begun.id),
    "find a key": lambda engine, begun: Conversations(engine).find("ann", "key-first", ""),
    "find by keys": lambda engine, begun: Conversations(engine).newest_begun("ann", "key-"),
    "answer": lambda engine, begun: Conversations(engine).answer("ann", begun.id),
    "end": lambda engine, begun: Conversations(engine).kept_end(begun.id),
    "said before": lambda engine, begun: Conversations(engine).said_before("ann", begun.id),
    "session": lambda engine, begun: Conversations(engine).session_answer("ann", "session"),
    "session by id": lambda engine, begun: Conversations(engine).session_answer("ann", str(begun.conversation_id)),
    "visits": lambda engine, begun: Conversations(engine).visits(begun.id),
    "unfinished": lambda engine, begun: Conversations(engine).unfinished(0.0),
    "ping": lambda engine, begun: Conversations(engine).ping(),
    "search": lambda engine, begun: Search(engine).find("ann", ["first"], 10),
    "search for much": lambda engine, begun: Search(engine).find("ann", ["word"], 100),
    "search for a letter": lambda engine, begun: Search(engine).find("ann", ["q"], 10),
    "titles": lambda engine, begun: Search(engine).titles("ann", ["nothing"], 10),
    "spent": lambda engine, begun: Receipts(engine).spent("ann", 0.0),
    "export and import": lambda engine, begun: Archive(engine).store(
        "ann", Archive(engine).read("ann", str(begun.conversation_id))
    ),
    "delete an answer": lambda engine, begun: Conversations(engine).delete_answer("ann", begun.id, alone=False),
    "delete": lambda engine, begun: Deletion(engine).delete("ann", str(begun.conversation_id)),
    "let go": lambda engine, begun: Retention(engine, 3600.0, undo_s=-3600.0).expire(),
}
"""What requests, and the upkeep, ask of a database."""


def finished(conversations: Conversations) -> Answer:
    begun = ask(conversations, "first").answer
    conversations.finish(begun.id, an_answer("word", run_id=begun.id))
    return conversations.answer("ann", begun.id)


def test_nothing_that_a_request_asks_scans_a_large_table(engine: Engine) -> None:
    begun = finished(Conversations(engine))
    plans = Plans(engine)
    for step in STEPS.values():
        step(engine, begun)
    assert plans.count > len(STEPS)
    assert not plans.scans


@pytest.mark.parametrize("by", ["conversation_id", "previous"])
def test_the_history_is_read_before_all_others_wait(engine: Engine, by: str) -> None:
    """In SQLite a transaction that writes holds them up: it must not grow with a conversation."""
    conversations = Conversations(engine)
    begun = finished(conversations)
    named = begun.conversation_id if by == "conversation_id" else begun.id
    texts: list[str] = []
    event.listen(engine, "begin", lambda connection: texts.append("reads" if is_reader(connection) else "writes"))
    event.listen(engine, "before_cursor_execute", lambda *call: texts.append(call[2]))
    said = [message.text for message in ask(conversations, "second", **{by: named}).messages]
    assert said == ["first", "word", "second"]
    writing = texts[texts.index("writes") :]
    assert "reads" not in writing and not [each for each in writing if MANY_MESSAGES(each)]


@pytest.mark.parametrize("by", ["key", "running"])
def test_an_ask_that_begins_nothing_reads_no_conversation(engine: Engine, by: str) -> None:
    conversations, texts = Conversations(engine), list[str]()
    again = Ask(said=[Message("user", "hi")], conversation_id=finished(conversations).conversation_id)
    first = conversations.begin(again, "ann", "mock", "words", "key").answer
    event.listen(engine, "before_cursor_execute", lambda *call: texts.append(call[2]))
    if by == "key":
        assert conversations.begin(again, "ann", "mock", "words", "key").answer.id == first.id
    else:
        with pytest.raises(LimitExceeded, match="max_runs_per_owner"):
            conversations.begin(again, "ann", "mock", "words", "another", max_running=1)
    assert texts and not [*filter(MANY_MESSAGES, texts)]


MANY_MESSAGES = re.compile(r"SELECT messages\..*WHERE messages\.(conversation_id =|id IN)", re.DOTALL).match


def is_reader(connection: Any) -> bool:
    return connection.dialect is reading(connection.engine).dialect


def test_a_conversation_that_goes_on_meanwhile_is_read_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    conversations = Conversations(engine)
    begun = finished(conversations)
    look = conversations_module.known_history

    def and_it_goes_on(*arguments: Any) -> Any:
        found = look(*arguments)
        Conversations(engine).add("ann", str(begun.conversation_id), [Message("user", "between")])
        return found

    monkeypatch.setattr(conversations_module, "known_history", and_it_goes_on)
    asked = ask(conversations, "last", conversation_id=begun.conversation_id)
    assert [message.text for message in asked.messages] == ["first", "word", "between", "last"]


MANY, LONG = 1500, 4000
MOST = Done(calls=20_000, steps=20_000)  # some ms
TEXT = "word " * 20


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database of many conversations, and a long one whose last answer is
    `begun`."""
    data = tmp_path_factory.mktemp("filled")
    database = open_database("", data)
    with database.engine.begin() as connection:
        for number in range(MANY):
            values = {"id": f"conv_{number:032x}", "title": "title", "updated": number, "pinned": number % 500 == 0}
            connection.execute(insert(ConversationRow).values(owner="ann", created=0.0, **values))
    conversations = Conversations(database.engine)
    with database.engine.begin() as connection:
        rows = [
            {"id": f"msg_{number:032x}", "conversation_id": f"conv_{number % MANY:032x}", "parent": None}
            for number in range(MANY)
        ]
        connection.execute(insert(MessageRow), [{**row, **SAID} for row in rows])
    said = [Message("user", TEXT) if number % 2 else Message("assistant", TEXT) for number in range(LONG)]
    begun = conversations.begin(Ask(said=said, keep=True), "ann", "mock", "words", "key-first").answer
    conversations.finish(begun.id, an_answer("word", run_id=begun.id))
    indexer = Indexer(database.engine)
    for _ in range(20):
        indexer.index()
    database.close()
    return data


SAID = {"owner": "ann", "role": "user", "status": "done", "content": TEXT, "entries": "[]", "superseded": False} | {
    "created": 0.0
}


def test_nothing_holds_the_hub_for_long_however_much_there_is(filled: Path, tmp_path: Path) -> None:
    done = {name: most_in_a_turn(filled, tmp_path / name, name) for name in STEPS}
    assert not {name: most for name, most in done.items() if most.exceeds(MOST)}


def most_in_a_turn(filled: Path, data: Path, name: str) -> Done:
    shutil.copytree(filled, data)
    database = open_database("", data)
    found = Conversations(database.engine).find("ann", "key-first", "")
    assert found is not None
    if name == "let go":
        Deletion(database.engine).delete("ann", str(found.answer.conversation_id))
    turns = Turns(database.engine)
    Conversations(database.engine).ping()  # opens a connection
    with turns.of():
        STEPS[name](database.engine, found.answer)
    database.close()
    return turns.most
