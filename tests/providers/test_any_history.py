"""One nasty conversation, made by many providers, through every request: each protocol's rules hold."""

import json
import re

import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from providers.chats import HERE, TOOL, body
from pydantic import TypeAdapter

from chatapp.chat import Chat, Message, Native, Text
from chatapp.events import ToolCall
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_responses.adapter import OpenAIResponses

KIMI, LONG = "functions.weather:0", "call_" + "x" * 80
SECRET = "signed-by-somebody-else"


def calling(text, *ids, **more):
    return Message("assistant", text, tool_calls=[ToolCall(id, "function", "weather", {}) for id in ids], **more)


NASTY = [
    Message("system", "Be brief."),
    Message("user", "a"),
    Message("assistant", "\n\n"),  # an answer of line ends
    Message("user", [Text(" "), Text("b"), HERE]),
    calling(" \n", KIMI, LONG, native=Native("nobody", [SECRET]), reasoning="hm"),
    Message("tool", "mild", tool_call_id=KIMI),
    Message("tool", "", tool_call_id=LONG, failed=True),  # an error without a word
    calling("", "call_0"),
    Message("tool", "", tool_call_id="call_0"),
    calling("Again.", "call_0"),  # some providers use the same id in each reply
    Message("tool", " ", tool_call_id="call_0", failed=True),
    Message("assistant", "So."),
    Message("assistant", "And so."),
    Message("system", "Now be verbose."),
    Message("user", "c"),
    Message("user", "d"),
]
CHAT = Chat(model="m", messages=NASTY, tools=[TOOL])
SERVERS = {
    "openai": (OpenAIChat, "https://api.openai.com/v1"),
    "mistral": (OpenAIChat, "https://api.mistral.ai/v1"),
    "template": (OpenAIChat, "http://127.0.0.1:8080/v1"),
    "responses": (OpenAIResponses, "https://api.openai.com/v1"),
    "anthropic": (Anthropic, "https://api.anthropic.com"),
    "gemini": (Gemini, "https://generativelanguage.googleapis.com/v1beta"),
    "ollama": (Ollama, "http://127.0.0.1:11434"),
}


def sent_to(name, chat=CHAT):
    adapter, url = SERVERS[name]
    return body(adapter, chat, url)


@pytest.mark.parametrize("name", SERVERS)
def test_nobody_is_sent_what_another_sealed_and_nothing_that_was_said_is_lost(name):
    sent = json.dumps(sent_to(name))
    assert SECRET not in sent
    assert sent.count("The tool failed without a message.") == 2
    for text in ("Be brief.", "Now be verbose.", "mild", "Again.", "And so."):
        assert text in sent


@pytest.mark.parametrize("name", ["openai", "template", "mistral"])
def test_chat_completions(name):
    sent = sent_to(name)
    TypeAdapter(CompletionCreateParamsStreaming).validate_python(sent)
    calls = [call["id"] for turn in sent["messages"] for call in turn.get("tool_calls") or ()]
    results = [turn["tool_call_id"] for turn in sent["messages"] if turn["role"] == "tool"]
    assert calls == results and len(calls) == 4
    assert all(turn["content"] is None or turn["content"] for turn in sent["messages"] if turn["role"] != "tool")
    pattern = {"openai": "[!-~]{1,40}", "mistral": "[a-zA-Z0-9]{9}", "template": f"{KIMI}|{LONG}|call_0"}[name]
    assert all(re.fullmatch(pattern, id) for id in calls)


@pytest.mark.parametrize("name", ["template", "mistral"])
def test_a_template_gets_its_system_message_first_and_turns_that_take_turns(name):
    messages = sent_to(name)["messages"]
    roles = [turn["role"] for turn in messages]
    asked = [role for role in roles if role != "tool"]
    assert asked == ["system", "user", "assistant", "assistant", "assistant", "assistant", "user"]
    assert messages[0]["content"] == "Be brief.\n\nNow be verbose."
    said = [turn["content"] for turn in messages]
    assert said[1] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, said[1][2]]
    assert said[-2:] == ["So.\n\nAnd so.", "c\n\nd"]


def test_openai_keeps_the_order_that_the_client_chose():
    roles = [turn["role"] for turn in sent_to("openai")["messages"]]
    assert roles[0] == "system" and roles[-3:] == ["system", "user", "user"]


def test_responses():
    items = sent_to("responses")["input"]
    calls = [item["call_id"] for item in items if item.get("type") == "function_call"]
    results = [item["call_id"] for item in items if item.get("type") == "function_call_output"]
    assert calls == results and len(set(calls)) == 4
    assert all(re.fullmatch("[!-~]{1,64}", id) for id in calls)
    assert calls[0] == KIMI
    assert all(part["text"].strip() for item in items for part in item.get("content", ()) if "text" in part)


def test_anthropic():
    sent = sent_to("anthropic")
    TypeAdapter(MessageCreateParamsStreaming).validate_python(sent)
    turns = sent["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * (len(turns) // 2) + ["user"]
    blocks = [block for turn in turns for block in turn["content"]]
    assert all(block["text"].strip() for block in blocks if block["type"] == "text")
    calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    results = [block for block in blocks if block["type"] == "tool_result"]
    assert calls == [block["tool_use_id"] for block in results] and len(set(calls)) == 4
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", id) for id in calls)
    assert all(block["content"] for block in results if block.get("is_error"))
    assert sent["system"] == "Be brief.\n\nNow be verbose."


def test_anthropic_is_told_of_the_tools_that_were_called_even_if_none_is_offered_now():
    sent = sent_to("anthropic", Chat(model="m", messages=NASTY))
    assert sent["tools"] == [{"name": "weather", "input_schema": {"type": "object"}}]
    assert sent["tool_choice"] == {"type": "none"}


def test_anthropic_is_given_no_blanks_at_the_end_of_an_answer_to_go_on_with():
    chat = Chat(model="m", messages=[Message("user", "a"), Message("assistant", "Well, \n")])
    assert sent_to("anthropic", chat)["messages"][-1]["content"] == [{"type": "text", "text": "Well,"}]


def test_gemini():
    turns = sent_to("gemini")["contents"]
    assert [turn["role"] for turn in turns] == ["user", "model"] * (len(turns) // 2) + ["user"]
    parts = [part for turn in turns for part in turn["parts"]]
    assert all(part["text"].strip() for part in parts if "text" in part)
    responses = [part["functionResponse"] for part in parts if "functionResponse" in part]
    assert all(response["name"] == "weather" and "id" not in response for response in responses)
    assert all(response["response"].get("error", "x") for response in responses)


def test_ollama():
    turns = sent_to("ollama")["messages"]
    assert all(turn["content"].strip() or turn["role"] == "tool" for turn in turns if "tool_calls" not in turn)
    assert [turn["tool_name"] for turn in turns if turn["role"] == "tool"] == ["weather"] * 4
