"""What owners said gets from the process where it is said to the one that waits, and the first word holds."""

from pathlib import Path

import pytest
from drivers import delete_for_good

from chatapp.chat import Ask, Message
from chatapp.errors import DatabaseUnavailable
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import open_database
from chatapp.storage.user_inputs import StoredUserInputs
from chatapp.tools import UserInput


def test_the_first_word_holds_and_goes_with_its_conversation(tmp_path: Path) -> None:
    database = open_database("", tmp_path)
    conversations = Conversations(database.engine)
    run_id = conversations.begin(Ask(said=[Message("user", "hi")], keep=True), "o", "p", "m").answer.id
    here, there = StoredUserInputs(database.engine), StoredUserInputs(database.engine)
    accepted = UserInput("accepted", {"name": "Ada", "row": 3})
    assert here.said(run_id, "q1") is None
    assert there.say(run_id, "q1", accepted) == accepted
    assert here.say(run_id, "q1", UserInput("expired")) == accepted == here.said(run_id, "q1")
    delete_for_good(database.engine, "o", conversations.answer("o", run_id).conversation_id)
    assert here.said(run_id, "q1") is None
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE user_inputs")
    for look in (lambda: here.said(run_id, "q1"), lambda: here.say(run_id, "q1", accepted)):
        with pytest.raises(DatabaseUnavailable):
            look()
    database.close()
