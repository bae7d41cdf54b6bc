"""The contract of all requests: the same chats in five protocols, and what these refuse."""

import json
from typing import Any

import msgspec
import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from providers.chats import ANY_JSON, ASKED, CALLED, HERE, NAMED, PLAIN, RESULTS, SCHEMA, THERE, TOOL, TOOLS, body
from pydantic import TypeAdapter

from chatapp.chat import AnswerSchema, Chat, Image, Message, Native, Text
from chatapp.errors import InvalidField
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_responses.adapter import OpenAIResponses

ADAPTERS = (OpenAIChat, OpenAIResponses, Anthropic, Gemini, Ollama)
STRICT = msgspec.structs.replace(TOOLS, tools=[msgspec.structs.replace(TOOL, strict=True)], parallel_tools=False)


def test_strict_tools_and_that_calls_come_one_at_a_time_are_told_where_there_is_a_word_for_it():
    asked, responses, claude = (body(adapter, STRICT) for adapter in (OpenAIChat, OpenAIResponses, Anthropic))
    assert (
        asked["tools"][0]["function"]["strict"]
        is responses["tools"][0]["strict"]
        is claude["tools"][0]["strict"]
        is True
    )
    assert asked["parallel_tool_calls"] is responses["parallel_tool_calls"] is False
    assert claude["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


def test_neither_is_said_unasked():
    sent = "".join(json.dumps(body(adapter, TOOLS)) for adapter in (OpenAIChat, Anthropic))
    assert "strict" not in sent and "parallel" not in sent
    assert "parallel" not in json.dumps(body(OpenAIResponses, TOOLS))
    untooled = msgspec.structs.replace(PLAIN, parallel_tools=False)
    assert all("parallel" not in json.dumps(body(adapter, untooled)) for adapter in ADAPTERS)


@pytest.mark.parametrize(
    ("adapter", "where", "choices"),
    [
        (OpenAIChat, "tool_choice", ["none", "required", {"type": "function", "function": {"name": "weather"}}]),
        (OpenAIResponses, "tool_choice", ["none", "required", {"type": "function", "name": "weather"}]),
        (Anthropic, "tool_choice", [{"type": "none"}, {"type": "any"}, {"type": "tool", "name": "weather"}]),
        (
            Gemini,
            "toolConfig",
            [
                {"functionCallingConfig": {"mode": "NONE"}},
                {"functionCallingConfig": {"mode": "ANY"}},
                {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
            ],
        ),
    ],
)
def test_a_tool_can_be_chosen(adapter, where, choices):
    for choice, expected in zip(("none", "required", "weather"), choices, strict=True):
        assert body(adapter, msgspec.structs.replace(TOOLS, tool_choice=choice))[where] == expected


DESCRIBED = {"title": "place", "description": "Of a city", **SCHEMA}


@pytest.mark.parametrize(
    ("adapter", "where", "named", "any_json"),
    [
        (
            OpenAIChat,
            "response_format",
            {
                "type": "json_schema",
                "json_schema": {"name": "place", "description": "Of a city", "strict": True, "schema": SCHEMA},
            },
            {"type": "json_object"},
        ),
        (
            OpenAIResponses,
            "text",
            {
                "format": {
                    "type": "json_schema",
                    "name": "place",
                    "description": "Of a city",
                    "strict": True,
                    "schema": SCHEMA,
                }
            },
            {"format": {"type": "json_object"}},
        ),
        (Anthropic, "output_config", {"format": {"type": "json_schema", "schema": DESCRIBED}}, None),
        (
            Gemini,
            "generationConfig",
            {"responseMimeType": "application/json", "responseJsonSchema": DESCRIBED},
            {"responseMimeType": "application/json"},
        ),
        (Ollama, "format", DESCRIBED, "json"),
    ],
)
def test_the_shape_of_the_answer_is_carried_whole(adapter, where, named, any_json):
    """A protocol that has no field for a schema's name and description gets them in the schema."""
    assert body(adapter, NAMED)[where] == named
    if any_json:
        assert body(adapter, ANY_JSON)[where] == any_json


@pytest.mark.parametrize(
    ("adapter", "protocol", "where"),
    [
        (OpenAIResponses, "openai-responses", "input"),
        (Anthropic, "anthropic", "messages"),
        (Gemini, "gemini", "contents"),
    ],
)
def test_a_turn_of_ones_own_goes_back_unchanged_and_anothers_is_written_anew(adapter, protocol, where):
    written = [{"signed": "as it came", "functionCall": {"id": "c1"}}]

    def sent(native: Native) -> str:
        messages = [ASKED, msgspec.structs.replace(CALLED, native=native), *RESULTS]
        return json.dumps(body(adapter, Chat(model="m", messages=messages))[where])

    own, anothers = sent(Native(protocol, written)), sent(Native("other", written))
    assert "as it came" in own and "I look." not in own
    assert "as it came" not in anothers and "I look." in anothers


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_request_says_nothing_that_was_not_asked(adapter):
    said = {name for name in body(adapter, PLAIN) if name not in ("model", "stream", "stream_options", "store")}
    assert said <= {"messages", "input", "system", "contents", "systemInstruction", "max_tokens"}
    assert body(adapter, msgspec.structs.replace(PLAIN, messages=[]))  # a chat is checked before its history is known


@pytest.mark.parametrize(
    ("adapter", "changes", "field"),
    [
        (OpenAIResponses, {"stop": ["."]}, "stop"),
        (OpenAIResponses, {"seed": 0}, "seed"),
        (Anthropic, {"seed": 0}, "seed"),
        (Anthropic, {"json_mode": True}, "json_mode"),
        (Anthropic, {"verbosity": "low"}, "verbosity"),
        (Gemini, {"verbosity": "low"}, "verbosity"),
        (Ollama, {"verbosity": "low"}, "verbosity"),
        (Anthropic, {"temperature": 1.5}, "temperature"),
        (Anthropic, {"thinking": True, "temperature": 0.5}, "temperature"),
        (Anthropic, {"thinking": True, "max_tokens": 100}, "max_tokens"),
        (Anthropic, {"thinking": True, "tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        (Ollama, {"tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        (Ollama, {"messages": [Message("user", [THERE])]}, "messages"),
        (Gemini, {"messages": [Message("user", [THERE])]}, "messages"),
        (Gemini, {"messages": [Message("user", [Image("data:image/png,raw")])]}, "messages"),
        (OpenAIChat, {"messages": [Message("system", [HERE])]}, "messages"),
        (Anthropic, {"messages": [Message("system", [HERE])]}, "messages"),
    ],
)
def test_what_a_protocol_cannot_carry_is_refused_by_name(adapter, changes, field):
    provider = adapter("acme", None, "http://acme.test")
    with pytest.raises(InvalidField, match=f"^{field}: acme"):
        provider.check(msgspec.structs.replace(PLAIN, **changes))


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_hint_goes_only_to_those_who_surely_take_it(adapter):
    hinted = msgspec.structs.replace(PLAIN, verbosity="low", hints=["verbosity"])
    assert ("low" in str(body(adapter, hinted))) == (adapter is OpenAIResponses)


# The official libraries know these requests

RICH = msgspec.structs.replace(
    TOOLS,
    model="gpt-5.1",
    messages=[*TOOLS.messages, Message("user", [Text("and this?"), HERE, THERE])],
    max_tokens=5000,
    schema=AnswerSchema(SCHEMA, "place", "Of a city", strict=True),
    tool_choice="weather",
)
# OpenAI accepts an assistant's text without an id, though its types say otherwise.
SILENTLY = [msgspec.structs.replace(m, content="") if m is CALLED else m for m in RICH.messages]


@pytest.mark.parametrize(
    ("adapter", "changes", "params"),
    [
        (
            OpenAIChat,
            {"thinking": True, "stop": ["."], "seed": 7, "top_p": 0.9, "verbosity": "low"},
            CompletionCreateParamsStreaming,
        ),
        (
            OpenAIResponses,
            {"thinking": True, "top_p": 0.9, "verbosity": "low", "messages": SILENTLY},
            ResponseCreateParamsStreaming,
        ),
        (Anthropic, {"stop": ["."], "thinking": False}, MessageCreateParamsStreaming),
        (Anthropic, {"thinking": True, "tool_choice": "auto"}, MessageCreateParamsStreaming),
        (
            Anthropic,
            {"thinking": True, "tool_choice": "auto", "model": "claude-opus-4-7"},
            MessageCreateParamsStreaming,
        ),
    ],
)
def test_the_official_library_knows_every_field(adapter, changes, params):
    """Its types drop unknown fields and refuse fields of another shape."""
    sent = body(
        adapter, msgspec.structs.replace(RICH, **changes), **({"thinking": "openai"} if adapter is OpenAIChat else {})
    )

    assert plain(TypeAdapter(params).validate_python(sent)) == sent


def plain(value: Any) -> Any:
    """The value with lists: the libraries' types give iterators."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return value
    return [plain(item) for item in value]
