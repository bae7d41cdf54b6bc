"""What a client asks in OpenAI's shapes reaches providers of every protocol, with its tools, results and images."""

from typing import Any

import msgspec
import pytest

from chatapp.chat import Ask, Chat
from chatapp.dialects.openai_chat.request import CompletionRequest
from chatapp.dialects.openai_responses.request import ResponseRequest
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_responses.adapter import OpenAIResponses

PNG = "iVBORw0KGgo="
FUNCTION = {"name": "weather", "description": "of a city", "parameters": {"type": "object", "properties": {"city": {}}}}

COMPLETION = {
    "model": "m",
    "max_tokens": 77,
    "messages": [
        {"role": "system", "content": "be brief"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "how is it there?"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
            ],
        },
        {
            "role": "assistant",
            "content": "let me see",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "seven degrees"},
    ],
    "tools": [{"type": "function", "function": FUNCTION}],
}

RESPONSE = {
    "model": "m",
    "max_output_tokens": 77,
    "input": [
        {"role": "system", "content": "be brief"},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "how is it there?"},
                {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
            ],
        },
        {"role": "assistant", "content": [{"type": "output_text", "text": "let me see"}]},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city": "Paris"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "seven degrees"},
    ],
    "tools": [{"type": "function", **FUNCTION}],
}


def test_both_ways_to_ask_are_one_chat() -> None:
    assert asked(CompletionRequest, COMPLETION) == asked(ResponseRequest, RESPONSE)


def asked(type_: Any, body: dict[str, Any]) -> Chat:
    ask: Ask = msgspec.convert(body, type_).ask()
    return ask.chat(ask.model or "", ask.said)


@pytest.mark.parametrize("adapter", [OpenAIChat, OpenAIResponses, Anthropic, Gemini, Ollama])
def test_nothing_is_lost_on_the_way_to_a_provider(adapter: Any) -> None:
    request = adapter("acme", None, "http://acme.test").request(asked(CompletionRequest, COMPLETION))
    sent = msgspec.json.encode(request.body).decode().replace('\\"', '"')
    for said in (
        "be brief",
        "how is it there?",
        PNG,
        "let me see",
        '"city":"Paris"',
        "seven degrees",
        "of a city",
        "77",
    ):
        assert said in sent, said
