"""Tools of every kind reach a provider as functions, and calls come back in the client's own words."""

import json
from typing import Any

import msgspec
import pytest
from openresponses import check_event, needs_specification

from chatapp.chat import Ask, Message
from chatapp.dialects.openai_responses.events import ResponsesDialect
from chatapp.dialects.openai_responses.items import free_text
from chatapp.dialects.openai_responses.request import ResponseRequest
from chatapp.dialects.openai_responses.request_tools import NAME_CHARS, flat_name
from chatapp.errors import InvalidField, NotFound
from chatapp.events import RunEnd, RunStart, StreamEvent, Timing, ToolCall, ToolInputDelta, Usage

START = RunStart("msg_1", "trace", "mock", "words", "disabled", 7.9)
STOP = RunEnd("stop", Usage(1, 2, 3), Timing())
SCHEMA = {"type": "object", "properties": {"target": {"type": "string"}}}
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: begin_patch"}
FUNCTION = {"type": "function", "name": "exec", "description": "runs", "parameters": SCHEMA, "strict": False}
TOOLS: list[dict[str, Any]] = [
    FUNCTION,
    {"type": "custom", "name": "apply_patch", "description": "patches", "format": GRAMMAR},
    {"type": "namespace", "name": "agents", "tools": [{"type": "function", "name": "close", "parameters": SCHEMA}]},
    {"type": "namespace", "name": "mcp__time__", "tools": [{"type": "custom", "name": "now"}]},
    {"type": "namespace", "name": "functions", "tools": [{"type": "function", "name": "plan"}]},
    {"type": "tool_search", "execution": "client", "description": "searches", "parameters": SCHEMA},
    {"type": "tool_search"},
    {"type": "web_search", "external_web_access": True},
    {"type": "mcp", "server_label": "x", "server_url": "https://x.test"},
]
NAMES = ["exec", "apply_patch", "agents__close", "mcp__time__now", "plan", "tool_search"]


def asked(given: Any = "hi", **more: Any) -> Ask:
    return msgspec.convert({"model": "m", "input": given, **more}, ResponseRequest).ask()


def items(ask: Ask, *calls: ToolCall) -> list[dict[str, Any]]:
    """The output items of a reply with these calls, each of which came in pieces."""
    dialect = ResponsesDialect(ask.repeated, [tool["name"] for tool in ask.repeated["tools"]])  # type: ignore[attr-defined]
    events: list[StreamEvent] = [START]
    for call in calls:
        text = json.dumps(call.arguments)
        events += [ToolInputDelta(call.id, call.name, text[:4]), ToolInputDelta(call.id, call.name, text[4:]), call]
    frames = [frame for event in (*events, STOP) for frame in dialect.encode(event)]
    told = [json.loads(frame.data) for frame in frames[:-1]]
    done = [event["item"] for event in told if event["type"] == "response.output_item.done"]
    assert told[-1]["response"]["output"] == done
    return done


def called(name: str, **arguments: Any) -> ToolCall:
    return ToolCall("c1", "function", name, arguments)


def test_a_provider_is_told_of_functions_only_and_of_each_one_once() -> None:
    ask = asked(tools=TOOLS)
    assert [tool.name for tool in ask.options.tools] == NAMES
    assert [tool["name"] for tool in ask.repeated["tools"]] == NAMES  # type: ignore[attr-defined]
    patch = ask.options.tools[1]
    assert patch.custom == GRAMMAR and "start: begin_patch" in patch.description
    assert patch.parameters["required"] == ["input"]


def test_what_the_provider_runs_itself_is_told_as_it_came() -> None:
    hosted = asked(tools=TOOLS).options.hosted
    assert [(tool.protocol, tool.type) for tool in hosted] == [
        ("openai-responses", "web_search"),
        ("openai-responses", "mcp"),
    ]
    assert [tool.json for tool in hosted] == TOOLS[-2:]


