"""Requests of Responses arrive as ours, whole; or are refused, with the field's name."""

from typing import Any

import msgspec
import pytest

from chatapp.chat import AnswerSchema, Chat, Image, Message, Native, Text, ToolSpec
from chatapp.dialects.openai_responses.request import ResponseRequest
from chatapp.errors import InvalidField
from chatapp.events import ToolCall

PIXEL = "data:image/png;base64,AAAA"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
CALL = ToolCall("c1", "function", "weather", {"city": "Paris"})


def response(given: Any = "hi", **more: Any) -> Chat:
    ask = msgspec.convert({"model": "m", "input": given, **more}, ResponseRequest).ask()
    return ask.chat(ask.model or "", ask.said)


def test_every_field_that_a_provider_takes_reaches_it() -> None:
    asked = response(max_output_tokens=7, temperature=0.5, top_p=0.9, reasoning={"effort": "none", "summary": "auto"})
    assert (asked.max_tokens, asked.temperature, asked.top_p, asked.thinking) == (7, 0.5, 0.9, False)


def test_a_picture_that_was_made_belongs_to_its_turn() -> None:
    drawn = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "/9j/AAAA"}
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Here."}]}
    picture = Image("data:image/jpeg;base64,/9j/AAAA")
    asked = {"role": "user", "content": "and blue?"}
    assert response([drawn, said, asked]).messages[0] == Message("assistant", [Text("Here."), picture])
    assert response([said, drawn, asked]).messages[0] == Message("assistant", [Text("Here."), picture])
    assert response([drawn, asked]).messages[0] == Message("assistant", [picture])


def test_what_is_not_said_is_left_to_the_provider() -> None:
    assert response() == Chat(model="m", messages=[Message("user", "hi")])


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"])
def test_an_effort_is_carried_as_it_was_said(effort: str) -> None:
    assert response(reasoning={"effort": effort}).effort == effort


def test_an_unknown_effort_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"'banana'.*reasoning\.effort"):
        response(reasoning={"effort": "banana"})


def test_the_items_of_a_response_s_input_become_turns() -> None:
    asked = response(
        [
            {"role": "developer", "content": "be brief"},
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "where?"}, {"type": "input_image", "image_url": PIXEL}],
            },
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "let me see"}]},
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city":"Paris"}'},
            {"type": "function_call", "call_id": "c2", "name": "weather", "arguments": ""},
            {"type": "function_call_output", "call_id": "c1", "output": "7 degrees"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "where?"}]},
        ]
    )
    calls = [CALL, ToolCall("c2", "function", "weather", {})]
    assert asked.messages == [
        Message("system", "be brief"),
        Message("user", [Text("where?"), Image(PIXEL)]),
        Message("assistant", "let me see", tool_calls=calls, reasoning="hm"),
        Message("tool", "7 degrees", tool_call_id="c1"),
        Message("tool", "where?", tool_call_id="c2"),
    ]


def test_tools_and_the_choice_of_one_arrive() -> None:
    function = {"name": "weather", "description": "of a city", "parameters": SCHEMA, "strict": True}
    chat = response(tools=[{"type": "function", **function}], tool_choice={"type": "function", "name": "weather"})
    assert chat.tools == [ToolSpec("weather", "of a city", SCHEMA, strict=True)] and chat.tool_choice == "weather"


def test_that_calls_come_one_at_a_time_arrives() -> None:
    assert response().parallel_tools and response(parallel_tool_calls=True).parallel_tools
    assert not response(parallel_tool_calls=False).parallel_tools


