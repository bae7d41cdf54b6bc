"""A model is shown the pictures that it made, with the turns in which it made them."""

import base64

import pytest
from drivers import an_answer

from chatapp.chat import Ask, Image, Message, Text
from chatapp.events import File
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database

PNG = b"\x89PNG" + bytes(2000)
DRAWN = Image(f"data:image/png;base64,{base64.b64encode(PNG).decode()}")
MORE = Message("user", "make it blue")


@pytest.fixture
def conversations(database: Database) -> Conversations:
    return Conversations(database.engine, max_picture_bytes=3000)


def draw(conversations: Conversations, conversation_id: str | None = None, text: str = "Here.") -> str:
    ask = Ask(said=[Message("user", "draw")], keep=True, conversation_id=conversation_id)
    answer = conversations.begin(ask, "ann", "artist", "m").answer
    drawn = File("file_1", "image/png", bytes=PNG), File("file_2", "text/plain", bytes=b"notes")
    conversations.finish(answer.id, an_answer(text, *drawn, run_id=answer.id) if text else an_answer(*drawn))
    assert answer.conversation_id
    return answer.conversation_id


def told(
    conversations: Conversations,
    conversation_id: str,
    provider: str = "artist",
    model: str = "m",
    sees: bool | None = None,
) -> list[Message]:
    ask = Ask(said=[MORE], conversation_id=conversation_id)
    return conversations.begin(ask, "ann", provider, model, sees=sees).messages


def test_the_model_sees_what_it_drew(conversations: Conversations) -> None:
    turn = Message("assistant", [Text("Here."), DRAWN])
    assert told(conversations, draw(conversations)) == [Message("user", "draw"), turn, MORE]


def test_an_answer_that_is_a_picture_alone_is_a_turn(conversations: Conversations) -> None:
    assert told(conversations, draw(conversations, text=""))[1] == Message("assistant", [DRAWN])


@pytest.mark.parametrize(("provider", "model"), [("artist", "other"), ("other", "m")])
def test_another_model_does_without(conversations: Conversations, provider: str, model: str) -> None:
    assert told(conversations, draw(conversations), provider, model)[1] == Message("assistant", "Here.")


@pytest.mark.parametrize(("provider", "sees", "shown"), [("other", True, True), ("artist", False, False)])
def test_what_is_known_of_the_model_decides(
    conversations: Conversations, provider: str, sees: bool, shown: bool
) -> None:
    turn = told(conversations, draw(conversations), provider, sees=sees)[1]
    assert turn.content == ([Text("Here."), DRAWN] if shown else "Here.")


def test_the_newest_pictures_go_back_up_to_the_limit(conversations: Conversations) -> None:
    conversation_id = draw(conversations)
    draw(conversations, conversation_id, "Again.")
    turns = [message for message in told(conversations, conversation_id) if message.role == "assistant"]
    assert turns == [Message("assistant", "Here."), Message("assistant", [Text("Again."), DRAWN])]
