"""What a provider sealed goes through a client of its own protocol and back, unchanged: a turn as we give it is a turn
as we take it. Nobody else is sent it."""

import json
from typing import Any

import msgspec
import pytest
from drivers import a_run

from chatapp.chat import Chat
from chatapp.dialects.anthropic.events import message
from chatapp.dialects.anthropic.request import MessagesRequest
from chatapp.dialects.openai_chat.events import completion
from chatapp.dialects.openai_chat.request import CompletionRequest
from chatapp.dialects.openai_responses.events import ResponsesDialect
from chatapp.dialects.openai_responses.request import ResponseRequest
from chatapp.events import Entry, NativePiece, ReasoningDelta, ToolCall
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_responses.adapter import OpenAIResponses
from chatapp.transcript import transcript_of

CALL = ToolCall("c1", "function", "weather", {"city": "Paris"})
ADAPTERS = (OpenAIChat, OpenAIResponses, Anthropic, Gemini, Ollama)
EXTRA = {"google": {"thought_signature": "SEALED"}}
DETAILS = [{"type": "reasoning.text", "text": "hm", "signature": "SEALED"}]
THINKING = {"type": "thinking", "thinking": "hm", "signature": "SEALED"}
BLACK = {"type": "redacted_thinking", "data": "SEALED"}
USE = {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Paris"}}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "SEALED"}


def piece(protocol: str, *content: object) -> NativePiece:
    return NativePiece(protocol, "acme", list(content), whole=True)


def by_completions(run: list[Entry]) -> Chat:
    answer = json.loads(json.dumps(completion(transcript_of(run))))["choices"][0]["message"]
    return chat(
        CompletionRequest,
        messages=[
            {"role": "user", "content": "hi"},
            answer,
            {"role": "tool", "tool_call_id": "c1", "content": "mild"},
        ],
    )


def by_messages(run: list[Entry]) -> Chat:
    answer = json.loads(json.dumps(message(transcript_of(run), ["weather"])))["content"]
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "mild"}
    return chat(
        MessagesRequest,
        messages=[
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": answer},
            {"role": "user", "content": [result]},
        ],
    )


def by_responses(run: list[Entry]) -> Chat:
    dialect = ResponsesDialect()
    for entry in run:
        list(dialect.encode(entry.event))
    output = json.loads(json.dumps(dialect.whole()))["output"]
    result = {"type": "function_call_output", "call_id": "c1", "output": "mild"}
    return chat(ResponseRequest, input=[{"role": "user", "content": "hi"}, *output, result])


def chat(type_: Any, **body: Any) -> Chat:
    ask = msgspec.convert({"model": "m", **body}, type_).ask()
    asked: Chat = ask.chat("m", ask.said)
    return asked


def sent(adapter: Any, chat: Chat, name: str = "acme") -> Any:
    return json.loads(msgspec.json.encode(adapter(name, None, "http://acme.test").request(chat).body))


def test_a_call_s_signature_and_details_of_reasoning() -> None:
    opaque = piece("openai", {"tool_call": "c1", "extra_content": EXTRA}, {"reasoning_details": DETAILS})
    turn = sent(OpenAIChat, by_completions(a_run(ReasoningDelta("hm"), CALL, opaque)))["messages"][1]
    assert turn["tool_calls"][0]["extra_content"] == EXTRA and turn["reasoning_details"] == DETAILS
    assert set(turn) == {"role", "content", "tool_calls", "reasoning_details"}


def test_signed_and_hidden_thinking_of_anthropic() -> None:
    run = a_run(ReasoningDelta("hm"), piece("anthropic", THINKING), piece("anthropic", BLACK), CALL)
    assert sent(Anthropic, by_messages(run))["messages"][1]["content"] == [THINKING, BLACK, USE]


def test_encrypted_reasoning_of_responses() -> None:
    reasoning, call, _ = sent(OpenAIResponses, by_responses(a_run(piece("openai-responses", REASONING), CALL)))[
        "input"
    ][1:]
    assert reasoning == {"type": "reasoning", "summary": [], "encrypted_content": "SEALED"}
    assert call["call_id"] == "c1"


@pytest.mark.parametrize("choice", ["auto", {"type": "allowed_tools", "mode": "auto", "tools": []}])
def test_a_call_with_free_text_and_its_result_stay_of_one_kind_in_a_sealed_turn(choice: Any) -> None:
    call = {"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": "*** Begin"}
    result = {"type": "custom_tool_call_output", "call_id": "c1", "output": "ok"}
    tools = [{"type": "custom", "name": "patch"}]
    history = [{"role": "user", "content": "hi"}, REASONING, call, result]
    asked = chat(ResponseRequest, input=history, tools=tools, tool_choice=choice)
    assert sent(OpenAIResponses, asked)["input"][2:] == [call, result]


@pytest.mark.parametrize("by", [by_completions, by_messages, by_responses])
@pytest.mark.parametrize("protocol", ["openai", "anthropic", "openai-responses", "gemini"])
def test_nobody_is_sent_what_another_protocol_sealed(by: Any, protocol: str) -> None:
    content = {
        "openai": [{"tool_call": "c1", "extra_content": EXTRA}, {"reasoning_details": DETAILS}],
        "anthropic": [THINKING, BLACK],
        "openai-responses": [REASONING],
        "gemini": [{"functionCall": {"name": "weather"}, "thoughtSignature": "SEALED"}],
    }[protocol]
    asked = by(a_run(ReasoningDelta("hm"), CALL, piece(protocol, *content)))
    for adapter in ADAPTERS:
        if adapter.__module__.split(".")[2].replace("_", "-").removesuffix("-chat") != protocol:
            assert "SEALED" not in json.dumps(sent(adapter, asked))


def test_another_server_of_the_same_protocol_is_not_sent_it_either() -> None:
    opaque = piece("openai", {"tool_call": "c1", "extra_content": EXTRA}, {"reasoning_details": DETAILS})
    asked = by_completions(a_run(CALL, opaque))
    assert "SEALED" in json.dumps(sent(OpenAIChat, asked))
    assert "SEALED" not in json.dumps(sent(OpenAIChat, asked, "another"))
