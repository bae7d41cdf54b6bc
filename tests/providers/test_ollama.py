import json

import msgspec
import pytest
from providers.chats import PNG, SCHEMA, SEEN, SET, SHAPED, TOOLS, body

from chatapp.chat import Chat, Message
from chatapp.errors import BadReply, EmptyReply, Reported, Truncated
from chatapp.events import ReasoningDelta, TextDelta, ToolCall, Usage
from chatapp.providers import Finished
from chatapp.providers.ollama import Ollama


@pytest.fixture
def ollama(upstream):
    return Ollama("home", upstream)


def ndjson(*lines):
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


DONE = {"message": {"content": ""}, "done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 4}


def test_thinking_text_and_tools_come_in_their_order(ollama, read):
    calls = [{"function": {"name": "f", "arguments": {"x": 1}}}, {"id": "b", "function": {"name": "g"}}]
    body = ndjson(
        {"message": {"thinking": "t"}}, {"message": {"content": "a"}}, {"message": {"tool_calls": calls}}, DONE
    )

    assert read(ollama, body).items == [
        ReasoningDelta("t"),
        TextDelta("a"),
        ToolCall("call_0", "function", "f", {"x": 1}),
        ToolCall("b", "function", "g", {}),
        Finished("stop", Usage(3, 4, 7)),
    ]


def test_the_limit_is_the_finish_reason(ollama, read):
    assert read(ollama, ndjson({"done": True, "done_reason": "length"})).finish == Finished("length")


def test_an_error_line_ends_the_reply(ollama, read):
    reading = read(ollama, ndjson({"message": {"content": "a"}}, {"error": "out of memory"}))

    assert reading.text == "a"
    assert isinstance(reading.error, Reported)
    assert "memory" not in reading.error.message


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", Truncated),
        (ndjson({"message": {"content": "a"}}), Truncated),
        (ndjson({"message": {"content": "a"}}) + b'{"mess', Truncated),
        (b"hello\n", EmptyReply),
        (b"<html>", BadReply),
        (b"[]\n", EmptyReply),
    ],
)
def test_a_200_that_is_no_reply_is_an_error(ollama, read, body, error):
    assert type(read(ollama, body).error) is error


def test_the_request_names_what_was_asked_for_and_nothing_else(ollama):
    chat = Chat(model="m", messages=[Message("user", "u")])
    least = {"model": "m", "messages": [{"role": "user", "content": "u"}], "stream": True}
    more = msgspec.structs.replace(chat, thinking=False, max_tokens=5, temperature=0.0)

    assert ollama.request(chat).path == "/api/chat"
    assert ollama.request(chat).body == least
    assert ollama.request(more).body == {**least, "think": False, "options": {"num_predict": 5, "temperature": 0.0}}


def test_messages():
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


def test_images_and_what_is_set():
    assert body(Ollama, SEEN)["messages"] == [{"role": "user", "content": "what is it?", "images": [PNG]}]
    sent = body(Ollama, msgspec.structs.replace(SET, stop=["."], seed=7))
    assert sent["options"] == {"num_predict": 5, "temperature": 0.5, "top_p": 0.9, "stop": ["."], "seed": 7}
    assert body(Ollama, SHAPED)["format"] == SCHEMA


def test_a_reply_in_one_line_is_cut_like_one_in_one_body(ollama, read):
    text = "This server ignored `stream`. 👨‍👩‍👧‍👦"
    reading = read(ollama, ndjson({**DONE, "message": {"content": text}}))
    pieces = [item.text for item in reading.items if isinstance(item, TextDelta)]
    assert "".join(pieces) == text and len(pieces) >= 8 and pieces[-1].endswith("👨‍👩‍👧‍👦")
