"""What a provider refuses is the SDKs' own error, with what it takes to do better."""

from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest

pytestmark = pytest.mark.slow

HI: Any = [{"role": "user", "content": "hi"}]
TOO_LONG = b'{"error":{"message":"maximum context length is 8192 tokens","code":"context_length_exceeded"}}'


@pytest.fixture(scope="module")
def server(kept_serve: Callable[..., Any], kept_upstream: Any, wire: Any) -> Any:
    json = "application/json"
    kept_upstream.script("busy", wire.head(json, "429 No", "Retry-After: 7") + b"{}")
    kept_upstream.script("long", wire.head(json, "400 No") + TOO_LONG)
    kept_upstream.script("bad", wire.head(json, "400 No") + b'{"error":{"message":"too large","param":"max_tokens"}}')
    kept_upstream.script("key", wire.head(json, "401 No") + b"{}")
    refusal = b'data: {"choices":[{"index":0,"delta":{"refusal":"I cannot."}}]}\n\n'
    kept_upstream.script("refuses", wire.head() + refusal + wire.DONE)
    return kept_serve()


@pytest.fixture
def gpt(server: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="anything", max_retries=0)


@pytest.fixture
def claude(server: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=server.url, api_key="anything", max_retries=0)


def test_a_busy_provider_says_when_to_come_back(gpt: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    with pytest.raises(openai.RateLimitError) as chat:
        gpt.chat.completions.create(model="acme/busy", messages=HI)
    with pytest.raises(openai.RateLimitError) as response:
        gpt.responses.create(model="acme/busy", input="hi")
    with pytest.raises(anthropic.RateLimitError) as message:
        claude.messages.create(model="acme/busy", messages=HI, max_tokens=9)
    for raised in (chat, response, message):
        headers = raised.value.response.headers  # type: ignore[attr-defined]
        assert headers["retry-after"] == "7" and headers["x-should-retry"] == "true"


def test_a_conversation_that_is_too_long_is_known_by_its_code(gpt: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    with pytest.raises(openai.BadRequestError, match="the conversation is too long") as whole:
        gpt.chat.completions.create(model="acme/long", messages=HI)
    assert whole.value.code == "context_length_exceeded"
    with pytest.raises(openai.APIError) as streamed:
        list(gpt.chat.completions.create(model="acme/long", messages=HI, stream=True))
    assert streamed.value.code == "context_length_exceeded"
    last = list(gpt.responses.create(model="acme/long", input="hi", stream=True))[-1]
    assert last.type == "response.failed" and last.response.error
    assert last.response.error.code == "context_length_exceeded"
    asked: Any = {"model": "acme/long", "messages": HI, "max_tokens": 9}
    for stream in (False, True):
        with pytest.raises(anthropic.APIStatusError, match="prompt is too long") as raised:
            list(claude.messages.create(**asked, stream=stream))
        assert "invalid_request_error" in str(raised.value.body)


def test_a_field_that_a_provider_refuses_is_a_bad_request(gpt: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    with pytest.raises(openai.BadRequestError, match="the field max_tokens") as raised:
        gpt.chat.completions.create(model="acme/bad", messages=HI)
    assert raised.value.param == "max_tokens" and "retry-after" not in raised.value.response.headers
    with pytest.raises(anthropic.BadRequestError, match="the field max_tokens"):
        claude.messages.create(model="acme/bad", messages=HI, max_tokens=9)
    with pytest.raises(openai.InternalServerError, match="refused the API key"):
        gpt.chat.completions.create(model="acme/key", messages=HI)


def test_a_refusal_is_no_good_answer(gpt: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    choice = gpt.chat.completions.create(model="acme/refuses", messages=HI).choices[0]
    assert (choice.finish_reason, choice.message.content) == ("content_filter", "I cannot.")
    assert claude.messages.create(model="acme/refuses", messages=HI, max_tokens=9).stop_reason == "refusal"


def test_models_are_listed_for_anthropic_s_clients(claude: anthropic.Anthropic) -> None:
    model = next(model for model in claude.models.list() if model.id == "acme/busy")
    assert (model.type, model.display_name, model.created_at.year) == ("model", "busy", 1970)
    assert claude.models.retrieve("acme/busy") == model
