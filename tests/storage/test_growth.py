"""What is asked of a large database stays small: each statement seeks by an index."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from drivers import delete_for_good
from sqlalchemy import Engine, event

from chatapp.chat import Ask, Message
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import open_database
from chatapp.storage.listing import Listing
from chatapp.storage.receipts import Receipts
from chatapp.storage.retention import Retention
from chatapp.storage.searching import Search

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


def test_nothing_that_a_request_asks_scans_a_large_table(engine: Engine) -> None:
    conversations = Conversations(engine)
    begun = ask(conversations, "first").answer
    plans = Plans(engine)
    steps: list[Callable[[], object]] = [
        lambda: ask(conversations, "second", conversation_id=begun.conversation_id),
        lambda: conversations.find("ann", "key-first", ""),
        lambda: conversations.newest_begun("ann", "key-"),
        lambda: conversations.answer("ann", begun.id),
        lambda: conversations.kept_end(begun.id),
        lambda: Listing(engine).page_pinned_first("ann", 50),
        lambda: Search(engine).find("ann", ["first"], 10),
        lambda: Search(engine).titles("ann", ["first"], 10),
        lambda: conversations.get("ann", begun.conversation_id),
        lambda: conversations.said_before("ann", begun.id),
        lambda: conversations.session_answer("ann", "session"),
        lambda: conversations.visits(begun.id),
        lambda: conversations.unfinished(0.0),
        lambda: conversations.ping(),
        lambda: Receipts(engine).spent("ann", 0.0),
        lambda: Retention(engine, 3600.0).expire(),
        lambda: delete_for_good(engine, "ann", begun.conversation_id),
    ]
    for step in steps:
        step()
    assert plans.count > len(steps)
    assert not plans.scans