def test_sealed_thinking_comes_back_with_all_of_its_turn() -> None:
    sealed = {"type": "reasoning", "id": "rs_ours", "summary": [], "encrypted_content": "sealed"}
    text = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]}
    call = {"type": "function_call", "id": "fc_ours", "call_id": "c1", "name": "weather", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c1", "output": "mild"}
    messages = response([{"role": "user", "content": "hi"}, sealed, text, call, result, sealed, text]).messages

    told = {"type": "reasoning", "summary": [], "encrypted_content": "sealed"}
    made = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
    assert [message.role for message in messages] == ["user", "assistant", "tool", "assistant"]
    assert messages[1].native == Native("openai-responses", [told, text, made])
    assert (messages[1].content, [call.id for call in messages[1].tool_calls]) == ("I look.", ["c1"])
    assert messages[3].native == Native("openai-responses", [told, text])


def test_the_shape_of_the_answer_arrives_whole() -> None:
    shape = {"name": "x", "description": "y", "schema": SCHEMA, "strict": True}
    asked = response(text={"format": {"type": "json_schema", **shape}})
    assert asked.schema == AnswerSchema(SCHEMA, "x", "y", strict=True)


def test_json_of_any_shape_is_no_schema() -> None:
    asked = response(text={"format": {"type": "json_object"}})
    assert asked.json_mode and asked.schema is None


def test_how_long_the_answer_is_to_be_arrives() -> None:
    said = response(text={"verbosity": "low"})
    assert (said.verbosity, said.hints) == ("low", ["verbosity"])
    assert response().verbosity is None


def test_fields_that_say_the_default_and_unknown_ones_are_taken() -> None:
    response(top_logprobs=0, include=["reasoning.encrypted_content"], truncation="disabled", whatever=1)


@pytest.mark.parametrize(
    ("given", "more", "message"),
    [
        ("", {}, "input: must not be empty"),
        ([], {}, "input: must not be empty"),
        (
            "hi",
            {"conversation": "conv_1", "previous_response_id": "resp_1"},
            "conversation: send either conversation or previous_response_id, not both",
        ),
        ("hi", {"prompt": {"id": "p"}}, "prompt: not supported; use input and instructions"),
        (
            [{"type": "compaction", "encrypted_content": "x"}],
            {},
            (
                "input[0].type: 'compaction' is not supported; use message, reasoning, item_reference, function_call, "
                "custom_tool_call or their outputs"
            ),
        ),
        (
            "hi",
            {"tool_choice": {"type": "web_search"}},
            "tool_choice: type 'web_search' is not supported; use function",
        ),
        (
            "hi",
            {"tools": [{"type": "web_search"}], "tool_choice": {"type": "custom", "name": "x"}},
            "tool_choice: unknown tool 'x'; name one of those in tools",
        ),
        ("hi", {"frequency_penalty": 1}, "frequency_penalty: not supported"),
        ("hi", {"top_logprobs": 2}, "top_logprobs: not supported"),
        ([{"content": "x"}], {}, "input[0].role: must not be empty"),
        (
            "hi",
            {"tools": [{"type": "function", "name": "a b"}]},
            "tools[0].name: expected 1 to 128 letters, digits, underscores or hyphens",
        ),
        ("hi", {"tools": [{"type": "function", "name": "a"}] * 2}, "tools[1]: another tool is already named 'a'"),
        ([{"type": "function_call", "call_id": "c"}], {}, "input[0].name: must not be empty"),
        ([{"type": "function_call_output", "output": "x"}], {}, "input[0].call_id: must not be empty"),
        (
            [{"type": "function_call_output", "call_id": "c", "output": "x"}],
            {},
            "input: tool result for unknown call 'c'; a call must come before its result",
        ),
        (
            [{"role": "user", "content": [{"type": "input_audio"}]}],
            {},
            "input[0].content[0].type: 'input_audio' is not supported; use text, image or file parts",
        ),
    ],
)
def test_what_a_response_cannot_carry_is_refused_by_name(given: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidField) as refused:
        response(given, **more)
    assert refused.value.message == message


def test_the_result_of_a_call_in_an_earlier_response_is_taken() -> None:
    item = {"type": "function_call_output", "call_id": "c", "output": "x"}
    assert response([item], previous_response_id="resp_1").messages == [Message("tool", "x", tool_call_id="c")]


def test_a_response_repeats_what_was_asked_and_no_more() -> None:
    given = {"model": "m", "input": "hi", "metadata": {"a": "b"}, "tools": [{"type": "function", "name": "f"}], "x": 1}
    repeated = msgspec.convert(given, ResponseRequest).ask().repeated
    assert msgspec.convert({"input": "hi"}, ResponseRequest).ask().repeated == {"tools": []}
    assert set(repeated) == {"model", "metadata", "tools"} and repeated["metadata"] == {"a": "b"}
