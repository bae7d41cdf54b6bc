"""The request of the Responses API."""

import msgspec
from providers.chats import HERE, PLAIN, SCHEMA, SEEN, SET, SHAPED, TOOL, TOOLS, body

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
