"""What Anthropic's clients ask arrives as ours, whole; or is refused, with the field's name."""

from typing import Any

import msgspec
import pytest

from chatapp.chat import AnswerSchema, Chat, Image, Message, Native, Text, ToolSpec
from chatapp.dialects.anthropic.events import SIGNATURE
from chatapp.dialects.anthropic.request import MessagesRequest
from chatapp.errors import InvalidField
from chatapp.events import ToolCall
from chatapp.providers.anthropic.adapter import Anthropic

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
CALL = ToolCall("c1", "function", "weather", {"city": "Paris"})
PIXEL = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
USE = {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Paris"}}
TOOL = {"name": "weather", "description": "of a city", "input_schema": SCHEMA}


def asked(messages: Any = "hi", **more: Any) -> Chat:
    messages = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    ask = msgspec.convert({"model": "m", "messages": messages, **more}, MessagesRequest).ask()
    return ask.chat(ask.model or "", ask.said)


def said(*blocks: Any) -> list[Any]:
    return [{"role": "user", "content": list(blocks)}]


def test_every_field_that_a_provider_takes_reaches_it() -> None:
    chat = asked(max_tokens=7, temperature=0.5, top_p=0.9, stop_sequences=["END"], thinking={"type": "adaptive"})
    assert (chat.max_tokens, chat.temperature, chat.top_p, chat.stop, chat.thinking) == (7, 0.5, 0.9, ["END"], True)
    assert asked(thinking={"type": "enabled", "budget_tokens": 2000}).thinking is True
    assert asked(thinking={"type": "disabled"}).thinking is False
    shaped = asked(output_config={"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}})
    assert shaped.schema == AnswerSchema(SCHEMA, strict=True)


@pytest.mark.parametrize(
    ("thinking", "said", "effort"),
    [
        ({"type": "enabled", "budget_tokens": 1024}, None, "low"),
        ({"type": "enabled", "budget_tokens": 10000}, None, "medium"),
        ({"type": "enabled", "budget_tokens": 32000}, None, "high"),
        ({"type": "adaptive"}, None, None),
        ({"type": "adaptive"}, "max", "max"),
        ({"type": "enabled", "budget_tokens": 1024}, "high", "high"),
        ({"type": "disabled"}, "high", None),
        (None, "high", None),
    ],
)
def test_how_much_to_think_is_carried_as_an_effort(thinking: Any, said: str | None, effort: str | None) -> None:
    assert asked(thinking=thinking, output_config={"effort": said}).effort == effort


def test_an_unknown_effort_or_switch_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"'banana'.*output_config\.effort"):
        asked(output_config={"effort": "banana"})
    with pytest.raises(msgspec.ValidationError, match=r"'banana'.*thinking\.type"):
        asked(thinking={"type": "banana"})


def test_strict_tools_and_that_calls_come_one_at_a_time_arrive() -> None:
    chat = asked(tools=[{**TOOL, "strict": True}], tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    assert (chat.tools[0].strict, chat.parallel_tools, chat.tool_choice) == (True, False, "auto")
    assert asked(tools=[TOOL], tool_choice={"type": "auto"}).parallel_tools


def test_what_is_not_said_is_left_to_the_provider() -> None:
    assert asked() == Chat(model="m", messages=[Message("user", "hi")])
    asked(metadata={"user_id": "a"}, service_tier="auto", cache_control={"type": "ephemeral"}, whatever=1)


def test_a_whole_conversation_arrives_with_its_calls_results_thinking_and_images() -> None:
    chat = asked(
        [
            {"role": "user", "content": [{"type": "text", "text": "where?", "cache_control": {"type": "ephemeral"}}, PIXEL]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": SIGNATURE},
                    {"type": "text", "text": "let me see"},
                    USE,
                    {**USE, "id": "c2"},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "7 degrees"}, PIXEL]},
                    {"type": "tool_result", "tool_use_id": "c2", "is_error": True, "content": "no clock"},
                    {"type": "text", "text": "well?"},
                ],
            },
            {"role": "system", "content": "be kind"},
            {"role": "assistant", "content": "It is"},
        ],
        system=[{"type": "text", "text": "be"}, {"type": "text", "text": "brief"}],
    )  # fmt: skip
    image = Image("data:image/png;base64,AAAA")
    assert chat.messages == [
        Message("system", "be\n\nbrief"),
        Message("user", [Text("where?"), image]),
        Message("assistant", "let me see", tool_calls=[CALL, msgspec.structs.replace(CALL, id="c2")], reasoning="hm"),
        Message("tool", [Text("7 degrees"), image], tool_call_id="c1"),
        Message("tool", "no clock", tool_call_id="c2", failed=True),
        Message("user", "well?"),
        Message("system", "be kind"),
        Message("assistant", "It is"),
    ]


def test_thinking_that_anthropic_signed_goes_back_to_it_as_it_came() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "EqQB"}
    hidden = {"type": "redacted_thinking", "data": "xyz"}
    chat = asked([{"role": "user", "content": "hi"}, {"role": "assistant", "content": [thinking, hidden, USE]}])
    assert chat.messages[1] == Message(
        "assistant", "", tool_calls=[CALL], reasoning="hm", native=Native("anthropic", [thinking, hidden, USE])
    )