def test_calls_come_back_with_name_and_namespace_apart() -> None:
    ask = asked(tools=TOOLS)
    (item,) = items(ask, called("agents__close", target="a"))
    assert (item["type"], item["name"], item["namespace"]) == ("function_call", "close", "agents")
    assert json.loads(item["arguments"]) == {"target": "a"}
    (item,) = items(ask, called("mcp__time__now", input="UTC"))
    assert (item["type"], item["name"], item["namespace"]) == ("custom_tool_call", "now", "mcp__time__")
    (item,) = items(ask, called("plan"))
    assert item["name"] == "plan" and "namespace" not in item
    (item,) = items(ask, called("exec"))
    assert item["name"] == "exec" and "namespace" not in item


def test_a_call_with_free_text_comes_back_as_the_text() -> None:
    (item,) = items(asked(tools=TOOLS), called("apply_patch", input="*** Begin Patch\n+é"))
    assert item["type"] == "custom_tool_call" and item["input"] == "*** Begin Patch\n+é" and item["call_id"] == "c1"


def test_the_tool_search_of_the_client_comes_back_with_its_arguments_as_an_object() -> None:
    (item,) = items(asked(tools=TOOLS), called("tool_search", query="time"))
    assert item["type"] == "tool_search_call" and item["execution"] == "client"
    assert item["arguments"] == {"query": "time"} and item["call_id"] == "c1"


@needs_specification
def test_calls_of_functions_in_a_namespace_follow_the_specification() -> None:
    ask = asked(tools=[FUNCTION, TOOLS[2], {"type": "web_search"}], tool_choice={"type": "function", "name": "exec"})
    dialect = ResponsesDialect(ask.repeated, None)
    for event in (START, called("agents__close", target="a"), STOP):
        for frame in dialect.encode(event):
            if frame.data != "[DONE]":
                check_event(json.loads(frame.data))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"input": "a"}', "a"),
        ('{"patch": "a"}', "a"),
        ('{"a": "x", "b": "y"}', '{"a": "x", "b": "y"}'),
        ("*** Begin Patch", "*** Begin Patch"),
        ("{}", ""),
    ],
)
def test_a_model_may_say_the_text_in_several_ways(arguments: str, text: str) -> None:
    assert free_text(arguments) == text


def test_what_the_client_sends_back_names_the_tools_as_the_provider_knows_them() -> None:
    history = [
        {"role": "user", "content": "hi"},
        {"type": "function_call", "call_id": "a", "namespace": "agents", "name": "close", "arguments": '{"target": "x"}'},
        {"type": "function_call_output", "call_id": "a", "output": "closed"},
        {"type": "custom_tool_call", "call_id": "b", "name": "apply_patch", "input": "*** Begin Patch"},
        {"type": "custom_tool_call_output", "call_id": "b", "output": "patched"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}},
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "function_call", "call_id": "c", "namespace": "gone", "name": "by", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "7"}]},
    ]  # fmt: skip
    said = asked(history, tools=TOOLS).said
    assert [(call.name, call.arguments) for message in said for call in message.tool_calls] == [
        ("agents__close", {"target": "x"}),
        ("apply_patch", {"input": "*** Begin Patch"}),
        ("gone__by", {}),
    ]
    assert [message.text for message in said if message.role == "tool"] == ["closed", "patched", "7"]
    assert said[5].reasoning == "hm"


def test_calls_that_openai_made_itself_are_passed_over_whatever_their_fields() -> None:
    served = [
        {"type": "mcp_list_tools", "id": "a", "server_label": "x", "tools": [{"name": "f", "input_schema": {}}]},
        {"type": "mcp_call", "id": "b", "name": "f", "arguments": "{}", "output": None, "error": {"code": 1}},
        {"type": "code_interpreter_call", "id": "c", "code": "1", "outputs": [{"type": "logs"}]},
        {"type": "computer_call_output", "call_id": "d", "output": {"type": "computer_screenshot"}},
        {"type": "image_generation_call", "id": "e", "result": None, "name": None, "input": None},
    ]
    assert asked([*served, {"role": "user", "content": "hi"}]).said == [Message("user", "hi")]
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": None}
    with pytest.raises(InvalidField, match=r"input\[1\].output: expected a text"):
        asked([call, {"type": "function_call_output", "call_id": "c", "output": {"a": 1}}])


