"""What each adapter asks: the same chats in five protocols, and what they refuse."""

import json
from typing import Any

import msgspec
import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import TypeAdapter

from chatapp.chat import Chat, Image, Message, Native, Text, ToolSpec
from chatapp.errors import InvalidField
from chatapp.events import ToolCall
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_responses.adapter import OpenAIResponses

PNG = "iVBORw0KGgo="
HERE, THERE = Image(f"data:image/png;base64,{PNG}"), Image("https://pictures.example/a.png")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = ToolSpec("weather", "The weather", SCHEMA)
CALL = ToolCall("c1", "function", "weather", {"city": "Łódź"})
TIME = ToolCall("c2", "function", "time", {})

ASKED = Message("user", "How is it there?")
CALLED = Message("assistant", "I look.", tool_calls=[CALL, TIME], reasoning="Hm.")
RESULTS = [Message("tool", "mild", tool_call_id="c1"), Message("tool", "no clock", tool_call_id="c2", failed=True)]
SILENT = Message("assistant", "")  # stopped before its first word

PLAIN = Chat(model="m", messages=[Message("system", "s"), Message("user", "u")])
TURNS = Chat(model="m", messages=[Message("user", "a"), Message("assistant", "b"), SILENT, Message("user", "c")])
TOOLS = Chat(model="m", messages=[Message("system", "s"), ASKED, CALLED, *RESULTS], tools=[TOOL])
SEEN = Chat(model="m", messages=[Message("user", [Text("what is it?"), HERE])])
SET = Chat(model="m", messages=[Message("user", "u")], max_tokens=5, temperature=0.5, top_p=0.9)
SHAPED = msgspec.structs.replace(PLAIN, schema=SCHEMA)

ADAPTERS = (OpenAIChat, OpenAIResponses, Anthropic, Gemini, Ollama)


def body(adapter: type, chat: Chat, **options: Any) -> dict[str, Any]:
    """As it goes over the wire."""
    request = adapter("acme", None, "http://acme.test", **options).request(chat)
    return json.loads(msgspec.json.encode(request.body))


# What several have in common

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


# OpenAI's chat completions


def test_openai_plain_turns_are_plain_strings():
    assert body(OpenAIChat, TURNS)["messages"] == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]


def test_openai_tools_and_their_results():
    sent = body(OpenAIChat, TOOLS)

    assert sent["tools"] == [
        {"type": "function", "function": {"name": "weather", "description": "The weather", "parameters": SCHEMA}}
    ]
    assert "tool_choice" not in sent
    assert sent["messages"][2:] == [
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Łódź"}'}},
                {"id": "c2", "type": "function", "function": {"name": "time", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "mild"},
        {"role": "tool", "tool_call_id": "c2", "content": "Error: no clock"},
    ]


def test_openai_images_and_what_is_set():
    assert body(OpenAIChat, SEEN)["messages"][0]["content"] == [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": HERE.url}},
    ]
    sent = body(OpenAIChat, msgspec.structs.replace(SET, stop=["."], seed=7))
    assert {name: sent[name] for name in ("max_tokens", "temperature", "top_p", "stop", "seed")} == {
        "max_tokens": 5,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["."],
        "seed": 7,
    }
    assert body(OpenAIChat, SHAPED)["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": SCHEMA},
    }


@pytest.mark.parametrize(
    ("style", "field"),
    [("deepseek", "reasoning_content"), ("moonshot", "reasoning_content"), ("openrouter", "reasoning"), ("none", None)],
)
def test_reasoning_goes_back_after_tool_calls_to_those_who_want_it(style, field):
    turn = body(OpenAIChat, TOOLS, thinking=style)["messages"][2]
    assert {name: value for name, value in turn.items() if "reasoning" in name} == ({field: "Hm."} if field else {})

    said = Message("assistant", "b", reasoning="Hm.")
    untooled = Chat(model="m", messages=[ASKED, said, ASKED])
    assert body(OpenAIChat, untooled, thinking=style)["messages"][1] == {"role": "assistant", "content": "b"}


def test_azure_wants_the_key_in_a_header_of_its_own():
    azure = OpenAIChat("azure", None, "https://name.openai.azure.com/openai/v1")
    assert azure.authorization("k") == {"api-key": "k"}
    assert OpenAIChat("other", None).authorization("k") == {"Authorization": "Bearer k"}


@pytest.mark.parametrize(("style", "said"), [("deepseek", " "), ("moonshot", " "), ("glm", None), ("openrouter", None)])
def test_a_call_made_without_reasoning_carries_some_where_it_must(style, said):
    unthought = msgspec.structs.replace(CALLED, reasoning="")
    turn = body(OpenAIChat, Chat(model="m", messages=[ASKED, unthought, *RESULTS]), thinking=style)["messages"][1]
    assert turn.get("reasoning_content") == said


# OpenAI's Responses


