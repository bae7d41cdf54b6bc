"""Requests of the AI SDK's pages arrive as ours, whole; or are refused, with the field's name."""

from typing import Any

import msgspec
import pytest

from chatapp.chat import Chat, Image, Message, Text
from chatapp.dialects.ai_sdk.request import UIChatRequest
from chatapp.errors import InvalidField
from chatapp.events import ToolCall

PIXEL = "data:image/png;base64,AAAA"
CALL = ToolCall("c1", "function", "weather", {"city": "Paris"})
TIME = ToolCall("c2", "function", "time", {})
HI = {"role": "user", "parts": [{"type": "text", "text": "hi"}]}
ANSWER = {
    "id": "msg_1",
    "role": "assistant",
    "parts": [
        {"type": "step-start"},
        {"type": "reasoning", "text": "hm", "state": "done"},
        {"type": "text", "text": "let me see"},
        {
            "type": "dynamic-tool",
            "toolName": "weather",
            "toolCallId": "c1",
            "state": "output-available",
            "input": {"city": "Paris"},
            "output": {"degrees": 7},
        },
        {"type": "tool-time", "toolCallId": "c2", "state": "output-error", "input": {}, "errorText": "no clock"},
        {"type": "data-plan-step", "data": {}},
        {"type": "step-start"},
        {"type": "text", "text": "mild"},
    ],
}


def ui(messages: list[Any], known: bool = False, **more: Any) -> Chat:
    ask = msgspec.convert({"id": "chat", "messages": messages, **more}, UIChatRequest).ask(
        "msg_newest" if known else None
    )
    return ask.chat(ask.model or "", ask.said)


def test_a_page_s_whole_conversation_arrives_with_its_rounds_and_images() -> None:
    picture = {"type": "file", "mediaType": "image/png", "url": PIXEL}
    chat = ui(
        [{"role": "user", "parts": [{"type": "text", "text": "where?"}, picture]}, ANSWER, HI],
        provider="mock",
        model="words",
        thinking=True,
        max_tokens=9,
        temperature=0.5,
    )
    assert chat == Chat(
        model="words",
        thinking=True,
        max_tokens=9,
        temperature=0.5,
        session_id="chat",
        messages=[
            Message("user", [Text("where?"), Image(PIXEL)]),
            Message("assistant", "let me see", tool_calls=[CALL, TIME], reasoning="hm"),
            Message("tool", '{"degrees":7}', tool_call_id="c1"),
            Message("tool", "no clock", tool_call_id="c2", failed=True),
            Message("assistant", "mild"),
            Message("user", "hi"),
        ],
    )


def test_a_file_that_a_model_made_leaves_a_trace_in_the_history() -> None:
    made = {"type": "file", "mediaType": "image/png", "url": "/api/v1/messages/msg_1/files/file_1"}
    source = {"type": "source-url", "sourceId": "src_1", "url": "https://source.test"}
    answer = {"role": "assistant", "parts": [{"type": "text", "text": "Here: "}, source, made]}
    said = ui([answer, {"role": "user", "parts": [{"type": "text", "text": "bluer"}]}]).messages
    assert [(message.role, message.text) for message in said] == [
        ("assistant", "Here: [file: image/png]"),
        ("user", "bluer"),
    ]


def test_of_a_conversation_that_is_kept_only_what_is_new_is_taken() -> None:
    assert ui([HI, ANSWER, HI], known=True).messages == [Message("user", "hi")]
    assert ui([HI], known=True, trigger="regenerate-message").messages == []
    assert ui([HI], trigger="regenerate-message").messages == [Message("user", "hi")]


@pytest.mark.parametrize(
    ("messages", "more", "message"),
    [
        ([], {}, "messages: the last message must have the role user"),
        ([HI, ANSWER], {}, "messages: the last message must have the role user"),
        ([HI], {"known": True, "messageId": "u1"}, "messageId: an earlier message cannot be edited; start a new chat"),
        ([{"role": "user", "parts": []}], {}, "messages[0].parts: must not be empty"),
        (
            [{"role": "user", "parts": [{"type": "file", "mediaType": "audio/mpeg", "url": PIXEL}]}],
            {},
            "messages[0].parts[0].mediaType: 'audio/mpeg' is not supported; use an image, a PDF or text",
        ),
        (
            [{"role": "user", "parts": [{"type": "file", "mediaType": "image/png", "url": "file:///x"}]}],
            {},
            "messages[0].parts[0].url: expected an https: URL, or a data: URL of an image",
        ),
        (
            [{"role": "assistant", "parts": [{"type": "hologram"}]}, HI],
            {},
            "messages[0].parts[0].type: 'hologram' is not supported in an assistant message; use text, reasoning or tool parts",
        ),
        (
            [{"role": "assistant", "parts": [{"type": "tool-time", "state": "output-available"}]}, HI],
            {},
            "messages[0].parts[0].toolCallId: must not be empty",
        ),
    ],
)
def test_what_a_page_cannot_be_answered_is_refused_by_name(messages: Any, more: Any, message: str) -> None:
    with pytest.raises(InvalidField) as refused:
        ui(messages, **more)
    assert refused.value.message == message
