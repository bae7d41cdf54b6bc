"""Old answers that nobody can list go; all others stay."""

from pathlib import Path

import pytest

from chatapp.chat import Ask, Message
from chatapp.errors import NotFound
from chatapp.events import Entry, RunEnd, RunStart, Timing, Usage
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import open_database
from chatapp.storage.retention import Retention
from chatapp.transcript import transcript_of

DONE = transcript_of(
    [
        Entry(1, RunStart("r", "t", "mock", "words", "disabled", 0.0)),
        Entry(2, RunEnd("stop", Usage(), Timing())),
    ]
)


def begin(conversations: Conversations, *, keep: bool, finish: bool = True) -> str:
    ask = Ask(said=[Message("user", "hi")], keep=keep)
    answer_id = conversations.begin(ask, "ann", "mock", "words").answer.id
    if finish:
        conversations.finish(answer_id, DONE)
    return answer_id


def test_only_finished_answers_without_a_conversation_grow_old(tmp_path: Path) -> None:
    database = open_database("", tmp_path)
    conversations, expiry = Conversations(database.engine), Retention(database.engine, retention_s=-1)
    loose, kept = begin(conversations, keep=False), begin(conversations, keep=True)
    running = begin(conversations, keep=False, finish=False)
    assert Retention(database.engine, retention_s=3600).expire() == 0
    assert expiry.expire() == 1
    with pytest.raises(NotFound):
        conversations.message("ann", loose)
    assert not conversations.answer("ann", kept).running
    assert conversations.answer("ann", running).running
    expiry.close()
    database.close()
