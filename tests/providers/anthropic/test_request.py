"""The request of Anthropic's Messages API."""

import msgspec
import pytest
from providers.chats import ASKED, CALLED, PLAIN, PNG, RESULTS, SCHEMA, SEEN, SET, SHAPED, THERE, TOOLS, TURNS, body

from chatapp.chat import Chat, Message, Native
from chatapp.providers.anthropic.adapter import Anthropic


def test_blocks():
    sent = body(Anthropic, TOOLS)

    assert sent["system"] == "s"
    assert sent["max_tokens"] > 0  # a required field
    assert sent["tools"] == [{"name": "weather", "description": "The weather", "input_schema": SCHEMA}]
    assert sent["tool_choice"] == {"type": "auto"}
    assert sent["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Łódź"}},
                {"type": "tool_use", "id": "c2", "name": "time", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "mild"}]},
                {
                    "type": "tool_result",
                    "tool_use_id": "c2",
                    "content": [{"type": "text", "text": "no clock"}],
                    "is_error": True,
                },
            ],
        },
    ]


def test_images_and_what_is_set():
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    assert body(Anthropic, SEEN)["messages"][0]["content"][1] == {"type": "image", "source": source}
    there = Chat(model="m", messages=[Message("user", [THERE])])
    source = {"type": "url", "url": THERE.url}
    assert body(Anthropic, there)["messages"][0]["content"] == [{"type": "image", "source": source}]
    sent = body(Anthropic, msgspec.structs.replace(SET, stop=["."]))
    assert (sent["max_tokens"], sent["stop_sequences"], sent["top_p"]) == (5, ["."], 0.9)
    assert body(Anthropic, SHAPED)["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}


def test_turns_take_turns():
    sent = body(Anthropic, TURNS)["messages"]

    assert [message["role"] for message in sent] == ["user", "assistant", "user"]


@pytest.mark.parametrize(
    ("asked", "budget", "whole"), [(None, 8192, 16384), (4000, 2000, 4000), (1025, 1024, 1025), (30000, 8192, 30000)]
)
def test_a_budget_leaves_room_for_the_answer(asked, budget, whole):
    chat = msgspec.structs.replace(PLAIN, model="claude-sonnet-4-5", thinking=True, max_tokens=asked)
    sent = body(Anthropic, chat)
    assert (sent["thinking"]["budget_tokens"], sent["max_tokens"]) == (budget, whole)


def test_a_turn_that_another_began_goes_on_without_a_budget():
    chat = msgspec.structs.replace(TOOLS, model="claude-sonnet-4-5", thinking=True)
    signed = msgspec.structs.replace(CALLED, native=Native("anthropic", [{"type": "thinking", "signature": "s"}]))
    own = msgspec.structs.replace(chat, messages=[ASKED, signed, *RESULTS])

    assert "thinking" not in body(Anthropic, chat)
    assert "thinking" in body(Anthropic, own)
    assert "thinking" in body(Anthropic, msgspec.structs.replace(chat, model="claude-opus-4-7"))
    assert "thinking" in body(Anthropic, msgspec.structs.replace(chat, messages=[*chat.messages, ASKED]))
