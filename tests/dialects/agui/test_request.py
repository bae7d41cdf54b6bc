"""Requests of AG-UI's front ends arrive as ours, whole; or are refused, with the field's name."""

from typing import Any

import msgspec
import pytest

from chatapp.chat import Chat, Image, Message, Text, ToolSpec
from chatapp.dialects.agui.request import AGUIRequest
from chatapp.errors import InvalidField
from chatapp.events import ToolCall

PIXEL = "data:image/png;base64,AAAA"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
CALL = ToolCall("c1", "function", "weather", {"city": "Paris"})


def agui(messages: list[Any], **more: Any) -> Chat:
    ask = msgspec.convert({"threadId": "t", "runId": "r", "messages": messages, **more}, AGUIRequest).ask()
    return ask.chat(ask.model or "", ask.said)


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
    ("messages", "more", "message"),
    [
        ([], {}, "messages: must not be empty"),
        (
            [{"role": "user", "content": "hi"}],
            {"resume": [{"interruptId": "i"}]},
            "resume: not supported; no run ends with an interrupt",
        ),
        (
            [{"role": "narrator", "content": "hi"}],
            {},
            "messages[0].role: 'narrator' is not supported; use user, assistant, system, developer, tool, reasoning or activity",
        ),
        (
            [{"role": "user", "content": [{"type": "audio"}]}],
            {},
            "messages[0].content[0].type: 'audio' is not supported; use text, image or document parts",
        ),
        (
            [{"role": "user", "content": [{"type": "image", "source": {"type": "disk", "value": "f"}}]}],
            {},
            "messages[0].content[0].source: expected a source of type data, url or file",
        ),
        ([{"role": "user", "content": ""}], {}, "messages[0].content: must not be empty"),
        ([{"role": "tool", "content": "x"}], {}, "messages[0].toolCallId: must not be empty"),
        (
            [{"role": "tool", "content": "x", "toolCallId": "c"}],
            {},
            "messages: tool result for unknown call 'c'; a call must come before its result",
        ),
        (
            [{"role": "assistant", "toolCalls": [{"id": "", "function": {"name": "f"}}]}],
            {},
            "messages[0].toolCalls[0].id: must not be empty",
        ),
        (
            [{"role": "user", "content": "hi"}],
            {"tools": [{"name": "a b"}]},
            "tools[0].name: expected 1 to 128 letters, digits, underscores or hyphens",
        ),
        (
            [{"role": "user", "content": "hi"}],
            {"tools": [{"name": "a"}, {"name": "a"}]},
            "tools[1]: another tool is already named 'a'",
        ),
        (
            [{"role": "reasoning", "content": [{"type": "audio"}]}],
            {},
            "messages[0].content[0].type: 'audio' is not supported; use text, image or document parts",
        ),
        ([{"role": "reasoning", "content": {"a": 1}}], {}, "messages[0].content: expected a string or a list of parts"),
        (
            [
                {
                    "role": "reasoning",
                    "content": [{"type": "image", "source": {"type": "url", "value": "https://a.test"}}],
                }
            ],
            {},
            "messages[0].content: images are not supported in a reasoning message; use text",
        ),
    ],
)
def test_what_an_agent_cannot_be_asked_is_refused_by_name(messages: Any, more: Any, message: str) -> None:
    with pytest.raises(InvalidField) as refused:
        agui(messages, **more)
    assert refused.value.message == message
