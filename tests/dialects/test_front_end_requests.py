"""What the AI SDK's and AG-UI's front ends ask arrives as ours, whole; or is refused, with the field's name."""

from typing import Any

import msgspec
import pytest

from chatapp.chat import Ask, Chat, Image, Message, Text, ToolSpec
from chatapp.dialects.agui.request import AGUIRequest
from chatapp.dialects.ai_sdk.request import UIChatRequest
from chatapp.errors import InvalidField
from chatapp.events import ToolCall

PIXEL = "data:image/png;base64,AAAA"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
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


def chat_of(ask: Ask) -> Chat:
    """What the provider gets, without a history."""
    return ask.chat(ask.model or "", ask.said)


def ui(messages: list[Any], known: bool = False, **more: Any) -> Chat:
    asked = msgspec.convert({"id": "chat", "messages": messages, **more}, UIChatRequest)
    return chat_of(asked.ask("msg_newest" if known else None))


def agui(messages: list[Any], **more: Any) -> Chat:
    return chat_of(msgspec.convert({"threadId": "t", "runId": "r", "messages": messages, **more}, AGUIRequest).ask())


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


def test_of_a_conversation_that_is_kept_only_what_is_new_is_taken() -> None:
    assert ui([HI, ANSWER, HI], known=True).messages == [Message("user", "hi")]
    assert ui([HI], known=True, trigger="regenerate-message").messages == []
    assert ui([HI], trigger="regenerate-message").messages == [Message("user", "hi")]


@pytest.mark.parametrize(
    ("messages", "more", "field"),
    [
        ([], {}, "messages"),
        ([HI, ANSWER], {}, "messages"),
        ([HI], {"known": True, "messageId": "u1"}, "messageId"),
        ([{"role": "user", "parts": []}], {}, "messages[0].parts"),
        (
            [{"role": "user", "parts": [{"type": "file", "mediaType": "text/csv", "url": PIXEL}]}],
            {},
            "messages[0].parts[0].type",
        ),
        (
            [{"role": "user", "parts": [{"type": "file", "mediaType": "image/png", "url": "file:///x"}]}],
            {},
            "messages[0].parts[0].url",
        ),
        (
            [{"role": "assistant", "parts": [{"type": "file", "mediaType": "image/png", "url": PIXEL}]}, HI],
            {},
            "messages[0].parts[0].type",
        ),
        (
            [{"role": "assistant", "parts": [{"type": "tool-time", "state": "output-available"}]}, HI],
            {},
            "messages[0].parts[0].toolCallId",
        ),
    ],
)
def test_what_a_page_cannot_be_answered_is_refused_by_name(messages: Any, more: Any, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        ui(messages, **more)
    assert refused.value.message.startswith(f"{field}: ")


def test_an_agent_s_whole_conversation_arrives_with_its_tools_and_surroundings() -> None:
    function = {"name": "weather", "arguments": '{"city": "Paris"}'}
    chat = agui(
        [
            {"id": "1", "role": "developer", "content": "be brief"},
            {
                "id": "2",
                "role": "user",
                "content": [
                    {"type": "text", "text": "where?"},
                    {"type": "image", "source": {"type": "data", "mimeType": "image/png", "value": "AAAA"}},
                ],
            },
            {"id": "3", "role": "activity", "activityType": "x", "content": {"a": 1}},
            {"id": "4", "role": "reasoning", "content": "hm"},
            {"id": "5", "role": "assistant", "toolCalls": [{"id": id, "function": function} for id in ("c1", "c2")]},
            {"id": "6", "role": "tool", "toolCallId": "c1", "content": "7 degrees"},
            {"id": "7", "role": "tool", "toolCallId": "c2", "content": "", "error": "no clock"},
        ],
        tools=[{"name": "weather", "description": "of a city", "parameters": SCHEMA}],
        context=[{"description": "the page", "value": "a map"}],
        state={"whatever": 1},
        forwardedProps={"model": "words", "thinking": False, "whatever": 1},
    )
    assert chat == Chat(
        model="words",
        thinking=False,
        tools=[ToolSpec("weather", "of a city", SCHEMA)],
        messages=[
            Message("system", "the page: a map"),
            Message("system", "be brief"),
            Message("user", [Text("where?"), Image(PIXEL)]),
            Message("assistant", "", tool_calls=[CALL, msgspec.structs.replace(CALL, id="c2")], reasoning="hm"),
            Message("tool", "7 degrees", tool_call_id="c1"),
            Message("tool", "no clock", tool_call_id="c2", failed=True),
        ],
    )


def test_an_agent_s_thinking_in_parts_arrives_as_text() -> None:
    parts = [{"type": "text", "text": "h"}, {"type": "text", "text": "m"}]
    chat = agui([{"role": "reasoning", "content": parts}, {"role": "assistant", "content": "yes"}])
    assert chat.messages == [Message("assistant", "yes", reasoning="hm")]


@pytest.mark.parametrize(
    ("messages", "more", "field"),
    [
        ([], {}, "messages"),
        ([{"role": "user", "content": "hi"}], {"resume": [{"interruptId": "i"}]}, "resume"),
        ([{"role": "narrator", "content": "hi"}], {}, "messages[0].role"),
        ([{"role": "user", "content": [{"type": "audio"}]}], {}, "messages[0].content[0].type"),
        ([{"role": "user", "content": ""}], {}, "messages[0].content"),
        ([{"role": "tool", "content": "x"}], {}, "messages[0].toolCallId"),
        ([{"role": "tool", "content": "x", "toolCallId": "c"}], {}, "messages"),
        (
            [{"role": "assistant", "toolCalls": [{"id": "", "function": {"name": "f"}}]}],
            {},
            "messages[0].toolCalls[0].id",
        ),
        ([{"role": "user", "content": "hi"}], {"tools": [{"name": "a b"}]}, "tools[0].name"),
        ([{"role": "user", "content": "hi"}], {"tools": [{"name": "a"}, {"name": "a"}]}, "tools[1]"),
        ([{"role": "reasoning", "content": [{"type": "audio"}]}], {}, "messages[0].content[0].type"),
        ([{"role": "reasoning", "content": {"a": 1}}], {}, "messages[0].content"),
        (
            [
                {
                    "role": "reasoning",
                    "content": [{"type": "image", "source": {"type": "url", "value": "https://a.test"}}],
                }
            ],
            {},
            "messages[0].content",
        ),
    ],
)
def test_what_an_agent_cannot_be_asked_is_refused_by_name(messages: Any, more: Any, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        agui(messages, **more)
    assert refused.value.message.startswith(f"{field}: ")
