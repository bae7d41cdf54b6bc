"""Thinking on and off in every style. test_requests.py checks that the official libraries know the
fields.
"""

from typing import get_args

import msgspec
import pytest

from chatapp.chat import AnswerSchema, Chat, Effort, Message
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_responses.adapter import OpenAIResponses
from chatapp.providers.thinking import REASONING_SENT_BACK, STYLES
from chatapp.settings.tables import ThinkingStyle

ADAPTIVE = {"thinking": {"type": "adaptive", "display": "summarized"}}
BUDGET = {"thinking": {"type": "enabled", "budget_tokens": 8192}}
DISABLED = {"thinking": {"type": "disabled"}}


def config(thoughts: bool, **more: object) -> dict[str, object]:
    return {"thinkingConfig": {"includeThoughts": thoughts, **more}}


SWITCHES = [
    ("none", "m", {}, {}),
    ("openai", "gpt-4.1", {"reasoning_effort": "medium"}, {}),
    ("openai", "openai/gpt-5-mini", {"reasoning_effort": "medium"}, {"reasoning_effort": "low"}),
    ("responses", "gpt-5.1", {"reasoning": {"effort": "medium", "summary": "auto"}}, {"reasoning": {"effort": "low"}}),
    ("responses", "gpt-4.1", {"reasoning": {"effort": "medium", "summary": "auto"}}, {}),
    ("anthropic", "claude-3-7-sonnet-latest", BUDGET, DISABLED),
    ("anthropic", "claude-sonnet-4-20250514", BUDGET, DISABLED),
    ("anthropic", "claude-opus-4-5-20251101", BUDGET, DISABLED),
    ("anthropic", "claude-sonnet-4-6", ADAPTIVE, DISABLED),
    ("anthropic", "anthropic.claude-opus-4-7-v1", ADAPTIVE, DISABLED),
    ("anthropic", "claude-opus-5", ADAPTIVE, DISABLED),
    ("anthropic", "claude-fable-5", ADAPTIVE, {}),  # always thinks
    ("anthropic", "smollm2", BUDGET, DISABLED),  # another's server
    ("gemini", "gemini-2.5-flash", config(True, thinkingBudget=-1), config(False, thinkingBudget=0)),
    ("gemini", "gemini-2.5-pro", config(True, thinkingBudget=-1), config(False, thinkingBudget=128)),
    ("gemini", "gemini-3-pro-preview", config(True, thinkingLevel="high"), config(False, thinkingLevel="low")),
    ("gemini", "gemini-3.5-flash", config(True, thinkingLevel="high"), config(False, thinkingLevel="minimal")),
    ("ollama", "qwen3", {"think": True}, {"think": False}),
    ("ollama", "gpt-oss:20b", {"think": "medium"}, {"think": "low"}),
    ("deepseek", "m", {"thinking": {"type": "enabled"}}, DISABLED),
    ("moonshot", "m", {"thinking": {"type": "enabled"}}, DISABLED),
    ("glm", "m", {"thinking": {"type": "enabled"}}, DISABLED),
    ("qwen", "m", {"enable_thinking": True}, {"enable_thinking": False}),
    ("bella", "m", {"enable_thinking": True}, {"enable_thinking": False}),
    ("mistral", "mistral-small-latest", {"reasoning_effort": "high"}, {"reasoning_effort": "none"}),
    ("mistral", "codestral-latest", {}, {}),
    (
        "groq",
        "openai/gpt-oss-20b",
        {"include_reasoning": True, "reasoning_effort": "medium"},
        {"include_reasoning": False, "reasoning_effort": "low"},
    ),
    (
        "groq",
        "qwen/qwen3-32b",
        {"reasoning_format": "parsed", "reasoning_effort": "default"},
        {"reasoning_effort": "none"},
    ),
    ("groq", "llama-3.3-70b-versatile", {}, {}),
    ("xai", "grok-3-mini", {"reasoning_effort": "high"}, {"reasoning_effort": "low"}),
    ("xai", "grok-4.3", {"reasoning_effort": "medium"}, {"reasoning_effort": "none"}),
    ("xai", "grok-4-fast-reasoning", {}, {}),
    ("cerebras", "gpt-oss-120b", {"reasoning_effort": "medium"}, {"reasoning_effort": "low"}),
    ("cerebras", "zai-glm-4.7", {}, {"reasoning_effort": "none"}),
    ("cerebras", "llama3.1-8b", {}, {}),
    ("openrouter", "m", {"reasoning": {"enabled": True}}, {"reasoning": {"effort": "none"}}),
    *(
        (
            style,
            "m",
            {"chat_template_kwargs": {"enable_thinking": True}},
            {"chat_template_kwargs": {"enable_thinking": False}},
        )
        for style in ("vllm", "llamacpp")
    ),
]


