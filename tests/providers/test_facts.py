"""What is known of models: by their names, and by what their providers list of them."""

import json

import pytest

from chatapp.providers.facts import ModelFacts, ModelPrice, Thinking, known_facts
from chatapp.providers.listed_facts import listed_facts
from chatapp.providers.thinking import STYLES
from chatapp.settings.tables import ThinkingStyle


@pytest.mark.parametrize(
    ("style", "model", "pictures", "thinking"),
    [
        ("responses", "gpt-5.1", True, "switch"),
        ("openai", "gpt-4o-mini", True, "never"),
        ("openai", "o3-mini", False, "switch"),
        ("openai", "gpt-3.5-turbo", False, "never"),
        ("anthropic", "claude-sonnet-4-6", True, "switch"),
        ("anthropic", "claude-3-5-haiku-latest", True, "never"),
        ("anthropic", "claude-fable-5", True, "always"),
        ("gemini", "gemini-2.5-flash", True, "switch"),
        ("gemini", "gemini-2.0-flash", True, "never"),
        ("deepseek", "deepseek-chat", False, None),
        ("deepseek", "deepseek-reasoner", False, "always"),
        ("openrouter", "meta-llama/llama-3.3-70b-instruct", False, "never"),
        ("ollama", "llava:7b", True, "never"),
        ("mistral", "pixtral-large-latest", True, "never"),
        ("llamacpp", "smollm2-135m", False, "never"),
        ("vllm", "some-model", None, None),
        ("none", "some-model", None, "never"),
    ],
)
def test_a_name_tells_what_a_model_can_do(
    style: ThinkingStyle, model: str, pictures: bool | None, thinking: Thinking | None
) -> None:
    facts = known_facts(style, model)
    assert (facts.pictures, facts.thinking) == (pictures, thinking)


def test_a_model_with_a_switch_is_asked_differently_on_and_off() -> None:
    for style, model in (("openai", "gpt-5"), ("anthropic", "claude-opus-4-5"), ("gemini", "gemini-3-flash")):
        assert known_facts(style, model).thinking == "switch"  # type: ignore[arg-type]
        think = STYLES[style]  # type: ignore[index]
        assert think(model, True, None) != think(model, False, None)


LISTS = {
    "openrouter": {
        "data": [
            {
                "id": "a/m",
                "context_length": 131072,
                "architecture": {"input_modalities": ["text", "image"]},
                "supported_parameters": ["tools", "reasoning"],
                "pricing": {"prompt": "0.0000005", "completion": "0.0000015"},
            }
        ]
    },
    "mistral": {
        "data": [{"id": "m", "max_context_length": 32768, "capabilities": {"vision": False, "function_calling": True}}]
    },
    "gemini": {"models": [{"name": "models/m", "inputTokenLimit": 1048576, "thinking": False}]},
    "vllm": {"data": [{"id": "m", "max_model_len": 8192}]},
    "anthropic": {
        "data": [{"id": "m", "max_input_tokens": 200000, "capabilities": {"image_input": {"supported": True}}}]
    },
}
FOUND = {
    "openrouter": ModelFacts(True, True, "switch", 131072, ModelPrice(0.5, 1.5, "USD")),
    "mistral": ModelFacts(False, True, None, 32768),
    "gemini": ModelFacts(None, None, "never", 1048576),
    "vllm": ModelFacts(context=8192),
    "anthropic": ModelFacts(True, context=200000),
}


@pytest.mark.parametrize("provider", LISTS)
def test_a_list_tells_more(provider: str) -> None:
    assert list(listed_facts(json.dumps(LISTS[provider]).encode()).values()) == [FOUND[provider]]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"data": 1}',
        b'{"data": [{"id": 1, "context_length": "x"}]}',
        b'{"data": [{"id": "m", "pricing": {"prompt": "1e999", "completion": "0"}}]}',
        b'{"data": [{"id": "m", "pricing": {"prompt": "nan", "completion": "-1"}}]}',
        b'{"data": [{"id": "m", "architecture": %s}]}' % (b"[" * 9999 + b"]" * 9999),
    ],
)
def test_what_has_another_form_is_not_known(body: bytes) -> None:
    assert listed_facts(body) == {}


def test_what_a_list_says_goes_before_what_a_name_tells() -> None:
    listed = ModelFacts(pictures=False, context=10)
    assert listed.over(known_facts("openai", "gpt-4o")) == ModelFacts(False, None, "never", 10)