def test_an_anthropic_provider_is_told_the_thinking_that_it_signed_and_no_other() -> None:
    ours = {"type": "thinking", "thinking": "hm", "signature": SIGNATURE}
    theirs = {"type": "thinking", "thinking": "ah", "signature": "EqQB"}
    adapter = Anthropic("acme", None, "http://acme.test")  # type: ignore[arg-type]
    for thinking, told in ((ours, []), (theirs, [theirs])):
        chat = asked([{"role": "user", "content": "hi"}, {"role": "assistant", "content": [thinking, USE]}])
        body: Any = adapter.request(chat).body
        assert body["messages"][1]["content"] == [*told, USE]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [(None, "auto"), ("auto", "auto"), ("any", "required"), ("none", "none"), ("tool", "weather")],
)
def test_tools_and_the_choice_of_one_arrive(choice: str | None, expected: str) -> None:
    given = {"type": choice, "name": "weather", "disable_parallel_tool_use": True} if choice else None
    chat = asked(tools=[TOOL], tool_choice=given)
    assert chat.tools == [ToolSpec("weather", "of a city", SCHEMA)] and chat.tool_choice == expected


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"top_k": 5}, "top_k: not supported; use top_p"),
        ({"container": "c"}, "container: not supported"),
        ({"mcp_servers": [{}]}, "mcp_servers: not supported; use tools, which the client runs"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools[0].type: 'bash_20250124' is not supported; use custom tools"),
        ({"tools": [{"type": "web_search_20250305", "name": 7}]}, "tools[0].name: Expected `str`, got `int`"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "nope"}}, "tool_choice: unknown tool 'nope'; name one of those in tools"),
        ({"tools": [TOOL, {"name": "a b"}]}, "tools[1].name: expected 1 to 128 letters, digits, underscores or hyphens"),
        ({"tools": [TOOL, TOOL]}, "tools[1]: another tool is already named 'weather'"),
        ({"messages": [{"role": "assistant", "content": [{**USE, "id": ""}]}]}, "messages[0].content[0].id: must not be empty"),
        ({"messages": [{"role": "assistant", "content": [{**USE, "name": None}]}]}, "messages[0].content[0].name: must not be empty"),
        ({"messages": said({"type": "tool_result", "tool_use_id": "c1", "content": "7"})}, "messages: tool result for unknown call 'c1'; a call must come before its result"),
        ({"messages": []}, "messages: must not be empty"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages[0].content: must not be empty"),
        ({"messages": said()}, "messages[0].content: must not be empty"),
        ({"messages": said({"type": "container_upload"})}, "messages[0].content[0].type: 'container_upload' is not supported; use text, image or document blocks"),
        ({"messages": said({"type": "image", "source": {"type": "disk", "path": "f"}})}, "messages[0].content[0].source: expected an image in base64, or an https: URL of one"),
        ({"messages": said({"type": "image"})}, "messages[0].content[0].source: expected an image in base64, or an https: URL of one"),
        ({"thread": {"type": "continue"}}, "thread.previous_message_id: required when type is 'continue'"),
        ({"messages": said({"type": "tool_result"})}, "messages[0].content[0].tool_use_id: must not be empty"),
        ({"messages": [{"role": "assistant", "content": [PIXEL]}]}, "messages[0].content[0].type: 'image' is not supported in an assistant message; use text, thinking, redacted_thinking or tool_use"),
        ({"system": [PIXEL]}, "system[0].type: 'image' is not supported; use text"),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_is_refused_by_name(more: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidField) as refused:
        asked(more.pop("messages", "hi"), **more)
    assert refused.value.message == message


def test_the_result_of_a_call_in_an_earlier_message_of_a_thread_is_taken() -> None:
    thread = {"type": "continue", "previous_message_id": "msg_1"}
    chat = asked(said({"type": "tool_result", "tool_use_id": "c1", "content": "7"}), thread=thread)
    assert chat.messages == [Message("tool", "7", tool_call_id="c1")]


def test_a_deferred_tool_is_offered_once_the_client_s_search_has_found_it() -> None:
    """As Claude Code does it: the tool that searches is its own."""
    tools = [TOOL, {**TOOL, "name": "later", "defer_loading": True}, {**TOOL, "name": "never", "defer_loading": True}]
    found = [{"type": "tool_reference", "tool_name": "later"}]
    searched = [
        {"role": "user", "content": "Paris"},
        {"role": "assistant", "content": [USE]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": found}]},
    ]
    assert [tool.name for tool in asked(tools=tools).tools] == ["weather"]
    chat = asked(searched, tools=tools)
    assert [tool.name for tool in chat.tools] == ["weather", "later"]
    assert chat.messages[-1].text == "The tool later can be called now.\n"
    with pytest.raises(InvalidField, match=r"^messages\[2\].content\[0\].content\[0\].tool_name: "):
        del found[0]["tool_name"]
        asked(searched)
