"""Requests of chat completions arrive as ours, whole; or are refused, with the field's name."""

from typing import Any

import msgspec
import pytest

from chatapp.chat import AnswerSchema, Chat, Image, Message, Native, Text, ToolSpec
from chatapp.dialects.openai_chat.request import CompletionRequest
from chatapp.errors import InvalidField
from chatapp.events import ToolCall
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.wire.upstream import Upstream

PIXEL = "data:image/png;base64,AAAA"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
CALL = ToolCall("c1", "function", "weather", {"city": "Paris"})


def completion(messages: Any = "hi", **more: Any) -> Chat:
    messages = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    ask = msgspec.convert({"model": "m", "messages": messages, **more}, CompletionRequest).ask()
    return ask.chat(ask.model or "", ask.said)


def offered(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def test_every_field_that_a_provider_takes_reaches_it() -> None:
    asked = completion(
        max_completion_tokens=7, max_tokens=9, temperature=0.5, top_p=0.9, stop="END", seed=3, reasoning_effort="high"
    )
    assert (asked.max_tokens, asked.temperature, asked.top_p, asked.stop, asked.seed) == (7, 0.5, 0.9, ["END"], 3)
    assert asked.thinking is True and asked.model == "m"


def test_what_is_not_said_is_left_to_the_provider() -> None:
    assert completion() == Chat(model="m", messages=[Message("user", "hi")])


def test_the_pictures_of_an_answer_come_back_and_an_address_of_ours_does_not() -> None:
    urls = [PIXEL, "/api/v1/messages/msg_1/files/file_1"]
    drawn = {
        "role": "assistant",
        "content": "Here.",
        "images": [{"type": "image_url", "image_url": {"url": u}} for u in urls],
    }
    asked = {"role": "user", "content": "and blue?"}
    assert completion([drawn, asked]).messages[0] == Message("assistant", [Text("Here."), Image(PIXEL)])
    assert completion([{**drawn, "content": None}, asked]).messages[0] == Message("assistant", [Image(PIXEL)])


@pytest.mark.parametrize(
    ("more", "thinking"),
    [
        ({"reasoning_effort": "minimal"}, False),
        ({"reasoning_effort": "low"}, True),
        ({"thinking": True}, True),
        ({"thinking": {"type": "disabled"}}, False),
    ],
)
def test_thinking_is_switched_in_any_of_the_usual_ways(more: dict[str, Any], thinking: bool) -> None:
    assert completion(**more).thinking is thinking


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"])
def test_an_effort_is_carried_as_it_was_said(effort: str) -> None:
    assert completion(reasoning_effort=effort).effort == effort


def test_an_effort_that_the_switch_contradicts_is_not_carried() -> None:
    assert completion(reasoning_effort="high", thinking=False).effort is None
    assert completion(reasoning_effort="none", thinking=True).effort is None
    assert completion(reasoning_effort="low", thinking={"type": "enabled"}).effort == "low"


def test_an_unknown_effort_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"'banana'.*reasoning_effort"):
        completion(reasoning_effort="banana")


def test_a_whole_conversation_arrives_with_its_calls_results_thinking_and_images() -> None:
    asked = completion(
        [
            {"role": "developer", "content": "be brief"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "where?"},
                    {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "hm",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "7 degrees"}]},
        ]
    )
    assert asked.messages == [
        Message("system", "be brief"),
        Message("user", [Text("where?"), Image(PIXEL)]),
        Message("assistant", "", tool_calls=[CALL], reasoning="hm"),
        Message("tool", "7 degrees", tool_call_id="c1"),
    ]


def test_tools_and_the_choice_of_one_arrive() -> None:
    function = {"name": "weather", "description": "of a city", "parameters": SCHEMA, "strict": True}
    choice = {"type": "function", "function": {"name": "weather"}}
    chat = completion(tools=[{"type": "function", "function": function}], tool_choice=choice)
    assert chat.tools == [ToolSpec("weather", "of a city", SCHEMA, strict=True)] and chat.tool_choice == "weather"
    assert completion(tool_choice="required").tool_choice == "required"


def test_that_calls_come_one_at_a_time_arrives() -> None:
    assert completion().parallel_tools and completion(parallel_tool_calls=True).parallel_tools
    assert not completion(parallel_tool_calls=False).parallel_tools


def test_the_shape_of_the_answer_arrives_whole() -> None:
    shape = {"name": "x", "description": "y", "schema": SCHEMA, "strict": True}
    asked = completion(response_format={"type": "json_schema", "json_schema": shape})
    assert asked.schema == AnswerSchema(SCHEMA, "x", "y", strict=True)
    assert completion(response_format={"type": "json_schema", "json_schema": {"schema": SCHEMA}}).schema.strict is None