def test_responses_items():
    sent = body(OpenAIResponses, TOOLS)

    assert sent["store"] is False and sent["stream"] is True
    assert sent["tools"][0] | {"strict": False} == {"type": "function", **msgspec.to_builtins(TOOL), "strict": False}
    assert sent["input"] == [
        {"role": "system", "content": [{"type": "input_text", "text": "s"}]},
        {"role": "user", "content": [{"type": "input_text", "text": "How is it there?"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city":"Łódź"}'},
        {"type": "function_call", "call_id": "c2", "name": "time", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "mild"},
        {"type": "function_call_output", "call_id": "c2", "output": "Error: no clock"},
    ]


def test_responses_images_and_what_is_set():
    assert body(OpenAIResponses, SEEN)["input"][0]["content"][1] == {
        "type": "input_image",
        "image_url": HERE.url,
        "detail": "auto",
    }
    assert body(OpenAIResponses, SET)["max_output_tokens"] == 5
    assert body(OpenAIResponses, SHAPED)["text"]["format"]["schema"] == SCHEMA
    assert "include" not in body(OpenAIResponses, PLAIN)
    reasoning = msgspec.structs.replace(PLAIN, model="gpt-5.1")
    assert body(OpenAIResponses, reasoning)["include"] == ["reasoning.encrypted_content"]


# Anthropic


def test_anthropic_blocks():
    sent = body(Anthropic, TOOLS)

    assert sent["system"] == "s"
    assert sent["max_tokens"] > 0  # must be said
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


def test_anthropic_images_and_what_is_set():
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    assert body(Anthropic, SEEN)["messages"][0]["content"][1] == {"type": "image", "source": source}
    there = Chat(model="m", messages=[Message("user", [THERE])])
    source = {"type": "url", "url": THERE.url}
    assert body(Anthropic, there)["messages"][0]["content"] == [{"type": "image", "source": source}]
    sent = body(Anthropic, msgspec.structs.replace(SET, stop=["."]))
    assert (sent["max_tokens"], sent["stop_sequences"], sent["top_p"]) == (5, ["."], 0.9)
    assert body(Anthropic, SHAPED)["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}


def test_anthropic_turns_take_turns():
    sent = body(Anthropic, TURNS)["messages"]

    assert [message["role"] for message in sent] == ["user", "assistant", "user"]


@pytest.mark.parametrize(("asked", "budget", "whole"), [(None, 8192, 16384), (4000, 2000, 4000), (30000, 8192, 30000)])
def test_anthropic_a_budget_leaves_room_for_the_answer(asked, budget, whole):
    chat = msgspec.structs.replace(PLAIN, model="claude-sonnet-4-5", thinking=True, max_tokens=asked)
    sent = body(Anthropic, chat)
    assert (sent["thinking"]["budget_tokens"], sent["max_tokens"]) == (budget, whole)


def test_anthropic_a_turn_that_another_began_goes_on_without_a_budget():
    chat = msgspec.structs.replace(TOOLS, model="claude-sonnet-4-5", thinking=True)
    signed = msgspec.structs.replace(CALLED, native=Native("anthropic", [{"type": "thinking", "signature": "s"}]))
    own = msgspec.structs.replace(chat, messages=[ASKED, signed, *RESULTS])

    assert "thinking" not in body(Anthropic, chat)
    assert "thinking" in body(Anthropic, own)
    assert "thinking" in body(Anthropic, msgspec.structs.replace(chat, model="claude-opus-4-7"))
    assert "thinking" in body(Anthropic, msgspec.structs.replace(chat, messages=[*chat.messages, ASKED]))


# Gemini


def test_gemini_parts():
    sent = body(Gemini, TOOLS)

    assert sent["systemInstruction"] == {"parts": [{"text": "s"}]}
    declared = {"name": "weather", "description": "The weather", "parametersJsonSchema": SCHEMA}
    assert sent["tools"] == [{"functionDeclarations": [declared]}]
    assert sent["toolConfig"] == {"functionCallingConfig": {"mode": "AUTO"}}
    assert sent["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"text": "I look."},
                {
                    "functionCall": {"name": "weather", "args": {"city": "Łódź"}},
                    "thoughtSignature": "skip_thought_signature_validator",
                },
                {"functionCall": {"name": "time", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "weather", "response": {"result": "mild"}}},
                {"functionResponse": {"name": "time", "response": {"error": "no clock"}}},
            ],
        },
    ]


def test_gemini_before_3_asks_for_no_signature():
    sent = body(Gemini, msgspec.structs.replace(TOOLS, model="gemini-2.5-flash"))
    assert "thoughtSignature" not in json.dumps(sent)


def test_gemini_images_and_what_is_set():
    inline = {"mimeType": "image/png", "data": PNG}
    assert body(Gemini, SEEN)["contents"][0]["parts"][1] == {"inlineData": inline}
    sent = body(Gemini, msgspec.structs.replace(SET, stop=["."], seed=7))
    limits = {"maxOutputTokens": 5, "temperature": 0.5, "topP": 0.9, "stopSequences": ["."], "seed": 7}
    assert sent["generationConfig"] == limits
    shaped = {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    assert body(Gemini, SHAPED)["generationConfig"] == shaped


def test_gemini_a_model_cannot_lead_elsewhere():
    chat = msgspec.structs.replace(PLAIN, model="../../files?x=#y")
    url = Gemini("acme", None).request(chat).path
    assert url == "/models/..%2F..%2Ffiles%3Fx%3D%23y:streamGenerateContent?alt=sse"


# Ollama


def test_ollama_messages():
    sent = body(Ollama, TOOLS)

    assert sent["tools"][0]["function"] == {"name": "weather", "description": "The weather", "parameters": SCHEMA}
    assert sent["messages"][2:] == [
        {
            "role": "assistant",
            "content": "I look.",
            "thinking": "Hm.",
            "tool_calls": [
                {"function": {"name": "weather", "arguments": {"city": "Łódź"}}},
                {"function": {"name": "time", "arguments": {}}},
            ],
        },
        {"role": "tool", "content": "mild", "tool_name": "weather"},
        {"role": "tool", "content": "Error: no clock", "tool_name": "time"},
    ]


def test_ollama_images_and_what_is_set():
    assert body(Ollama, SEEN)["messages"] == [{"role": "user", "content": "what is it?", "images": [PNG]}]
    sent = body(Ollama, msgspec.structs.replace(SET, stop=["."], seed=7))
    assert sent["options"] == {"num_predict": 5, "temperature": 0.5, "top_p": 0.9, "stop": ["."], "seed": 7}
    assert body(Ollama, SHAPED)["format"] == SCHEMA


# All of them


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


def test_gemini_names_the_calls_that_it_named_itself():
    native = Native("gemini", [{"functionCall": {"name": "weather", "id": "c1"}}])
    messages = [ASKED, msgspec.structs.replace(CALLED, native=native), *RESULTS]
    first, second = body(Gemini, Chat(model="m", messages=messages))["contents"][-1]["parts"]
    assert first["functionResponse"]["id"] == "c1"
    assert "id" not in second["functionResponse"]


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_request_says_nothing_that_was_not_asked(adapter):
    said = {name for name in body(adapter, PLAIN) if name not in ("model", "stream", "stream_options", "store")}
    assert said <= {"messages", "input", "system", "contents", "systemInstruction", "max_tokens"}
    assert body(adapter, msgspec.structs.replace(PLAIN, messages=[]))  # what is checked before the history is known


@pytest.mark.parametrize(
    ("adapter", "changes", "field"),
    [
        (OpenAIResponses, {"stop": ["."]}, "stop"),
        (OpenAIResponses, {"seed": 0}, "seed"),
        (Anthropic, {"seed": 0}, "seed"),
        (Anthropic, {"temperature": 1.5}, "temperature"),
        (Anthropic, {"thinking": True, "temperature": 0.5}, "temperature"),
        (Anthropic, {"thinking": True, "max_tokens": 100}, "max_tokens"),
        (Anthropic, {"thinking": True, "tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        (Ollama, {"tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        (Ollama, {"messages": [Message("user", [THERE])]}, "messages"),
        (Gemini, {"messages": [Message("user", [THERE])]}, "messages"),
        (Gemini, {"messages": [Message("user", [Image("data:image/png,raw")])]}, "messages"),
        (OpenAIChat, {"messages": [Message("tool", [HERE], tool_call_id="c")]}, "messages"),
        (Anthropic, {"messages": [Message("assistant", [HERE])]}, "messages"),
    ],
)
def test_what_a_protocol_cannot_carry_is_refused_by_name(adapter, changes, field):
    provider = adapter("acme", None, "http://acme.test")
    with pytest.raises(InvalidField, match=f"^{field}: acme"):
        provider.check(msgspec.structs.replace(PLAIN, **changes))


def test_a_schema_is_refused_where_the_server_does_not_keep_to_it():
    with pytest.raises(InvalidField, match="^schema: deepseek"):
        OpenAIChat("deepseek", None, "https://api.deepseek.com").check(SHAPED)


# What the owners' own libraries know of their requests

RICH = msgspec.structs.replace(
    TOOLS,
    model="gpt-5.1",
    messages=[*TOOLS.messages, Message("user", [Text("and this?"), HERE, THERE])],
    max_tokens=5000,
    schema=SCHEMA,
    tool_choice="weather",
)
# An assistant's text without the id that only OpenAI can give it is taken, though the types say otherwise.
SILENTLY = [msgspec.structs.replace(m, content="") if m is CALLED else m for m in RICH.messages]


@pytest.mark.parametrize(
    ("adapter", "changes", "params"),
    [
        (OpenAIChat, {"thinking": True, "stop": ["."], "seed": 7, "top_p": 0.9}, CompletionCreateParamsStreaming),
        (OpenAIResponses, {"thinking": True, "top_p": 0.9, "messages": SILENTLY}, ResponseCreateParamsStreaming),
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
    """Its types drop what they don't know and refuse what has another shape."""
    sent = body(
        adapter, msgspec.structs.replace(RICH, **changes), **({"thinking": "openai"} if adapter is OpenAIChat else {})
    )

    assert plain(TypeAdapter(params).validate_python(sent)) == sent


def plain(value: Any) -> Any:
    """Their types give iterators for lists."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return value
    return [plain(item) for item in value]
