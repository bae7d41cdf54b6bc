"""Any in, any out: what a client asks in its protocol reaches an upstream of any other, and the answer comes back.

Tools, their results and images are carried over; what cannot be is refused before the upstream is asked.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chatapp.wire.frames import SSEDecoder

pytestmark = pytest.mark.slow

PNG = "iVBORw0KGgo="
DATA_URL = f"data:image/png;base64,{PNG}"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "weather", "description": "of a city", "parameters": SCHEMA}
PARIS, OSLO = {"city": "Paris"}, {"city": "Oslo"}
USED = (7, 5)

ASKED = {
    "system": "be brief",
    "question": "how is it there?",
    "image": PNG,
    "call": ("weather", PARIS),
    "result": "seven degrees",
    "last": "and in Oslo?",
    "tools": [("weather", SCHEMA)],
    "max_tokens": 77,
}

# What a client sends, by its protocol: each says the same.


def ask_openai(model: str, **more: Any) -> tuple[str, dict[str, Any]]:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": json.dumps(PARIS)}}
    picture = {"type": "image_url", "image_url": {"url": DATA_URL}}
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "how is it there?"}, picture]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "seven degrees"},
        {"role": "user", "content": "and in Oslo?"},
    ]
    tools = [{"type": "function", "function": FUNCTION}]
    return "/v1/chat/completions", {"model": model, "messages": messages, "tools": tools, "max_tokens": 77, **more}


def ask_responses(model: str, **more: Any) -> tuple[str, dict[str, Any]]:
    picture = {"type": "input_image", "image_url": DATA_URL}
    given = [
        {"role": "user", "content": [{"type": "input_text", "text": "how is it there?"}, picture]},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": json.dumps(PARIS)},
        {"type": "function_call_output", "call_id": "c1", "output": "seven degrees"},
        {"role": "user", "content": "and in Oslo?"},
    ]
    rest = {"instructions": "be brief", "tools": [{"type": "function", **FUNCTION}], "max_output_tokens": 77}
    return "/v1/responses", {"model": model, "input": given, **rest, **more}


def ask_anthropic(model: str, **more: Any) -> tuple[str, dict[str, Any]]:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "seven degrees"}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "how is it there?"}, picture]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": PARIS}]},
        {"role": "user", "content": [result, {"type": "text", "text": "and in Oslo?"}]},
    ]
    tools = [{"name": "weather", "description": "of a city", "input_schema": SCHEMA}]
    rest = {"system": "be brief", "tools": tools, "max_tokens": 77}
    return "/v1/messages", {"model": model, "messages": messages, **rest, **more}


def ask_ui(model: str, **more: Any) -> tuple[str, dict[str, Any]]:
    picture = {"type": "file", "mediaType": "image/png", "url": DATA_URL}
    called = {"type": "dynamic-tool", "toolName": "weather", "toolCallId": "c1", "state": "output-available"}
    messages = [
        {"role": "system", "parts": [{"type": "text", "text": "be brief"}]},
        {"role": "user", "parts": [{"type": "text", "text": "how is it there?"}, picture]},
        {"role": "assistant", "parts": [{**called, "input": PARIS, "output": "seven degrees"}]},
        {"role": "user", "parts": [{"type": "text", "text": "and in Oslo?"}]},
    ]
    rest = {"tools": ["calculate"], "max_tokens": 77}  # a page offers the server's tools
    return "/api/ui/chat", {"id": f"chat-{model}", "model": model, "messages": messages, **rest, **more}


def ask_agui(model: str, **more: Any) -> tuple[str, dict[str, Any]]:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": json.dumps(PARIS)}}
    picture = {"type": "image", "source": {"type": "data", "mimeType": "image/png", "value": PNG}}
    messages = [
        {"id": "0", "role": "system", "content": "be brief"},
        {"id": "1", "role": "user", "content": [{"type": "text", "text": "how is it there?"}, picture]},
        {"id": "2", "role": "assistant", "toolCalls": [call]},
        {"id": "3", "role": "tool", "toolCallId": "c1", "content": "seven degrees"},
        {"id": "4", "role": "user", "content": "and in Oslo?"},
    ]
    rest = {"tools": [FUNCTION], "forwardedProps": {"model": model, "max_tokens": 77, **more}}
    return "/api/agui", {"threadId": "t", "runId": "r", "messages": messages, **rest}


ASK: dict[str, Callable[..., tuple[str, dict[str, Any]]]] = {
    "openai": ask_openai,
    "responses": ask_responses,
    "anthropic": ask_anthropic,
    "ui": ask_ui,
    "agui": ask_agui,
}

# What an upstream was asked, by its protocol, in the words of ASKED.


def asked_openai(body: Any) -> dict[str, Any]:
    system, question, called, result, last = body["messages"]
    (call,) = called["tool_calls"]
    return {
        "system": system["content"],
        "question": question["content"][0]["text"],
        "image": question["content"][1]["image_url"]["url"].removeprefix("data:image/png;base64,"),
        "call": (call["function"]["name"], json.loads(call["function"]["arguments"])),
        "result": result["content"],
        "last": last["content"],
        "tools": [(tool["function"]["name"], tool["function"]["parameters"]) for tool in body["tools"]],
        "max_tokens": body["max_tokens"],
    }


def asked_responses(body: Any) -> dict[str, Any]:
    system, question, call, result, last = body["input"]
    return {
        "system": system["content"][0]["text"],
        "question": question["content"][0]["text"],
        "image": question["content"][1]["image_url"].removeprefix("data:image/png;base64,"),
        "call": (call["name"], json.loads(call["arguments"])),
        "result": result["output"],
        "last": last["content"][0]["text"],
        "tools": [(tool["name"], tool["parameters"]) for tool in body["tools"]],
        "max_tokens": body["max_output_tokens"],
    }


def asked_anthropic(body: Any) -> dict[str, Any]:
    question, called, rest = (message["content"] for message in body["messages"])
    return {
        "system": body["system"],
        "question": question[0]["text"],
        "image": question[1]["source"]["data"],
        "call": (called[0]["name"], called[0]["input"]),
        "result": rest[0]["content"][0]["text"],
        "last": rest[1]["text"],
        "tools": [(tool["name"], tool["input_schema"]) for tool in body["tools"]],
        "max_tokens": body["max_tokens"],
    }


def asked_gemini(body: Any) -> dict[str, Any]:
    question, called, rest = (content["parts"] for content in body["contents"])
    functions = body["tools"][0]["functionDeclarations"]
    return {
        "system": body["systemInstruction"]["parts"][0]["text"],
        "question": question[0]["text"],
        "image": question[1]["inlineData"]["data"],
        "call": (called[0]["functionCall"]["name"], called[0]["functionCall"]["args"]),
        "result": rest[0]["functionResponse"]["response"]["result"],
        "last": rest[1]["text"],
        "tools": [(function["name"], function["parametersJsonSchema"]) for function in functions],
        "max_tokens": body["generationConfig"]["maxOutputTokens"],
    }


def asked_ollama(body: Any) -> dict[str, Any]:
    system, question, called, result, last = body["messages"]
    (call,) = called["tool_calls"]
    return {
        "system": system["content"],
        "question": question["content"],
        "image": question["images"][0],
        "call": (call["function"]["name"], call["function"]["arguments"]),
        "result": result["content"],
        "last": last["content"],
        "tools": [(tool["function"]["name"], tool["function"]["parameters"]) for tool in body["tools"]],
        "max_tokens": body["options"]["num_predict"],
    }


WAS_ASKED: dict[str, Callable[[Any], dict[str, Any]]] = {
    "openai": asked_openai,
    "openai-responses": asked_responses,
    "anthropic": asked_anthropic,
    "gemini": asked_gemini,
    "ollama": asked_ollama,
}

# What an upstream says, by its protocol: a text, then, where it is to call, a call of the tool.


def sse(*events: object) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)


def say_openai(calls: bool) -> bytes:
    function = {"name": "weather", "arguments": json.dumps(OSLO)}
    call = {"tool_calls": [{"index": 0, "id": "c9", "type": "function", "function": function}]}
    deltas = [{"role": "assistant", "content": "I look."}, *([call] if calls else [])]
    last = {"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"}
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    return sse(*chunks, {"choices": [last], "usage": usage}) + b"data: [DONE]\n\n"


def say_responses(calls: bool) -> bytes:
    item = {"type": "function_call", "id": "fc", "call_id": "c9", "name": "weather", "arguments": ""}
    whole = {**item, "arguments": json.dumps(OSLO)}
    call = [
        {"type": "response.output_item.added", "output_index": 1, "item": item},
        {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": json.dumps(OSLO)},
        {"type": "response.output_item.done", "output_index": 1, "item": whole},
    ]
    usage = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}
    return sse(
        {"type": "response.output_text.delta", "output_index": 0, "delta": "I look."},
        *(call if calls else []),
        {"type": "response.completed", "response": {"status": "completed", "usage": usage}},
    )


def say_anthropic(calls: bool) -> bytes:
    delta = {"type": "input_json_delta", "partial_json": json.dumps(OSLO)}
    use = {"type": "tool_use", "id": "c9", "name": "weather", "input": {}}
    call = [
        {"type": "content_block_start", "index": 1, "content_block": use},
        {"type": "content_block_delta", "index": 1, "delta": delta},
        {"type": "content_block_stop", "index": 1},
    ]
    return sse(
        {"type": "message_start", "message": {"usage": {"input_tokens": 7, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "I look."}},
        {"type": "content_block_stop", "index": 0},
        *(call if calls else []),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    )


def say_gemini(calls: bool) -> bytes:
    parts = [{"text": "I look."}, *([{"functionCall": {"name": "weather", "args": OSLO}}] if calls else [])]
    usage = {"promptTokenCount": 7, "candidatesTokenCount": 5, "totalTokenCount": 12}
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
    return sse({"candidates": [candidate], "usageMetadata": usage})


def say_ollama(calls: bool) -> bytes:
    call = {"message": {"content": "", "tool_calls": [{"function": {"name": "weather", "arguments": OSLO}}]}}
    last = {"done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 5}
    lines = [{"message": {"content": "I look."}}, *([call] if calls else []), last]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


SAY: dict[str, Callable[[bool], bytes]] = {
    "openai": say_openai,
    "openai-responses": say_responses,
    "anthropic": say_anthropic,
    "gemini": say_gemini,
    "ollama": say_ollama,
}

# What a client is answered: (text, calls, how it ended, tokens used).

Answer = tuple[str, list[tuple[str, Any]], str, tuple[int, int]]


def answered_openai(response: Any) -> Answer:
    body = response.json()
    choice, usage = body["choices"][0], body["usage"]
    functions = [call["function"] for call in choice["message"].get("tool_calls", [])]
    calls = [(function["name"], json.loads(function["arguments"])) for function in functions]
    used = (usage["prompt_tokens"], usage["completion_tokens"])
    return choice["message"]["content"], calls, choice["finish_reason"], used


def answered_responses(response: Any) -> Answer:
    body = response.json()
    texts = [item["content"][0]["text"] for item in body["output"] if item["type"] == "message"]
    functions = [item for item in body["output"] if item["type"] == "function_call"]
    calls = [(function["name"], json.loads(function["arguments"])) for function in functions]
    return "".join(texts), calls, body["status"], (body["usage"]["input_tokens"], body["usage"]["output_tokens"])


def answered_anthropic(response: Any) -> Answer:
    body = response.json()
    text = "".join(block["text"] for block in body["content"] if block["type"] == "text")
    calls = [(block["name"], block["input"]) for block in body["content"] if block["type"] == "tool_use"]
    return text, calls, body["stop_reason"], (body["usage"]["input_tokens"], body["usage"]["output_tokens"])


def answered_ui(response: Any) -> Answer:
    chunks = [json.loads(event.data) for event in SSEDecoder().feed(response.content) if event.data != "[DONE]"]
    text = "".join(chunk["delta"] for chunk in chunks if chunk["type"] == "text-delta")
    calls = [(chunk["toolName"], chunk["input"]) for chunk in chunks if chunk["type"] == "tool-input-available"]
    usage = chunks[-1]["messageMetadata"]["usage"]
    return text, calls, chunks[-1]["finishReason"], (usage["prompt"], usage["completion"])


def answered_agui(response: Any) -> Answer:
    events = [json.loads(event.data) for event in SSEDecoder().feed(response.content)]
    text = "".join(event["delta"] for event in events if event["type"] == "TEXT_MESSAGE_CONTENT")
    names = [event["toolCallName"] for event in events if event["type"] == "TOOL_CALL_START"]
    arguments = "".join(event["delta"] for event in events if event["type"] == "TOOL_CALL_ARGS")
    usage = events[-1]["usage"][0]
    calls = [(name, json.loads(arguments)) for name in names]
    return text, calls, events[-1]["result"]["finish_reason"], (usage["inputTokens"], usage["outputTokens"])


ANSWERED: dict[str, Callable[[Any], Answer]] = {
    "openai": answered_openai,
    "responses": answered_responses,
    "anthropic": answered_anthropic,
    "ui": answered_ui,
    "agui": answered_agui,
}
ENDED = {"openai": "tool_calls", "responses": "completed", "anthropic": "tool_use", "ui": "stop", "agui": "stop"}


PROVIDER = """
[providers.to-{0}]
type = "{0}"
base_url = "{1}"
api_key_env = "ACME_KEY"
models = ["calls-{0}", "says-{0}"]
"""


@pytest.fixture(scope="module")
def server(module_server: Any, kept_upstream: Any, wire: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    config = tmp_path_factory.mktemp("any") / "chatapp.toml"
    config.write_text("".join(PROVIDER.format(protocol, kept_upstream.url) for protocol in SAY))
    for protocol, say in SAY.items():
        type_ = "application/x-ndjson" if protocol == "ollama" else "text/event-stream"
        for word in ("calls", "says"):
            model = f"{word}-{protocol}"
            asked_by = f"/models/{model}:streamGenerateContent?alt=sse" if protocol == "gemini" else model
            kept_upstream.script(asked_by, wire.head(type_), say(word == "calls"))
    return module_server(CHATAPP_CONFIG=str(config), ACME_KEY=wire.KEY)


@pytest.fixture
def client(server: Any) -> Any:
    return server.client()


@pytest.fixture
def upstream(kept_upstream: Any) -> Any:
    """That was asked nothing yet."""
    kept_upstream.requests.clear()
    return kept_upstream


def test_what_is_asked_in_any_protocol_reaches_any_other_and_the_answer_comes_back(client: Any, upstream: Any) -> None:
    for shape, ask in ASK.items():
        for protocol, was_asked in WAS_ASKED.items():
            word = "says" if shape == "ui" else "calls"
            path, body = ask(f"to-{protocol}/{word}-{protocol}")
            response = client.post(path, body)
            assert response.ok, (shape, protocol, response.text)
            asked = was_asked(upstream.requests[-1][2])
            if shape == "ui":
                assert [name for name, _ in asked["tools"]] == ["calculate"]
                asked["tools"] = ASKED["tools"]
            assert asked == ASKED, (shape, protocol)
            calls = [] if shape == "ui" else [("weather", OSLO)]
            assert ANSWERED[shape](response) == ("I look.", calls, ENDED[shape], USED), (shape, protocol)


PICTURE = {"type": "image", "source": {"type": "url", "url": "https://pictures.example/a.png"}}
SEEN = [
    {"role": "user", "content": "?"},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": PARIS}]},
    {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "c1",
                "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}],
            }
        ],
    },
]


def test_an_image_in_a_tool_s_result_reaches_an_upstream_of_any_protocol(client: Any, upstream: Any) -> None:
    for protocol in SAY:
        path, body = ask_anthropic(f"to-{protocol}/says-{protocol}", messages=SEEN)
        assert client.post(path, body).ok
        assert PNG in json.dumps(upstream.requests[-1][2]), protocol


REFUSED: list[tuple[str, dict[str, Any], list[str], str]] = [
    ("openai", {"seed": 7}, ["anthropic", "openai-responses"], "seed"),
    ("openai", {"stop": ["x"]}, ["openai-responses"], "stop"),
    ("openai", {"tool_choice": "required"}, ["ollama"], "tool_choice"),
    ("openai", {"temperature": 1.5}, ["anthropic"], "temperature"),
    ("anthropic", {"stop_sequences": ["x"]}, ["openai-responses"], "stop"),
    ("anthropic", {"messages": [{"role": "user", "content": [PICTURE]}]}, ["gemini", "ollama"], "messages"),
]


def test_what_an_upstream_cannot_be_asked_is_refused_before_it_is(client: Any, upstream: Any) -> None:
    for shape, more, protocols, field in REFUSED:
        for protocol in protocols:
            path, body = ASK[shape](f"to-{protocol}/calls-{protocol}", **more)
            response = client.post(path, body)
            error = response.json()["error"]
            assert response.status_code == 400 and error["message"].startswith(f"{field}: to-{protocol} "), error
            assert error["type"] == "invalid_request_error"
    assert upstream.requests == []
