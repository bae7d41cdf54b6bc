"""Replies of servers that are sloppy, in every protocol: each row is an oddity in its own form.

A failure is never a success, an odd detail never costs a good reply, what comes late is given once,
and every call is itself.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from chatapp.errors import BadReply, EmptyReply, Reported, Truncated, UpstreamError
from chatapp.events import TextDelta, ToolCall, ToolInputDelta, ToolResult
from chatapp.providers import Finished
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_responses.adapter import OpenAIResponses
from chatapp.wire.upstream import Upstream

UPSTREAM = Upstream()
Frames = list[object]


class Protocol:
    """`say`: frames that say a text, without its end. `stop`: the frames of a good end."""

    def __init__(
        self, adapter: type, start: Frames, say: Callable[[str], Frames], stop: Frames, done: bytes = b""
    ) -> None:
        self.adapter, self.start, self.say, self.stop, self.done = adapter, start, say, stop, done
        self.lines = adapter is Ollama

    def body(self, frames: Iterable[object]) -> bytes:
        return b"".join(map(self.frame, frames)) + self.done

    def frame(self, frame: object) -> bytes:
        """A dict is JSON, a string is data, bytes are the frame itself."""
        if isinstance(frame, bytes):
            return frame
        text = frame if isinstance(frame, str) else json.dumps(frame)
        return (f"{text}\n" if self.lines else f"data: {text}\n\n").encode()


def delta(d: object = None, finish: str | None = None, **more: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": d or {}, "finish_reason": finish, **more}]}


def text_block(text: object, **more: object) -> dict[str, object]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}, **more}


def candidate(*parts: object, **more: object) -> dict[str, object]:
    return {"candidates": [{"content": {"parts": list(parts)}, **more}]}


def item(type: str, index: int = 0, **fields: object) -> dict[str, object]:
    return {"type": "response.output_item.done", "output_index": index, "item": {"type": type, **fields}}


def completed(*output: object, **more: object) -> dict[str, object]:
    return {"type": "response.completed", "response": {"status": "completed", "output": list(output), **more}}


PROTOCOLS = {
    "openai-chat": Protocol(
        OpenAIChat, [], lambda text: [delta({"content": text})], [delta(finish="stop")], b"data: [DONE]\n\n"
    ),
    "openai-responses": Protocol(
        OpenAIResponses,
        [{"type": "response.created", "response": {"status": "in_progress", "output": []}}],
        lambda text: [{"type": "response.output_text.delta", "output_index": 0, "delta": text}],
        [{"type": "response.completed", "response": {"status": "completed"}}],
    ),
    "anthropic": Protocol(
        Anthropic,
        [
            {"type": "message_start", "message": {"content": []}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        ],
        lambda text: [text_block(text)],
        [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
            {"type": "message_stop"},
        ],
    ),
    "gemini": Protocol(Gemini, [], lambda text: [candidate({"text": text})], [candidate(finishReason="STOP")]),
    "ollama": Protocol(
        Ollama,
        [],
        lambda text: [{"message": {"role": "assistant", "content": text}}],
        [{"message": {"content": ""}, "done": True, "done_reason": "stop"}],
    ),
}
SSE = [name for name in PROTOCOLS if name != "ollama"]


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> Protocol:
    return PROTOCOLS[request.param]


@pytest.fixture
def play(read: Any) -> Callable[..., Any]:
    def play(protocol: Protocol, frames: Iterable[object]) -> Any:
        return read(protocol.adapter("acme", UPSTREAM), protocol.body(frames))

    return play


def hello(protocol: Protocol, *between: object, after: Iterable[object] = ()) -> Frames:
    return [*protocol.start, *protocol.say("Hel"), *between, *protocol.say("lo"), *protocol.stop, *after]


def assert_hello(reading: Any) -> None:
    assert reading.error is None
    assert (reading.text, reading.finish.reason) == ("Hello", "stop")


# A failure, wherever and however it is said

FAILURES: dict[str, object] = {
    "error, an object": {"error": {"message": "sk-secret died", "code": 500}},
    "error, a string": {"error": "sk-secret died"},
    "object: error": {"object": "error", "message": "sk-secret died", "code": 500},
    "type: error": {"type": "error", "message": "sk-secret died"},
    "type: a kind of error": {"type": "server_error", "message": "sk-secret died"},
    "detail, a string": {"detail": "sk-secret died"},
    "detail, a list": {"detail": [{"loc": ["body"], "msg": "sk-secret"}]},
    "a bare code and message": {"code": "InternalError", "message": "sk-secret died", "request_id": "r"},
    "a bare number and msg": {"code": 500, "msg": "sk-secret", "success": False},
    "error_code": {"error_code": 17, "error_msg": "sk-secret"},
    "a bare message": {"message": "sk-secret died"},
    "status: failed": {"status": "failed"},
    "a status": {"status": 503},
    "success: false": {"success": False, "errors": []},
    "base_resp": {"base_resp": {"status_code": 1004, "status_msg": "sk-secret"}},
    "header": {"header": {"code": 10013, "message": "sk-secret"}},
    "in a list": [{"error": {"code": 429, "message": "sk-secret"}}],
    "words": "Internal Server Error: sk-secret",
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("begun", [True, False])
def test_a_failure_is_told_however_it_is_written(protocol: Protocol, play: Any, failure: str, begun: bool) -> None:
    said = [*protocol.start, *protocol.say("Hel")] if begun else []
    reading = play(protocol, [*said, FAILURES[failure]])

    assert isinstance(reading.error, Reported)
    assert reading.text == ("Hel" if begun else "")
    assert "sk-secret" not in reading.error.message and reading.error.message.startswith("acme ")


EVENTS = {
    "bare code and message": b'event: error\ndata: {"code":500,"message":"died"}\n\n',
    "words": b"event: error\ndata: it died\n\n",
    "no data": b"event: error\n\n",
    "null": b"event: error\ndata: null\n\n",
    "a field": b'error: {"code":500,"message":"died"}\n\n',
    "a field with words": b"error: died\n\n",
    "bare JSON at the end": b'{\n "error": {"code": 503}\n}\n',
    "bare JSON in another form at the end": b'{"detail": "died"}\n',
}


@pytest.mark.parametrize("name", SSE)
@pytest.mark.parametrize("event", EVENTS)
def test_an_event_that_is_an_error_is_told(play: Any, name: str, event: str) -> None:
    protocol = PROTOCOLS[name]
    frames = [*protocol.start, *protocol.say("Hel"), EVENTS[event]]
    done, protocol_done = protocol.done, b""
    body = Protocol(protocol.adapter, [], protocol.say, [], protocol_done if "end" in event else done)
    assert isinstance(play(body, frames).error, Reported)


INSIDE = {
    "error in a choice": delta(error={"message": "died"}),
    "error in a delta": delta({"error": "died"}),
    "finish reason error": delta(finish="error"),
    "finish reason abort": delta(finish="abort"),
    "base_resp beside choices": {**delta({"content": ""}), "base_resp": {"status_code": 1004}},
    "groq": {"choices": [], "x_groq": {"error": "died"}},
    "choices: null": {"choices": None, "object": "error", "message": "died"},
    "choices: []": {"choices": [], "code": 10013, "message": "died"},
}


@pytest.mark.parametrize("inside", INSIDE)
def test_an_error_inside_a_chunk_of_openai_chat_is_told(play: Any, inside: str) -> None:
    protocol = PROTOCOLS["openai-chat"]
    assert isinstance(play(protocol, [*protocol.say("Hel"), INSIDE[inside]]).error, Reported)


def test_a_vendors_status_of_success_is_none() -> None:
    frames = [{**delta({"content": "a"}), "base_resp": {"status_code": 0, "status_msg": ""}}, delta(finish="stop")]
    body = PROTOCOLS["openai-chat"].body(frames)
    assert list(OpenAIChat("acme", UPSTREAM).read("", [body]))[-1] == Finished("stop")


# A stream in which nothing is understood

NOTHING: dict[str, Frames] = {
    "another protocol": [{"response": "Hello "}, {"response": "you"}],
    "the end mark alone": [],
    "old completions": [
        {"object": "text_completion", "choices": [{"text": "Hello", "index": 0, "finish_reason": None}]},
        {"choices": [{"text": "", "index": 0, "finish_reason": "stop"}]},
    ],
    "words": ["hello", "you"],
}


@pytest.mark.parametrize("nothing", NOTHING)
def test_nothing_understood_is_no_success(protocol: Protocol, play: Any, nothing: str) -> None:
    mark = "[DONE]" if protocol.lines else b"data: [DONE]\n\n"
    reading = play(protocol, [*NOTHING[nothing], mark])
    assert isinstance(reading.error, EmptyReply)


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("anthropic", [{"type": "message_start", "message": {}}, {"type": "message_stop"}]),
        ("ollama", [{"done": True}]),
        ("ollama", [{"response": "Hello", "done": False}, {"done": True, "done_reason": "stop"}]),
        ("openai-chat", [delta({"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": "{}"}}]}, "stop")]),
        ("openai-chat", [delta({"content": {"odd": 1}}, "stop")]),
        ("openai-responses", [completed({"type": "tool_search_call", "arguments": {"x": 1}})]),
        ("gemini", [candidate({"unheard": "of"}, finishReason="STOP")]),
    ],
)
def test_an_end_without_anything_said_is_no_success(play: Any, name: str, frames: Frames) -> None:
    assert isinstance(play(PROTOCOLS[name], frames).error, EmptyReply)


@pytest.mark.parametrize("name", SSE)
def test_a_stream_of_comments_alone_is_no_success(read: Any, name: str) -> None:
    provider = PROTOCOLS[name].adapter("acme", UPSTREAM)
    assert isinstance(read(provider, b": ping\n\n: ping\n\n").error, EmptyReply)
    assert isinstance(read(provider, b': ping\n\n{"error": "died"}\n').error, Reported)


def test_a_real_end_without_a_word_is_an_empty_answer(protocol: Protocol, play: Any) -> None:
    assert play(protocol, [*protocol.start, *protocol.stop]).finish.reason == "stop"


def test_a_stream_that_only_stops_is_cut_off(protocol: Protocol, play: Any) -> None:
    whole = Protocol(protocol.adapter, [], protocol.say, [])
    assert type(play(whole, [*protocol.start, *protocol.say("Hel")]).error) is Truncated


def test_unknown_frames_and_an_end_mark_without_a_reason_are_no_success(play: Any) -> None:
    protocol = PROTOCOLS["openai-chat"]
    assert type(play(protocol, [*protocol.say("Hel"), {"rest": "lo"}]).error) is BadReply
    assert play(protocol, protocol.say("Hello")).text == "Hello"


# Odd details

KEEP_ALIVES = [
    ": keepalive",
    ": ping - 2026-01-01 00:00:00",
    "keepalive",
    "null",
    "42",
    '"ping"',
    "[]",
    "[heartbeat]",
    " ",
    "{}",
    '{"type":"ping"}',
    '{"event":"keep-alive"}',
]


@pytest.mark.parametrize("data", KEEP_ALIVES)
def test_a_keep_alive_in_the_data_costs_nothing(protocol: Protocol, play: Any, data: str) -> None:
    assert_hello(play(protocol, hello(protocol, data)))


@pytest.mark.parametrize("frame", [b": ping\n\n", b"event: ping\ndata: keepalive\n\n", b"event: ping\ndata: null\n\n"])
@pytest.mark.parametrize("name", SSE)
def test_a_keep_alive_by_its_event_costs_nothing(play: Any, name: str, frame: bytes) -> None:
    assert_hello(play(PROTOCOLS[name], hello(PROTOCOLS[name], frame)))


def test_what_is_left_out_is_counted(protocol: Protocol, play: Any) -> None:
    reading = play(protocol, hello(protocol, "hm", "hm", {"unheard": "of"}))
    assert_hello(reading)
    assert reading.finish.skipped == {"frame that is not JSON": 2, "unknown frame": 1}


AFTER = ["bye", "null", '{"cut', {"error": {"message": "died"}}, {"detail": "died"}, {"choices": 3, "candidates": 3}]


@pytest.mark.parametrize("after", AFTER, ids=str)
@pytest.mark.parametrize("name", ["openai-chat", "gemini"])  # in the others the finish is the last frame
def test_nothing_after_the_finish_can_fail_a_reply(play: Any, name: str, after: object) -> None:
    assert_hello(play(PROTOCOLS[name], hello(PROTOCOLS[name], after=[after])))


def test_nothing_after_the_stop_reason_of_anthropic_can_fail_a_reply(play: Any) -> None:
    protocol = PROTOCOLS["anthropic"]
    *before, stop = hello(protocol)
    assert_hello(play(protocol, [*before, '{"cut', {"type": "error", "error": {"message": "died"}}, stop]))


@pytest.mark.parametrize(
    "mark", [b"data: [DONE] \n\n", b"data:[DONE]\n\n", b"data:   [DONE]\n\n", b"data: [DONE]\t\n\n"]
)
@pytest.mark.parametrize("name", SSE)
def test_an_end_mark_with_blanks_is_one(play: Any, name: str, mark: bytes) -> None:
    reading = play(PROTOCOLS[name], hello(PROTOCOLS[name], after=[mark]))
    assert_hello(reading)
    assert reading.finish.skipped == {}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "nan", "-inf"])
def test_a_number_that_json_does_not_have_costs_nothing(protocol: Protocol, play: Any, number: str) -> None:
    def odd(frame: object) -> str:
        return json.dumps(frame)[:-1] + f', "timings": {{"a": [{number}]}}}}'

    frames = [*protocol.start, *map(odd, protocol.say('He said "nan": ')), *map(odd, protocol.stop)]
    reading = play(protocol, frames)
    assert (reading.error, reading.text) == (None, 'He said "nan": ')


def test_a_number_that_json_does_not_have_may_end_a_last_frame_without_its_blank_line(play: Any) -> None:
    body = Protocol(OpenAIChat, [], PROTOCOLS["openai-chat"].say, [])
    last = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"timings":NaN}'
    assert_hello(play(body, [*body.say("Hello"), last]))


def with_null(value: object, path: tuple[Any, ...]) -> Any:
    if not path:
        return None
    copy: Any = value.copy()  # type: ignore[attr-defined]
    copy[path[0]] = with_null(copy[path[0]], path[1:])
    return copy


def fields(value: object, path: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(value, dict):
            yield (*path, key)
        yield from fields(inner, (*path, key))


READ = {
    "openai-chat": {"id": "c", "object": "chat.completion.chunk", "usage": {}, "x_groq": {}, "error": {}, "message": "",
                    "choices": [{"index": 0, "delta": {"content": "", "refusal": "", "reasoning": "", "tool_calls": [],
                    "reasoning_details": [], "function_call": {}}, "message": {}, "finish_reason": ""}]},
    "openai-responses": {"type": "response.in_progress", "delta": "", "item": {}, "item_id": "", "output_index": 0,
                         "response": {"status": "", "error": {}, "output": [], "usage": {}, "incomplete_details": {}}},
    "anthropic": {"type": "content_block_delta", "index": 0, "delta": {"text": "", "thinking": "", "partial_json": "",
                  "signature": "", "stop_reason": ""}, "content": [], "message": {"content": [], "usage": {}},
                  "usage": {"input_tokens": 0}, "content_block": {}, "error": {}},
    "gemini": {"candidates": [{"index": 0, "content": {"parts": [], "role": ""}, "finishReason": ""}], "error": {},
               "usageMetadata": {"promptTokenCount": 0}, "promptFeedback": {"blockReason": ""}},
    "ollama": {"message": {"content": "", "thinking": "", "tool_calls": []}, "done": False, "done_reason": "",
               "eval_count": 0, "error": ""},
}  # fmt: skip
NULLS = [(name, path) for name, frame in READ.items() for path in fields(frame)]


@pytest.mark.parametrize(("name", "path"), NULLS)
def test_null_is_the_same_as_absent(play: Any, name: str, path: tuple[Any, ...]) -> None:
    protocol = PROTOCOLS[name]
    assert_hello(play(protocol, hello(protocol, with_null(READ[name], path))))


def test_a_server_that_writes_null_for_every_field_it_has_not(protocol: Protocol, play: Any) -> None:
    names = ["delta", "content", "item", "index", "message", "usage", "candidates", "choices", "error", "text", "part"]

    def full(value: object) -> object:
        if isinstance(value, dict):
            return {**dict.fromkeys(names), **{name: full(inner) for name, inner in value.items()}}
        return [full(inner) for inner in value] if isinstance(value, list) else value

    assert_hello(play(protocol, map(full, hello(protocol))))


ODD_TYPES: dict[str, Frames] = {
    "openai-chat": [
        {"choices": [{"index": "0", "delta": {"content": ["Hel", {"type": "text", "text": "lo"}]}}]},
        {"choices": {"index": 0, "delta": {"role": 7}, "finish_reason": "stop"}, "usage": {"prompt_tokens": "3"}},
    ],
    "openai-responses": [
        {"type": "response.output_text.delta", "output_index": "0", "delta": "Hello", "logprobs": 1},
        {"type": "response.completed", "response": {"status": "completed", "usage": {"input_tokens": "3"}}},
    ],
    "anthropic": [
        {"type": "content_block_start", "index": "0", "content_block": {"type": "text", "text": []}},
        {"type": "content_block_delta", "index": "0", "delta": {"text": [{"type": "text", "text": "Hello"}]}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"input_tokens": "3"}},
    ],
    "gemini": [
        {"candidates": {"index": "0", "content": {"parts": {"text": ["Hel", "lo"], "thought": "false"}}}},
        {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": "3"}},
    ],
    "ollama": [
        {"message": {"content": [{"text": "Hello"}], "role": 7}, "done": "false"},
        {"done": "true", "done_reason": "stop", "eval_count": "1", "prompt_eval_count": "3"},
    ],
}


@pytest.mark.parametrize("name", ODD_TYPES)
def test_numbers_may_be_strings_and_strings_lists(play: Any, name: str) -> None:
    reading = play(PROTOCOLS[name], ODD_TYPES[name])
    assert_hello(reading)
    assert reading.finish.usage.prompt == 3


UNKNOWN_ITEMS = [
    ("openai-responses", item("tool_search_call", arguments={"x": 1}, call_id=5, status=[], content="x", summary=3)),
    ("openai-responses", item("compaction", id={}, name=[], content=[1], action=5)),
    ("openai-responses", item("program_output", output={"x": None}, error=7, code={})),
    ("openai-responses", {"type": "response.output_item.added", "item": {"type": "new", "name": {}}}),
    ("openai-responses", {"type": "response.new.delta", "delta": [1], "item": 5, "arguments": [1]}),
    ("anthropic", {"type": "content_block_start", "index": 1, "content_block": {"type": "new", "id": {}, "name": 5}}),
    (
        "anthropic",
        {"type": "content_block_start", "index": 1, "content_block": {"type": "new", "input": [], "text": {}}},
    ),
    ("gemini", candidate({"newPart": {"text": 5}})),
    ("gemini", candidate({"text": None, "functionResponse": {"name": 5}}, 5, None)),
    ("openai-chat", delta({"annotations": {}, "audio": [5], "content": [{"type": "new", "thinking": 5}]})),
    ("ollama", {"message": {"images": {}, "new": 5}}),
]


@pytest.mark.parametrize(("name", "frame"), UNKNOWN_ITEMS)
def test_an_unknown_item_is_left_out_whole(play: Any, name: str, frame: object) -> None:
    assert_hello(play(PROTOCOLS[name], hello(PROTOCOLS[name], frame)))


# What comes late is given once

MESSAGE = {"type": "message", "id": "m", "content": [{"type": "output_text", "text": "Hello"}]}
DELTA = {"type": "response.output_text.delta", "output_index": 0, "item_id": "m", "content_index": 0, "delta": "Hel"}
TEXT_DONE = {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "Hello"}
PART_DONE = {"type": "response.content_part.done", "output_index": 0, "content_index": 0, "part": MESSAGE["content"][0]}  # type: ignore[index]
ITEM_DONE = {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE}

LATE: dict[str, tuple[str, Frames]] = {
    "responses: only completed": ("openai-responses", [completed(MESSAGE)]),
    "responses: only the item": ("openai-responses", [ITEM_DONE, completed()]),
    "responses: only the text's end": ("openai-responses", [TEXT_DONE, completed()]),
    "responses: only the part's end": ("openai-responses", [PART_DONE, completed()]),
    "responses: all of it": ("openai-responses", [DELTA, TEXT_DONE, PART_DONE, ITEM_DONE, completed(MESSAGE)]),
    "responses: the rest of it": ("openai-responses", [DELTA, completed(MESSAGE)]),
    "responses: other ids": ("openai-responses", [DELTA, ITEM_DONE, completed({**MESSAGE, "id": "n"})]),
    "responses: other ids, no index": (
        "openai-responses",
        [{**DELTA, "output_index": None}, {**ITEM_DONE, "output_index": None}, completed({**MESSAGE, "id": "n"})],
    ),
    "responses: at another place": (
        "openai-responses",
        [item("reasoning", 0, id="r"), completed(MESSAGE)],
    ),
    "responses: a whole one in a frame": ("openai-responses", [{"status": "completed", "output": [MESSAGE]}]),
    "chat: a message at the end": (
        "openai-chat",
        [{"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}],
    ),
    "chat: a message that repeats": (
        "openai-chat",
        [delta({"content": "Hello"}), {"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}],
    ),
    "chat: a message that repeats and goes on": (
        "openai-chat",
        [delta({"content": "Hel"}), delta({}, "stop", message={"content": "Hello"})],
    ),
    "chat: cumulative messages beside": (
        "openai-chat",
        [
            delta({"content": "Hel"}, message={"content": "Hel"}),
            delta({"content": "lo"}, message={"content": "Hello"}),
            delta({}, "stop", message={"content": "Hello"}),
        ],
    ),
    "chat: cumulative messages alone": (
        "openai-chat",
        [
            {"choices": [{"message": {"content": text}, "finish_reason": f}]}
            for text, f in (("Hel", None), ("Hello", "stop"))
        ],
    ),
    "chat: messages as pieces": (
        "openai-chat",
        [
            {"choices": [{"message": {"content": text}, "finish_reason": f}]}
            for text, f in (("Hel", None), ("lo", "stop"))
        ],
    ),
    "anthropic: in the start": (
        "anthropic",
        [
            {"type": "message_start", "message": {"content": [{"type": "text", "text": "Hello"}]}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        ],
    ),
    "anthropic: in the block's end": (
        "anthropic",
        [
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            text_block("Hel"),
            {"type": "content_block_stop", "index": 0, "content_block": {"type": "text", "text": "Hello"}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        ],
    ),
    "anthropic: in the message's end": (
        "anthropic",
        [
            {"type": "message_start", "message": {}},
            {
                "type": "message_stop",
                "message": {"content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn"},
            },
        ],
    ),
    "anthropic: a whole message in a frame": (
        "anthropic",
        [{"type": "message", "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn"}],
    ),
    "ollama: in the last line": ("ollama", [{"message": {"content": "Hello"}, "done": True, "done_reason": "stop"}]),
    "gemini: with the finish": ("gemini", [candidate({"text": "Hello"}, finishReason="STOP")]),
}


@pytest.mark.parametrize("late", LATE)
def test_a_text_that_comes_late_is_given_once(play: Any, late: str) -> None:
    name, frames = LATE[late]
    assert_hello(play(PROTOCOLS[name], frames))


def test_thinking_that_comes_late_is_given_once(play: Any) -> None:
    thought = {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "Hm, so"}]}
    grown = {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "Hm"}
    done = {"type": "response.reasoning_summary_text.done", "output_index": 0, "summary_index": 0, "text": "Hm, so"}
    for frames in ([grown, done], [done], [grown], []):
        reading = play(PROTOCOLS["openai-responses"], [*frames, completed(thought, MESSAGE)])
        assert (reading.reasoning, reading.text) == ("Hm, so", "Hello")


# Calls


def part(index: int | None, id: str | None, name: str | None, arguments: object) -> dict[str, object]:
    fields = {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}
    return {name: value for name, value in fields.items() if value is not None}


def call_item(
    index: int | None, call_id: str, arguments: object, name: str | None = "f", **more: object
) -> dict[str, object]:
    fields = {"call_id": call_id, "name": name, "arguments": arguments, **more}
    return {"type": "response.output_item.done", "output_index": index, "item": {"type": "function_call", **fields}}


def block_start(index: int, id: str, name: str | None = "f", input: object = None) -> dict[str, object]:
    block = {"type": "tool_use", "id": id, "name": name, "input": input}
    return {"type": "content_block_start", "index": index, "content_block": block}


def block_json(index: int, text: str) -> dict[str, object]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": text}}


def whole_calls(name: str, *calls: tuple[str | None, str, object]) -> Frames:
    """Calls, each with its id, name and arguments, told whole in the protocol's own way."""
    match name:
        case "openai-chat":
            return [delta({"tool_calls": [part(None, id, f, json.dumps(x))]}) for id, f, x in calls]
        case "openai-responses":
            return [call_item(None, id or "", json.dumps(x), f) for id, f, x in calls]
        case "anthropic":
            return [block_start(index, id or "", f, x) for index, (id, f, x) in enumerate(calls)]
        case "gemini":
            return [candidate({"functionCall": {"id": id, "name": f, "args": x}}) for id, f, x in calls]
    return [{"message": {"tool_calls": [{"id": id, "function": {"name": f, "arguments": x}}]}} for id, f, x in calls]


