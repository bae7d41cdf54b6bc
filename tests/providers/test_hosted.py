"""Tools that a provider runs itself reach the one that has them; elsewhere they leave a trace."""

from typing import Any

import msgspec
import pytest

from chatapp.chat import Chat, HostedTool
from chatapp.dialects.anthropic.request import MessagesRequest
from chatapp.dialects.openai_responses.request import ResponseRequest
from chatapp.providers import Finished
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.hosted import HostedTools
from chatapp.providers.http import HTTPProvider
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_responses.adapter import OpenAIResponses

OPENAI: list[dict[str, Any]] = [
    {"type": "web_search", "user_location": {"type": "approximate", "country": "FR"}},
    {"type": "web_search_preview_2025_03_11"},
    {"type": "file_search", "vector_store_ids": ["vs_1"], "max_num_results": 3},
    {"type": "code_interpreter", "container": {"type": "auto"}},
    {"type": "image_generation", "quality": "low"},
    {"type": "mcp", "server_label": "x", "server_url": "https://x.test", "require_approval": "never"},
]
ANTHROPIC: list[dict[str, Any]] = [
    {"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "blocked_domains": ["a.test"]},
    {"type": "web_fetch_20250910", "name": "web_fetch"},
    {"type": "code_execution_20250825", "name": "code_execution"},
    {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
]
FUNCTION: dict[str, Any] = {"type": "function", "name": "f", "parameters": {"type": "object"}}
ADAPTERS = (OpenAIChat, OpenAIResponses, Anthropic, Gemini, Ollama)


def of_openai(*tools: dict[str, Any]) -> Chat:
    asked = {"model": "m", "input": "hi", "tools": [*tools]}
    ask = msgspec.convert(asked, ResponseRequest).ask()
    return ask.chat("m", ask.said)


def of_anthropic(*tools: dict[str, Any]) -> Chat:
    asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "tools": [*tools]}
    ask = msgspec.convert(asked, MessagesRequest).ask()
    return ask.chat("m", ask.said)


def sent(adapter: type[HTTPProvider], chat: Chat, allowed: list[str] | None = None) -> Any:
    """The tools of the body that the provider gets, and what is told to be left out."""
    provider = adapter("p", None, "http://p.test", hosted_tools=allowed)  # type: ignore[arg-type]
    provider.check(chat)
    hosted = HostedTools(adapter.protocol, allowed)
    body = provider.request(hosted.fitted(chat)).body or {}
    (end,) = hosted.told(iter([Finished("stop", skipped={"x": 1})]), chat)
    assert isinstance(end, Finished) and end.skipped.pop("x") == 1
    return body.get("tools", []), sorted(end.skipped)


def test_openais_own_tools_reach_a_provider_of_responses_beside_functions() -> None:
    tools, left_out = sent(OpenAIResponses, of_openai(FUNCTION, *OPENAI))
    assert tools[0]["name"] == "f" and tools[1:] == OPENAI and left_out == []
    assert sent(OpenAIResponses, of_openai(OPENAI[0]))[0] == OPENAI[:1]


def test_anthropics_server_tools_reach_a_provider_of_messages() -> None:
    client = {"name": "f", "input_schema": {"type": "object"}}
    tools, left_out = sent(Anthropic, of_anthropic(*ANTHROPIC, client))
    assert tools[0]["name"] == "f" and tools[1:] == ANTHROPIC and left_out == []
    assert sent(Anthropic, of_anthropic(ANTHROPIC[0]))[0] == ANTHROPIC[:1]


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("chat", [of_openai(OPENAI[0]), of_anthropic(ANTHROPIC[0])])
def test_elsewhere_they_are_left_out_and_told(adapter: type[HTTPProvider], chat: Chat) -> None:
    tools, left_out = sent(adapter, chat)
    (hosted,) = chat.hosted
    has = adapter.protocol == hosted.protocol
    assert (bool(tools), left_out) == ((True, []) if has else (False, [f"hosted tool {hosted.type}"]))


def test_a_provider_can_be_said_to_have_only_some() -> None:
    tools, left_out = sent(OpenAIResponses, of_openai(*OPENAI), ["web_search", "mcp"])
    assert tools == [OPENAI[0], OPENAI[1], OPENAI[5]]
    assert left_out == ["hosted tool code_interpreter", "hosted tool file_search", "hosted tool image_generation"]
    assert sent(OpenAIResponses, of_openai(*OPENAI), [])[0] == []


def test_tools_that_a_client_runs_are_none_of_these() -> None:
    local = [{"type": "local_shell"}, {"type": "computer_use_preview"}, {"type": "webhook"}]
    assert of_openai(*local).hosted == []
    assert of_openai(OPENAI[0]).hosted == [HostedTool("openai-responses", "web_search", OPENAI[0])]