def test_what_only_a_provider_understands_comes_back_with_the_name_of_that_one() -> None:
    extra, details = {"google": {"thought_signature": "sig"}}, [{"type": "reasoning.encrypted", "data": "sealed"}]
    call = {"id": "c1", "type": "function", "function": {"name": "weather"}, "extra_content": extra}
    turn = {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_details": details}
    told = [{"tool_call": "c1", "extra_content": extra}, {"reasoning_details": details}]
    for more, provider in (({"provider": "up"}, "up"), ({}, "")):
        assert completion([turn | more]).messages[0].native == Native("openai", told, provider)


def test_json_of_any_shape_is_no_schema() -> None:
    asked = completion(response_format={"type": "json_object"})
    assert asked.json_mode and asked.schema is None
    text = completion(response_format={"type": "text"})
    assert text.schema is None and not text.json_mode


def test_how_long_the_answer_is_to_be_arrives() -> None:
    assert completion(verbosity="low").verbosity == "low"
    assert completion().verbosity is None


def test_fields_that_say_the_default_and_unknown_ones_are_taken() -> None:
    completion(n=1, logprobs=False, frequency_penalty=0, logit_bias={}, modalities=["text"], user="ann", whatever=1)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"n": 2}, "n: not supported; send one request for each answer"),
        ({"logprobs": True}, "logprobs: not supported"),
        ({"presence_penalty": 1}, "presence_penalty: not supported"),
        ({"modalities": ["text", "audio"]}, "modalities: not supported; use [\"text\"]"),
        ({"functions": [{"name": "f"}]}, "functions: not supported; use tools"),
        ({"web_search_options": {}}, "web_search_options: not supported"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type: 'custom' is not supported; use function"),
        ({"tools": [{"type": "function"}]}, "tools[0].function: must not be empty"),
        ({"tools": [offered("")]}, "tools[0].function.name: expected 1 to 128 letters, digits, underscores or hyphens"),
        ({"tools": [offered("a"), offered("a b")]}, "tools[1].function.name: expected 1 to 128 letters, digits, underscores or hyphens"),
        ({"tools": [offered("x" * 200)]}, "tools[0].function.name: expected 1 to 128 letters, digits, underscores or hyphens"),
        ({"tools": [offered("a"), offered("b"), offered("a")]}, "tools[2]: another tool is already named 'a'"),
        ({"tool_choice": {"type": "function", "function": {"name": "nope"}}}, "tool_choice: unknown tool 'nope'; name one of those in tools"),
        ({"tool_choice": {"type": "custom"}}, "tool_choice: type 'custom' is not supported; use function"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function: must not be empty"),
        ({"tool_choice": "perhaps"}, "tool_choice: expected auto, none, required or a function"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema: must not be empty"),
        ({"messages": []}, "messages: must not be empty"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages[0].content: must not be empty"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id: must not be empty"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "c"}]}, "messages: tool result for unknown call 'c'; a call must come before its result"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "type": "custom"}]}]},
            "messages[0].tool_calls[0].function: missing; only function calls are supported",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "", "function": {"name": "f"}}]}]},
            "messages[0].tool_calls[0].id: must not be empty",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": ""}}]}]},
            "messages[0].tool_calls[0].function.name: must not be empty",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content[0].type: 'input_audio' is not supported; use text, image or file parts"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///x"}}]}]},
            "messages[0].content[0].image_url: expected an https: URL, or a data: URL of an image",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "["}}]}]},
            "messages[0].tool_calls[0].function.arguments: expected a JSON object, as a string",
        ),
    ],
)  # fmt: skip
def test_what_a_completion_cannot_carry_is_refused_by_name(more: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidField) as refused:
        completion(more.pop("messages", "hi"), **more)
    assert refused.value.message == message


def test_several_people_keep_their_names() -> None:
    said = [{"role": "user", "name": name, "content": "hi"} for name in ("ann", "bob")]
    asked = completion(said)
    assert [message.name for message in asked.messages] == ["ann", "bob"]
    adapter = OpenAIChat("acme", Upstream(), "https://api.openai.com/v1")
    assert [message["name"] for message in (adapter.request(asked).body or {})["messages"]] == ["ann", "bob"]  # type: ignore[attr-defined]
    merged = (OpenAIChat("acme", Upstream(), "http://127.0.0.1:1").request(asked).body or {})["messages"]
    assert merged == [{"role": "user", "content": "hi\n\nhi"}], "a name must not speak for another"


def test_only_the_tools_that_are_allowed_may_be_called() -> None:
    chosen = {"type": "function", "function": {"name": "b"}}
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [chosen]}}
    asked = completion(tools=[offered("a"), offered("b")], tool_choice=choice)
    assert [tool.name for tool in asked.tools] == ["b"] and asked.tool_choice == "required"
    choice["allowed_tools"]["tools"] = [{"type": "function", "function": {"name": "c"}}]  # type: ignore[index]
    with pytest.raises(InvalidField, match=r"tool_choice.allowed_tools.tools\[0\]: unknown tool 'c'"):
        completion(tools=[offered("a")], tool_choice=choice)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (
            {"allowed_tools": {"mode": "required", "tools": []}},
            "tool_choice.allowed_tools.tools: must not be empty if mode is required; name a tool, or use auto",
        ),
        (
            {"allowed_tools": {"tools": [{"type": "allowed_tools", "allowed_tools": {"mode": "required"}}]}},
            "tool_choice.allowed_tools.tools[0]: type 'allowed_tools' is not supported; use function",
        ),
        (
            {"mode": "required", "tools": []},
            "tool_choice.allowed_tools: missing; expected an object with mode and tools",
        ),
    ],
)
def test_allowed_tools_that_say_nothing_are_refused_by_name(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidField) as refused:
        completion(tools=[offered("a")], tool_choice={"type": "allowed_tools", **choice})
    assert refused.value.message == message


def test_no_tool_may_be_called_if_none_is_allowed() -> None:
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}
    assert completion(tools=[offered("a")], tool_choice=choice).tools == []


def test_a_refusal_that_comes_back_is_what_was_said() -> None:
    turn = {"role": "assistant", "content": None, "refusal": "I cannot."}
    assert completion([turn, {"role": "user", "content": "so?"}]).messages[0] == Message("assistant", "I cannot.")