def made(reading: Any) -> list[tuple[str, str, dict[str, object]]]:
    """The calls, after a look at what a client is told of them: whole JSON, one call under each id."""
    assert reading.error is None
    told: dict[str, str] = {}
    for event in reading.items:
        if isinstance(event, ToolInputDelta):
            told[event.tool_call_id] = told.get(event.tool_call_id, "") + event.text
    for call in reading.tool_calls:
        assert call.id not in told or json.loads(told.pop(call.id) or "{}") == call.arguments
        assert call.name and not call.unread and not call.by_provider
    assert not told
    ids = [call.id for call in reading.tool_calls]
    assert len(set(ids)) == len(ids)
    return [(call.id, call.name, call.arguments) for call in reading.tool_calls]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_call_that_is_told_twice_is_one(play: Any, name: str) -> None:
    frames = whole_calls(name, ("a", "f", {"x": 1}), ("a", "f", {"x": 1}))
    reading = play(PROTOCOLS[name], [*frames, *PROTOCOLS[name].stop])
    assert made(reading) == [("a", "f", {"x": 1})]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_two_calls_under_one_id_are_two(play: Any, name: str) -> None:
    frames = whole_calls(name, ("a", "f", {"x": 1}), ("a", "f", {"x": 2}), ("b", "g", {}))
    reading = play(PROTOCOLS[name], [*frames, *PROTOCOLS[name].stop])
    calls = made(reading)
    assert [call[1:] for call in calls] == [("f", {"x": 1}), ("f", {"x": 2}), ("g", {})]
    assert calls[0][0] == "a" and calls[2][0] == "b"
    assert reading.native is None  # it names both the same


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("id", [None, ""])
def test_an_id_that_is_invented_never_collides(name: str, id: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the tests' own numbers
    seen: list[str] = []
    protocol = PROTOCOLS[name]
    for _ in range(3):
        frames = [*whole_calls(name, (id, "f", {"x": 1}), ("call_0", "f", {"x": 2})), *protocol.stop]
        items = protocol.adapter("acme", UPSTREAM).read("", [protocol.body(frames)])
        seen += [item.id for item in items if isinstance(item, ToolCall)]
    assert len(seen) == 6 and len(set(seen)) == 4 and seen.count("call_0") == 3


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_nameless_call_reaches_nobody(play: Any, name: str) -> None:
    frames = [*whole_calls(name, ("a", "", {"x": 1}), ("b", "f", {})), *PROTOCOLS[name].stop]
    reading = play(PROTOCOLS[name], frames)
    assert [call[1] for call in made(reading)] == ["f"]
    assert reading.finish.skipped["call without a name"] == 1
    assert '"a"' not in json.dumps(reading.native.content if reading.native else None)


@pytest.mark.parametrize("name", ["gemini", "ollama", "anthropic", "openai-chat", "openai-responses"])
@pytest.mark.parametrize("arguments", ['{"x": 1}', None])
def test_arguments_may_be_in_a_string_or_null(play: Any, name: str, arguments: object) -> None:
    if name == "openai-responses":
        frames: Frames = [call_item(0, "a", arguments)]
    elif name == "openai-chat":
        frames = [delta({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": arguments}}]})]
    else:
        frames = whole_calls(name, ("a", "f", arguments))
    reading = play(PROTOCOLS[name], [*frames, *PROTOCOLS[name].stop])
    assert made(reading) == [("a", "f", {"x": 1} if arguments else {})]


@pytest.mark.parametrize("name", ["gemini", "ollama", "openai-chat", "openai-responses"])
def test_arguments_that_are_no_object_are_told_to_the_model(play: Any, name: str) -> None:
    reading = play(PROTOCOLS[name], [*whole_calls(name, ("a", "f", [1])), *PROTOCOLS[name].stop])
    assert [(call.arguments, call.unread) for call in reading.tool_calls] == [({}, "[1]")]


FRAGMENTS: dict[str, tuple[list[dict[str, object]], list[tuple[str, dict[str, object]]]]] = {
    "one index, other ids": ([part(0, "a", "f", '{"x":1}'), part(0, "b", "f", '{"x":2}')], [("a", {"x": 1}), ("b", {"x": 2})]),
    "one index, no ids": ([part(0, None, "f", '{"x":1}'), part(0, None, "f", '{"x":2}')], [("call_0", {"x": 1}), ("call_1", {"x": 2})]),
    "one index and id": ([part(0, "a", "f", '{"x":1}'), part(0, "a", "f", '{"x":2}')], [("a", {"x": 1}), ("call_0", {"x": 2})]),
    "one id, two indexes": ([part(0, "a", "f", '{"x":1}'), part(1, "a", "f", '{"x":2}')], [("a", {"x": 1}), ("call_0", {"x": 2})]),
    "told twice, two indexes": ([part(0, "a", "f", '{"x":1}'), part(1, "a", "f", '{"x": 1}')], [("a", {"x": 1})]),
    "told twice, in pieces": (
        [part(0, "a", "f", '{"x"'), part(0, None, None, ":1}"), part(0, "a", "f", '{"x"'), part(0, None, None, ":1}")],
        [("a", {"x": 1})],
    ),
    "in one piece": ([part(0, "a", "f", '{"x":1}{"x":2}')], [("a", {"x": 1}), ("call_0", {"x": 2})]),
    "an empty object first": ([part(0, "a", "f", "{}"), part(0, None, None, '{"x":1}')], [("a", {"x": 1})]),
    "an id for each fragment": ([part(0, "a", "f", '{"x"'), part(0, "b", "f", ":1}")], [("a", {"x": 1})]),
    "an id for each, no names": ([part(0, "a", "f", '{"x"'), part(0, "b", None, ":1}")], [("a", {"x": 1})]),
    "an index for each fragment": ([part(0, "a", "f", '{"x"'), part(1, "a", None, ":1}")], [("a", {"x": 1})]),
    "no index, the name again": ([part(None, None, "f", '{"x"'), part(None, None, "f", ":1}")], [("call_0", {"x": 1})]),
    "braces in strings": ([part(0, "a", "f", '{"x":"}'), part(0, None, None, '{\\"'), part(0, None, None, '"}')], [("a", {"x": '}{"'})]),
    "an escape that is cut": ([part(0, "a", "f", '{"x":"\\'), part(0, None, None, '"}{"}')], [("a", {"x": '"}{'})]),
}  # fmt: skip


@pytest.mark.parametrize("kind", FRAGMENTS)
def test_fragments_of_openai_chat_find_their_call(play: Any, kind: str) -> None:
    pieces, expected = FRAGMENTS[kind]
    protocol = PROTOCOLS["openai-chat"]
    reading = play(protocol, [*(delta({"tool_calls": [piece]}) for piece in pieces), *protocol.stop])
    assert [(id, arguments) for id, _, arguments in made(reading)] == expected


def test_a_message_at_the_end_repeats_calls_and_brings_late_ones(play: Any) -> None:
    first, second = part(None, "a", "f", '{"x":1}'), part(None, "b", "g", "{}")
    last = {"choices": [{"message": {"tool_calls": [first, second]}, "finish_reason": "tool_calls"}]}
    reading = play(PROTOCOLS["openai-chat"], [delta({"tool_calls": [{**first, "index": 0}]}), last])
    assert made(reading) == [("a", "f", {"x": 1}), ("b", "g", {})]


CALL = {"type": "function_call", "id": "fc", "call_id": "a", "name": "f", "arguments": '{"x":1}'}
PIECE = {"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "fc", "delta": '{"x"'}
ADDED = {"type": "response.output_item.added", "output_index": 0, "item": {**CALL, "arguments": ""}}
LATE_CALLS: dict[str, Frames] = {
    "only completed": [completed(CALL)],
    "added and completed": [ADDED, PIECE, completed(CALL)],
    "all": [ADDED, PIECE, call_item(0, "a", '{"x":1}', id="fc"), completed(CALL)],
    "other item ids": [ADDED, PIECE, call_item(0, "a", '{"x":1}', id="fd"), completed({**CALL, "id": "fe"})],
    "an object": [call_item(0, "a", {"x": 1}), completed({**CALL, "arguments": {"x": 1}})],
    "at another place": [item("reasoning", 0, id="r"), call_item(1, "a", '{"x":1}'), completed(CALL)],
    "without indexes": [{**ADDED, "output_index": None}, {**PIECE, "output_index": None}, completed(CALL)],
}


@pytest.mark.parametrize("late", LATE_CALLS)
def test_a_call_of_responses_that_comes_late_is_given_once(play: Any, late: str) -> None:
    reading = play(PROTOCOLS["openai-responses"], LATE_CALLS[late])
    assert made(reading) == [("a", "f", {"x": 1})]
    assert [turn["type"] for turn in reading.native.content if turn["type"] != "reasoning"] == ["function_call"]


def test_a_call_whole_in_a_blocks_end_is_given(play: Any) -> None:
    stop = {**block_start(0, "a", "f", {"x": 1}), "type": "content_block_stop"}
    frames = [block_start(0, "a"), stop, *PROTOCOLS["anthropic"].stop[1:]]
    assert made(play(PROTOCOLS["anthropic"], frames)) == [("a", "f", {"x": 1})]


def test_blocks_under_one_index_are_each_a_call(play: Any) -> None:
    frames = [block_start(0, "a"), block_json(0, '{"x":1}'), block_start(0, "b"), block_json(0, '{"x":2}')]
    reading = play(PROTOCOLS["anthropic"], [*frames, *PROTOCOLS["anthropic"].stop])
    assert made(reading) == [("a", "f", {"x": 1}), ("b", "f", {"x": 2})]
    assert [(block["id"], block["input"]) for block in reading.native.content] == [
        ("a", {"x": 1}),
        ("b", {"x": 2}),
    ]


# Calls that the provider has made itself

SERVED = {
    "web search of OpenAI": item("web_search_call", id="w", status="completed", action={"type": "search", "query": "q"}),
    "web search of xAI": item("web_search_call", id="w", call_id="", name="web_search", arguments='{"query":"q"}'),
    "file search": item("file_search_call", id="w", queries=["q"], results=[{"text": "t"}], status="completed"),
    "x search of xAI": item("custom_tool_call", id="c", call_id="xs_call_1", name="x_keyword_search", input='{"query":"q"}'),
    "code of xAI": item("code_execution_call", id="w", name="code_execution", arguments='{"code":"1"}'),
}  # fmt: skip


@pytest.mark.parametrize("kind", SERVED)
def test_a_call_that_the_provider_made_is_shown_as_its_own(play: Any, kind: str) -> None:
    frame: Any = SERVED[kind]
    reading = play(PROTOCOLS["openai-responses"], [frame, completed(frame["item"], MESSAGE)])
    [call] = reading.tool_calls
    [result] = [event for event in reading.items if isinstance(event, ToolResult)]
    assert call.by_provider and call.arguments and not call.unread
    assert (result.tool_call_id, result.error) == (call.id, None)
    assert (reading.text, reading.native) == ("Hello", None)


def test_a_call_that_the_provider_failed_to_make_says_so(play: Any) -> None:
    frames = [item("web_search_call", id="w", status="failed", action={"query": "q"}), completed(MESSAGE)]
    assert ToolResult("w", None, "failed") in play(PROTOCOLS["openai-responses"], frames).items


@pytest.mark.parametrize("type", ["web_search_call", "x_search_call", "code_interpreter_call", "web_search_tool"])
def test_a_call_of_xais_chat_that_it_made_itself_is_shown_once(play: Any, type: str) -> None:
    call = {"id": "w", "type": type, "function": {"name": "web_search", "arguments": '{"query":"q"}'}}
    last = {"choices": [{"message": {"content": "Hello", "tool_calls": [call]}, "finish_reason": "stop"}]}
    reading = play(
        PROTOCOLS["openai-chat"], [delta({"tool_calls": [{**call, "index": 0}]}), delta({"content": "Hello"}), last]
    )
    assert reading.items == [
        ToolCall("w", "function", "web_search", {"query": "q"}, by_provider=True),
        ToolResult("w", {"status": "completed"}),
        TextDelta("Hello"),
        Finished("stop"),
    ]


@pytest.mark.parametrize(
    "type", ["function", "custom", "", None, "tool_call", "function_call", "Function", "builtin_function"]
)
def test_other_types_of_calls_are_to_be_made(play: Any, type: str | None) -> None:
    call = {"index": 0, "id": "a", "type": type, "function": {"name": "f", "arguments": "{}"}}
    assert made(play(PROTOCOLS["openai-chat"], [delta({"tool_calls": [call]}, "tool_calls")])) == [("a", "f", {})]


# Gemini's streamed arguments


def piece(path: str, **value: object) -> dict[str, object]:
    return {"functionCall": {"partialArgs": [{"jsonPath": path, **value}], "willContinue": True}}


def test_streamed_arguments_of_gemini_become_a_whole_call(play: Any) -> None:
    frames = [
        candidate({"functionCall": {"name": "f", "id": "a", "willContinue": True}, "thoughtSignature": "sig"}),
        candidate(piece("$.city", stringValue="New ", willContinue=True)),
        candidate(piece("$.city", stringValue="York", willContinue=True)),
        candidate(piece("$.city", stringValue="")),
        candidate(piece("$.days[0].n", numberValue=3), piece("$.days[0].wet", boolValue=False)),
        candidate(piece("$['a.b'][0]", nullValue="NULL_VALUE"), piece("$.days[1].n", numberValue=0.5)),
        candidate({"functionCall": {}}),
        candidate({"functionCall": {"name": "g", "args": {"x": 1}}}, finishReason="STOP"),
    ]
    reading = play(PROTOCOLS["gemini"], frames)
    arguments = {"city": "New York", "days": [{"n": 3, "wet": False}, {"n": 0.5}], "a.b": [None]}
    assert made(reading) == [("a", "f", arguments), ("call_0", "g", {"x": 1})]
    first, second = reading.native.content
    assert first == {"functionCall": {"name": "f", "args": arguments, "id": "a"}, "thoughtSignature": "sig"}
    assert second == {"functionCall": {"name": "g", "args": {"x": 1}}}


def test_streamed_arguments_that_a_name_or_the_end_closes(play: Any) -> None:
    begun = [candidate({"functionCall": {"name": n, "willContinue": True}}, piece("$.x", stringValue=n)) for n in "fg"]
    reading = play(PROTOCOLS["gemini"], [*begun, candidate(finishReason="STOP")])
    assert [call[1:] for call in made(reading)] == [("f", {"x": "f"}), ("g", {"x": "g"})]
    cut = play(PROTOCOLS["gemini"], [*begun, candidate(finishReason="MAX_TOKENS")])
    assert [call.name for call in cut.tool_calls] == ["f"]


@pytest.mark.parametrize("path", ["", "$", "$.x[999999999]", "$.x.y", "$..x", "$[0]", "$" + ".x" * 1000])
def test_a_piece_without_a_place_is_left_out(play: Any, path: str) -> None:
    begin = candidate({"functionCall": {"name": "f", "willContinue": True}}, piece("$.x", stringValue="a"))
    frames = [begin, candidate(piece(path, stringValue="b")), candidate({"functionCall": {}}, finishReason="STOP")]
    reading = play(PROTOCOLS["gemini"], frames)
    assert made(reading) == [("call_0", "f", {"x": "a"})]
    assert reading.finish.skipped == {"piece of an argument": 1}


# However it is cut


def test_sloppy_replies_read_the_same_however_they_are_cut(read: Any, cuts: Any) -> None:
    for protocol in PROTOCOLS.values():
        body = protocol.body(hello(protocol, "keepalive", {"unheard": "of"}, '{"type":"ping","x":NaN}'))
        first, *others = [read(protocol.adapter("acme", UPSTREAM), pieces) for pieces in cuts(body)]
        assert all(other == first for other in others)


@pytest.mark.parametrize("seconds", [5])
def test_many_calls_in_one_text_cost_no_more_than_their_length(play: Any, seconds: float) -> None:
    import time

    began = time.process_time()
    text = '{"x":1}' * 100_000
    frames = [
        delta({"tool_calls": [part(0, "a", "f", text)]}),
        delta({"tool_calls": [part(0, None, None, "}{" * 300_000)]}),
    ]
    try:
        play(PROTOCOLS["openai-chat"], [*frames, delta(finish="stop")])
    except UpstreamError:
        pass
    assert time.process_time() - began < seconds
