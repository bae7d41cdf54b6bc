"""The requests of our own endpoints: one question, said in one way."""

from typing import Any

import msgspec
import pytest

from chatapp.chat import Message
from chatapp.dialects.requests import AskRequest, ChatRequest, MessageRequest, SessionRequest
from chatapp.errors import InvalidField

HI = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (ChatRequest, {"prompt": "hi"}),
        (ChatRequest, {"messages": HI}),
        (AskRequest, {"question": "hi"}),
        (AskRequest, {"prompt": "hi"}),
        (SessionRequest, {"prompt": "hi", "sessionId": "mine"}),
    ],
)
def test_a_question_may_be_said_in_several_ways(kind: type[ChatRequest], fields: dict[str, Any]) -> None:
    assert msgspec.convert(fields, kind).turns() == [Message("user", "hi")]


def test_a_retry_says_nothing_new() -> None:
    assert msgspec.convert({"retry_of": "msg_1"}, MessageRequest).turns() == []


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        (ChatRequest, {}, "prompt: must not be empty"),
        (ChatRequest, {"prompt": " "}, "prompt: must not be empty"),
        (ChatRequest, {"messages": []}, "messages: must not be empty"),
        (ChatRequest, {"messages": [{"role": "user", "content": ""}]}, "messages[0].content: must not be empty"),
        (ChatRequest, {"prompt": "hi", "messages": HI}, "prompt: send either prompt or messages, not both"),
        (
            MessageRequest,
            {"retry_of": "msg_1", "prompt": "hi"},
            "retry_of: send it without prompt, messages and attachments",
        ),
        (AskRequest, {"question": "hi", "prompt": "hi"}, "question: send it without prompt and messages"),
        (
            SessionRequest,
            {"prompt": "hi", "sessionId": "mine", "conversation_id": "c"},
            "sessionId: send either sessionId or conversation_id, not both",
        ),
    ],
)
def test_a_request_that_says_it_twice_or_not_at_all_is_refused(
    kind: type[ChatRequest], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        msgspec.convert(fields, kind).turns()
    assert refused.value.message == message
