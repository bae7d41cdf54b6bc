"""OpenRouter's details of a model's reasoning: joined, sent back, and never an error."""

import json

import msgspec
import pytest
from providers.chats import body

from chatapp.chat import Chat, Message, Native
from chatapp.events import ToolCall
from chatapp.providers import Finished
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_chat.reasoning_details import ReasoningDetails

OPENROUTER = "https://openrouter.ai/api/v1"
PIECES = [
    {"type": "reasoning.text", "text": "h", "index": 0, "signature": None},
    {"type": "reasoning.text", "text": "m", "index": 0, "signature": "sig"},
    {"type": "reasoning.encrypted", "data": "sealed", "index": 1},
]
WHOLE = [{"type": "reasoning.text", "text": "hm", "index": 0, "signature": "sig"}, PIECES[2]]


def taken(*pieces):
    details = ReasoningDetails()
    for piece in pieces:
        details.take(msgspec.Raw(json.dumps(piece).encode()), "acme")
    return details.whole


def called(**delta):
    """A stream that says this and then calls a tool."""
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    deltas = [delta, {"tool_calls": [call]}]
    chunks = [{"choices": [{"delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)


def test_pieces_of_one_detail_are_joined():
    assert taken(PIECES) == taken(*([piece] for piece in PIECES)) == WHOLE


def test_encrypted_details_are_kept_apart():
    sealed = PIECES[2]
    assert taken([sealed], [sealed]) == [sealed, sealed]


@pytest.mark.parametrize("details", [7, {"a": 1}, ["x", 3], "x", []])
def test_something_else_under_their_name_is_nothing(details):
    assert taken(details) == []


def test_they_come_with_the_reply_that_calls_a_tool(upstream, read):
    openrouter = OpenAIChat("openrouter", upstream, OPENROUTER, thinking="openrouter")
    reading = read(openrouter, called(reasoning="hm", reasoning_details=PIECES))

    assert reading.reasoning == "hm"
    assert reading.native == Native("openai", [{"reasoning_details": WHOLE}], "openrouter")


@pytest.mark.parametrize("details", [7, {"a": 1}, ["x", 3], "x"])
def test_something_else_under_their_name_is_no_error(upstream, read, details):
    openrouter = OpenAIChat("openrouter", upstream, OPENROUTER)
    assert read(openrouter, called(reasoning_details=details)).finish == Finished("stop")


def test_they_go_back_to_their_provider_instead_of_the_reasoning():
    call = ToolCall("a", "function", "f", {})
    native = Native("openai", [{"reasoning_details": taken(PIECES)}], "acme")
    turn = Message("assistant", "", tool_calls=[call], reasoning="hm", native=native)
    chat = Chat(model="m", messages=[turn, Message("tool", "1", tool_call_id="a")])

    sent = body(OpenAIChat, chat, base_url=OPENROUTER, thinking="openrouter")["messages"][0]
    assert sent["reasoning_details"] == WHOLE and "reasoning" not in sent
    others = [msgspec.structs.replace(turn, native=msgspec.structs.replace(native, provider="another"))]
    assert "reasoning_details" not in body(OpenAIChat, Chat(model="m", messages=others))["messages"][0]
