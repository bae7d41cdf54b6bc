"""The request of the Responses API."""

import msgspec
from providers.chats import ASKED, CALLED, HERE, PLAIN, RESULTS, SCHEMA, SEEN, SET, SHAPED, TOOL, TOOLS, body

from chatapp.chat import Chat, Message, Text, ToolSpec
from chatapp.events import ToolCall
from chatapp.providers.openai_responses.adapter import OpenAIResponses


def test_items():
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


def test_images_and_what_is_set():
    assert body(OpenAIResponses, SEEN)["input"][0]["content"][1] == {
        "type": "input_image",
        "image_url": HERE.url,
        "detail": "auto",
    }
    assert body(OpenAIResponses, SET)["max_output_tokens"] == 5
    assert body(OpenAIResponses, SHAPED)["text"]["format"]["schema"] == SCHEMA
    shaped = msgspec.structs.replace(SHAPED, verbosity="low")
    assert body(OpenAIResponses, shaped)["text"] == body(OpenAIResponses, SHAPED)["text"] | {"verbosity": "low"}
    assert body(OpenAIResponses, msgspec.structs.replace(PLAIN, verbosity="high"))["text"] == {"verbosity": "high"}
    assert "include" not in body(OpenAIResponses, PLAIN)
    reasoning = msgspec.structs.replace(PLAIN, model="gpt-5.1")
    assert body(OpenAIResponses, reasoning)["include"] == ["reasoning.encrypted_content"]


def test_a_tool_that_takes_free_text_is_one_here_and_so_are_its_calls():
    format = {"type": "grammar", "syntax": "lark", "definition": "start: x"}
    tool = ToolSpec("patch", "patches", SCHEMA, custom=format)
    call = ToolCall("c9", "function", "patch", {"input": "*** Begin"})
    turns = [
        Message("user", "u"),
        Message("assistant", "", tool_calls=[call]),
        Message("tool", "ok", tool_call_id="c9"),
    ]
    sent = body(OpenAIResponses, Chat(model="m", messages=turns, tools=[tool], tool_choice="patch"))

    assert sent["tools"] == [{"type": "custom", "name": "patch", "description": "patches", "format": format}]
    assert sent["tool_choice"] == {"type": "custom", "name": "patch"}
    assert sent["input"][1:] == [
        {"type": "custom_tool_call", "call_id": "c9", "name": "patch", "input": "*** Begin"},
        {"type": "custom_tool_call_output", "call_id": "c9", "output": "ok"},
    ]


def test_a_result_with_an_image_is_sent_whole():
    turns = [ASKED, CALLED, Message("tool", [Text("a"), HERE], tool_call_id="c1"), RESULTS[1]]
    output = next(item for item in body(OpenAIResponses, Chat(model="m", messages=turns))["input"] if "output" in item)
    assert output["output"] == [
        {"type": "input_text", "text": "a"},
        {"type": "input_image", "image_url": HERE.url, "detail": "auto"},
    ]


def test_the_key_of_the_cache_is_sent():
    assert "prompt_cache_key" not in body(OpenAIResponses, PLAIN)
    keyed = msgspec.structs.replace(PLAIN, cache_key="k")
    assert body(OpenAIResponses, keyed)["prompt_cache_key"] == "k"