def test_tools_that_the_search_found_are_offered_from_then_on() -> None:
    found = {"type": "namespace", "name": "agents", "tools": [{"type": "function", "name": "spawn"}]}
    history = [
        {"role": "user", "content": "hi"},
        {"type": "tool_search_call", "call_id": "s", "execution": "client", "arguments": {"query": "agents"}},
        {"type": "tool_search_output", "call_id": "s", "execution": "client", "tools": [found, TOOLS[2]]},
        {"type": "tool_search_call", "call_id": None, "execution": "server", "arguments": {}},
        {"type": "tool_search_output", "call_id": None, "execution": "server", "tools": []},
        {"type": "additional_tools", "role": "developer", "tools": [{"type": "function", "name": "more"}]},
    ]
    ask = asked(history, tools=TOOLS)
    assert [tool.name for tool in ask.options.tools] == [*NAMES, "agents__spawn", "more"]
    assert ask.said[1].tool_calls == [ToolCall("s", "function", "tool_search", {"query": "agents"})]
    assert ask.said[2].role == "tool" and '"spawn"' in ask.said[2].text
    (item,) = items(ask, called("agents__spawn"))
    assert item["namespace"] == "agents"


def test_only_the_allowed_tools_are_offered() -> None:
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "exec"}]}
    ask = asked(tools=TOOLS, tool_choice=allowed)
    assert [tool.name for tool in ask.options.tools] == ["exec"] and ask.options.tool_choice == "required"
    assert ask.repeated["tool_choice"] == allowed


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ([], r"tool_choice.tools: must not be empty if mode is required"),
        ([{"type": "allowed_tools", "tools": []}], r"tool_choice.tools\[0\]: type 'allowed_tools' is not supported"),
    ],
)
def test_allowed_tools_that_say_nothing_are_refused_by_name(tools: list[object], message: str) -> None:
    with pytest.raises(InvalidField, match=message):
        asked(tools=TOOLS, tool_choice={"type": "allowed_tools", "mode": "required", "tools": tools})


def test_a_tool_in_a_namespace_can_be_chosen() -> None:
    choice = {"type": "function", "namespace": "agents", "name": "close"}
    assert asked(tools=TOOLS, tool_choice=choice).options.tool_choice == "agents__close"


def test_long_names_stay_short_enough_and_apart() -> None:
    one, other = flat_name("x" * 60 + "1", "namespace"), flat_name("x" * 60 + "2", "namespace")
    assert len(one) == len(other) == NAME_CHARS and one != other
    assert flat_name("a b", "c.d") == "c_d__a_b"


def test_two_tools_cannot_have_one_name() -> None:
    with pytest.raises(InvalidField, match=r"tools\[1\].tools\[0\]: another tool is already named 'a__b'"):
        asked(
            tools=[
                {"type": "function", "name": "a__b"},
                {"type": "namespace", "name": "a", "tools": [{"type": "function", "name": "b"}]},
            ]
        )


def test_a_reference_stands_for_the_stored_item_and_a_foreign_one_is_refused() -> None:
    stored = {"fc_1_0": {"id": "fc_1_0", "type": "function_call", "call_id": "c", "name": "exec", "arguments": "{}"}}
    output = {"type": "function_call_output", "call_id": "c", "output": "x"}
    for reference in ({"type": "item_reference", "id": "fc_1_0"}, {"id": "fc_1_0"}, {"type": None, "id": "fc_1_0"}):
        request = msgspec.convert({"input": [reference, output]}, ResponseRequest)
        assert request.ask(stored.get).said == [
            Message("assistant", "", tool_calls=[ToolCall("c", "function", "exec", {})]),
            Message("tool", "x", tool_call_id="c"),
        ]
    with pytest.raises(NotFound, match=r"input\[0\].id: no stored item with this id"):
        msgspec.convert({"input": [{"id": "fc_9_0"}, output]}, ResponseRequest).ask(stored.get)


def test_a_request_names_the_conversation_that_it_belongs_to() -> None:
    for conversation in ("conv_1", {"id": "conv_1"}):
        ask = asked(conversation=conversation)
        assert ask.conversation_id == "conv_1" and ask.repeated["conversation"] == {"id": "conv_1"}


def test_the_key_of_the_cache_is_carried() -> None:
    ask = asked(prompt_cache_key="k", include=["reasoning.encrypted_content"], client_metadata={"a": "b"})
    assert ask.options.cache_key == "k" and ask.repeated["prompt_cache_key"] == "k"