@pytest.mark.parametrize(("style", "model", "on", "off"), SWITCHES)
def test_thinking_is_switched_in_the_providers_style(style, model, on, off):
    assert (STYLES[style](model, True, None), STYLES[style](model, False, None)) == (on, off)


EFFORTS = [
    ("openai", "o4-mini", "low", {"reasoning_effort": "low"}),
    ("openai", "o4-mini", "high", {"reasoning_effort": "high"}),
    ("openai", "gpt-5-mini", "minimal", {"reasoning_effort": "minimal"}),
    ("openai", "gpt-5.1", "none", {"reasoning_effort": "none"}),
    ("responses", "gpt-5.1", "high", {"reasoning": {"effort": "high", "summary": "auto"}}),
    ("responses", "gpt-5-mini", "minimal", {"reasoning": {"effort": "minimal"}}),
    ("anthropic", "claude-sonnet-4-5", "low", {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
    ("anthropic", "claude-sonnet-4-5", "max", {"thinking": {"type": "enabled", "budget_tokens": 20480}}),
    ("anthropic", "claude-opus-4-6", "max", ADAPTIVE | {"output_config": {"effort": "max"}}),
    ("anthropic", "claude-opus-4-6", "none", DISABLED),
    ("gemini", "gemini-2.5-pro", "low", config(True, thinkingBudget=1024)),
    ("gemini", "gemini-2.5-pro", "minimal", config(False, thinkingBudget=128)),
    ("gemini", "gemini-3.5-flash", "medium", config(True, thinkingLevel="medium")),
    ("ollama", "gpt-oss:20b", "high", {"think": "high"}),
    ("ollama", "qwen3", "high", {"think": True}),
    ("mistral", "mistral-small-latest", "high", {"reasoning_effort": "high"}),
    ("groq", "openai/gpt-oss-20b", "high", {"include_reasoning": True, "reasoning_effort": "high"}),
    ("xai", "grok-4.3", "low", {"reasoning_effort": "low"}),
    ("cerebras", "gpt-oss-120b", "high", {"reasoning_effort": "high"}),
    ("openrouter", "m", "xhigh", {"reasoning": {"effort": "xhigh"}}),
    ("deepseek", "m", "low", {"thinking": {"type": "enabled"}}),
    ("none", "m", "low", {}),
]


@pytest.mark.parametrize(("style", "model", "effort", "fields"), EFFORTS)
def test_an_effort_goes_as_it_came_where_the_provider_has_words_or_tokens_for_it(style, model, effort, fields):
    assert STYLES[style](model, effort not in ("none", "minimal"), effort) == fields


def test_every_style_takes_every_effort():
    for switch in STYLES.values():
        for effort in get_args(Effort):
            for model in ("m", "claude-sonnet-4", "gemini-2.5-pro"):
                switch(model, effort not in ("none", "minimal"), effort)


def test_every_style_of_the_settings_has_a_switch_and_stands_here():
    assert set(STYLES) == set(get_args(ThinkingStyle)) == {style for style, *_ in SWITCHES}
    assert set(REASONING_SENT_BACK) <= set(STYLES)


@pytest.mark.parametrize(
    ("adapter", "switch"),
    [
        (OpenAIChat, {}),
        (OpenAIResponses, {"reasoning": {"effort": "medium", "summary": "auto"}}),
        (Anthropic, BUDGET),
        (Gemini, {"generationConfig": config(True, thinkingLevel="high")}),
        (Ollama, {"think": True}),
    ],
)
def test_each_protocol_has_a_style_of_its_own_and_takes_another(adapter, switch):
    chat = Chat(model="m", messages=[Message("user", "u")])
    thinking = msgspec.structs.replace(chat, thinking=True)

    asked_nothing = adapter("acme", None).request(chat).body
    added = {name: value for name, value in adapter("acme", None).request(thinking).body.items() if name in switch}
    assert added == switch
    assert not switch.keys() & asked_nothing.keys()
    assert adapter("acme", None, thinking="none").request(thinking).body == asked_nothing


def test_claude_is_told_the_effort_beside_the_schema_of_its_answer():
    chat = Chat(
        model="claude-opus-4-6", messages=[Message("user", "u")], thinking=True, effort="low", schema=AnswerSchema({})
    )
    config = Anthropic("acme", None).request(chat).body["output_config"]
    assert config == {"effort": "low", "format": {"type": "json_schema", "schema": {}}}
