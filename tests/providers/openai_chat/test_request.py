"""The request of chat completions."""

import msgspec
import pytest
from providers.chats import ANY_JSON, ASKED, CALLED, HERE, PLAIN, RESULTS, SCHEMA, SEEN, SET, SHAPED, TOOLS, TURNS, body

from chatapp.chat import Chat, Message
from chatapp.errors import InvalidField
from chatapp.providers.openai_chat.adapter import OpenAIChat


def test_plain_turns_are_plain_strings():
    assert body(OpenAIChat, TURNS)["messages"] == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]


def test_tools_and_their_results():
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


def test_images_and_what_is_set():
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


@pytest.mark.parametrize(("style", "said"), [("deepseek", " "), ("moonshot", " "), ("glm", None), ("openrouter", None)])
def test_a_call_made_without_reasoning_carries_some_where_it_must(style, said):
    unthought = msgspec.structs.replace(CALLED, reasoning="")
    turn = body(OpenAIChat, Chat(model="m", messages=[ASKED, unthought, *RESULTS]), thinking=style)["messages"][1]
    assert turn.get("reasoning_content") == said


def test_azure_wants_the_key_in_a_header_of_its_own():
    azure = OpenAIChat("azure", None, "https://name.openai.azure.com/openai/v1")
    assert azure.authorization("k") == {"api-key": "k"}
    assert OpenAIChat("other", None).authorization("k") == {"Authorization": "Bearer k"}


@pytest.mark.parametrize(
    ("url", "refused", "taken"),
    [
        ("https://api.deepseek.com", SHAPED, ANY_JSON),
        ("https://api.z.ai/api/paas/v4", SHAPED, ANY_JSON),
        ("https://open.bigmodel.cn/api/paas/v4", SHAPED, ANY_JSON),
        ("https://api.perplexity.ai", ANY_JSON, SHAPED),
    ],
)
def test_a_shape_is_refused_where_the_server_does_not_keep_to_it(url, refused, taken):
    provider = OpenAIChat("acme", None, url)
    provider.check(taken)
    with pytest.raises(InvalidField, match="^(schema|json_mode): acme"):
        provider.check(refused)


def test_how_long_the_answer_is_to_be_is_carried():
    assert body(OpenAIChat, msgspec.structs.replace(PLAIN, verbosity="low"))["verbosity"] == "low"
    hinted = msgspec.structs.replace(PLAIN, verbosity="low", hints=["verbosity"])
    assert body(OpenAIChat, hinted, "https://api.openai.com/v1")["verbosity"] == "low"


def test_the_request_names_what_was_asked_for_and_nothing_else():
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    least = {"model": "m", "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
    more = msgspec.structs.replace(PLAIN, max_tokens=5, temperature=0.0)

    assert OpenAIChat("acme", None).request(PLAIN).path == "/chat/completions"
    assert body(OpenAIChat, PLAIN) == least
    assert body(OpenAIChat, more) == {**least, "max_tokens": 5, "temperature": 0.0}


def test_a_request_leaves_out_what_its_server_refuses():
    chat = msgspec.structs.replace(PLAIN, max_tokens=5, seed=7)
    for_openai = body(OpenAIChat, chat, base_url="https://api.openai.com/v1")
    for_mistral = body(OpenAIChat, chat, base_url="https://api.mistral.ai/v1")

    assert for_openai["max_completion_tokens"] == 5 and "max_tokens" not in for_openai
    assert for_mistral["max_tokens"] == 5 and "stream_options" not in for_mistral
    assert (for_openai["seed"], for_mistral["random_seed"]) == (7, 7)
