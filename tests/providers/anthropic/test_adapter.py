import json

import pytest

from chatapp.chat import Chat, Message, Native
from chatapp.errors import EmptyReply, Reported, Truncated
from chatapp.events import (
    AttemptReset,
    NativePiece,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolInputDelta,
    ToolResult,
    Usage,
)
from chatapp.providers import Finished
from chatapp.providers.anthropic.adapter import Anthropic


@pytest.fixture
def anthropic(upstream):
    return Anthropic("acme", upstream)


def sse(*events):
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def start(**usage):
    return {"type": "message_start", "message": {"usage": usage}}


def block(index, type, **fields):
    return {"type": "content_block_start", "index": index, "content_block": {"type": type, **fields}}


def delta(index, **fields):
    return {"type": "content_block_delta", "index": index, "delta": fields}


def stop(index):
    return {"type": "content_block_stop", "index": index}


def end(reason="end_turn", **usage):
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


MESSAGE_STOP = {"type": "message_stop"}
SIGNED = [block(0, "thinking", thinking="", signature=""), delta(0, thinking="hm"), delta(0, signature="sig"), stop(0)]


def test_thinking_text_and_usage(anthropic, read):
    body = sse(
        start(input_tokens=3, cache_read_input_tokens=2, cache_creation_input_tokens=1, output_tokens=1),
        {"type": "ping"},
        *SIGNED,
        block(1, "text", text=""),
        delta(1, text="one"),
        stop(1),
        end(output_tokens=7),
        MESSAGE_STOP,
    )

    assert read(anthropic, body).items == [
        ReasoningDelta("hm"),
        NativePiece("anthropic", "acme", [{"type": "thinking", "thinking": "hm", "signature": "sig"}]),
        TextDelta("one"),
        NativePiece("anthropic", "acme", [{"type": "text", "text": "one"}], whole=True),
        Finished("stop", Usage(6, 7, 13, 0, 2, cache_written=1)),
    ]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "length"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
    ],
)
def test_stop_reasons_are_mapped(anthropic, read, reason, finish):
    assert read(anthropic, sse(start(), end(reason), MESSAGE_STOP)).finish.reason == finish


def test_the_sequence_that_stopped_a_reply_is_told(anthropic, read):
    ended = {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    streamed = sse(start(), {"type": "message_delta", "delta": ended}, MESSAGE_STOP)
    whole = json.dumps({"type": "message", "content": [{"type": "text", "text": "a"}], **ended}).encode()
    for body in (streamed, whole):
        assert read(anthropic, body).finish.stop_sequence == "END"


def test_a_turn_with_calls_is_kept_to_be_sent_back_as_it_came(anthropic, read):
    body = sse(
        start(),
        *SIGNED,
        block(1, "redacted_thinking", data="secret"),
        stop(1),
        block(2, "text", text=""),
        stop(2),
        block(3, "text", text="so "),
        delta(3, text="I look"),
        block(4, "tool_use", id="a", name="f", input={}),
        delta(4, partial_json='{"x"'),
        delta(4, partial_json=":1}"),
        block(5, "tool_use", id="b", name="g", input={}),
        end("tool_use"),
        MESSAGE_STOP,
    )
    reading = read(anthropic, body)

    assert reading.tool_calls == [ToolCall("a", "function", "f", {"x": 1}), ToolCall("b", "function", "g", {})]
    assert [item.text for item in reading.items if isinstance(item, ToolInputDelta)] == ['{"x"', ":1}"]
    native = reading.native
    assert native == Native(
        "anthropic",
        [
            {"type": "thinking", "thinking": "hm", "signature": "sig"},
            {"type": "redacted_thinking", "data": "secret"},
            {"type": "text", "text": "so I look"},  # an empty one would be refused
            {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
            {"type": "tool_use", "id": "b", "name": "g", "input": {}},
        ],
        "acme",
    )
    back = Chat(model="m", messages=[Message("assistant", "", native=native)])
    assert anthropic.request(back).body["messages"] == [{"role": "assistant", "content": native.content}]


@pytest.mark.parametrize("whole", [True, False])
def test_a_call_with_its_arguments_in_the_blocks_start_is_the_same(anthropic, read, whole):
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}
    message = {"type": "message", "content": [call], "stop_reason": "tool_use"}
    begun = {"type": "content_block_start", "index": 0, "content_block": call}
    reading = read(anthropic, json.dumps(message).encode() if whole else sse(start(), begun, end("tool_use")))

    assert reading.tool_calls == [ToolCall("a", "function", "f", {"x": 1})]
    assert reading.native.content == [call]


def test_a_turn_that_the_limit_cut_is_not_whole(anthropic, read):
    reading = read(anthropic, sse(start(), *SIGNED, block(1, "text", text="a"), end("max_tokens")))
    assert [item.whole for item in reading.items if isinstance(item, NativePiece)] == [False]
    assert reading.native is None


def test_thinking_that_is_hidden_is_told_once_it_is_signed(anthropic, read):
    signed = [block(0, "thinking", thinking="", signature=""), delta(0, signature="sig"), stop(0)]
    items = read(anthropic, sse(start(), *signed, block(1, "text", text="a"), end())).items
    assert items[0] == NativePiece("anthropic", "acme", [{"type": "thinking", "thinking": "", "signature": "sig"}])
    assert items[1] == TextDelta("a")


def test_a_call_cut_off_by_the_limit_is_none(anthropic, read):
    body = sse(
        start(), block(0, "tool_use", id="a", name="f"), delta(0, partial_json='{"x'), stop(0), end("max_tokens")
    )

    assert read(anthropic, body).tool_calls == []
    assert read(anthropic, body).finish == Finished("length", None)


def test_arguments_that_are_no_json_reach_whoever_answers_the_call(anthropic, read):
    body = sse(start(), block(0, "tool_use", id="a", name="f"), delta(0, partial_json='{"x'), stop(0), end("tool_use"))
    reading = read(anthropic, body)

    assert [(call.arguments, call.unread) for call in reading.tool_calls] == [({}, '{"x')]
    assert reading.native.content[0]["input"] == {}


def test_a_tool_of_the_provider_is_shown_as_call_and_result_together(anthropic, read):
    page = {"type": "web_search_result", "url": "u", "encrypted_content": "x" * 9000}
    body = sse(
        start(),
        block(0, "server_tool_use", id="s", name="web_search", input={}),
        delta(0, partial_json='{"query":"q"}'),
        stop(0),
        block(1, "web_search_tool_result", tool_use_id="s", content=[page]),
        stop(1),
        block(2, "text", text="found"),
        end(),
        MESSAGE_STOP,
    )

    assert read(anthropic, body).items == [
        ToolCall("s", "function", "web_search", {"query": "q"}, by_provider=True),
        ToolResult("s", [{"type": "web_search_result", "url": "u"}]),
        TextDelta("found"),
        Finished("stop"),
    ]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"content": {"type": "web_search_tool_result_error", "error_code": "too_many_requests"}}, "too_many_requests"),
        ({"is_error": True, "content": [{"type": "text", "text": "no such file"}]}, "no such file"),
        ({"is_error": True, "content": []}, "failed"),
    ],
)
def test_a_tool_of_the_provider_can_fail(anthropic, read, fields, error):
    use = block(0, "mcp_tool_use", id="s", name="echo", input={})
    body = sse(start(), use, stop(0), block(1, "mcp_tool_result", tool_use_id="s", **fields), end())

    assert read(anthropic, body).items[:2] == [
        ToolCall("s", "mcp", "echo", {}, by_provider=True),
        ToolResult("s", None, error),
    ]


def test_a_tool_of_the_provider_without_a_result_is_not_shown(anthropic, read):
    body = sse(start(), block(0, "server_tool_use", id="s", name="web_search"), stop(0), end("pause_turn"))

    assert read(anthropic, body).items == [Finished("length")]


def test_a_second_start_voids_what_came_of_the_first(anthropic, read):
    lost = [block(0, "text", text=""), delta(0, text="lost"), block(1, "tool_use", id="x", name="f")]
    body = sse(start(), *lost, start(), block(0, "text", text="kept"), end(), MESSAGE_STOP)

    assert read(anthropic, body).items == [
        TextDelta("lost"),
        AttemptReset("upstream_truncated"),
        TextDelta("kept"),
        Finished("stop"),
    ]


def test_an_error_event_ends_the_reply(anthropic, read):
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "sk-secret"}}
    reading = read(anthropic, sse(start(), block(0, "text", text="a"), error))

    assert reading.text == "a"
    assert isinstance(reading.error, Reported)
    assert "sk-secret" not in reading.error.message


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (sse(start(), block(0, "text", text="a")), Truncated),
        (sse(start()) + b'data: {"type":"message_de', Truncated),
        (b'{"type":"error","error":{"type":"api_error"}}', Reported),
        (b'{"type":"message","content":[]}', Truncated),
        (b'data: {"type":7}\n\n', EmptyReply),
    ],
)
def test_a_200_that_is_no_reply_is_an_error(anthropic, read, body, error):
    assert type(read(anthropic, body).error) is error


def test_a_reason_to_stop_is_an_end_where_the_last_event_is_missing(anthropic, read):
    assert read(anthropic, sse(start(), end())).finish == Finished("stop")
    assert read(anthropic, sse(start(), end()) + b'data: {"type":"mess').finish == Finished("stop")


def test_the_key_and_the_version_go_in_headers(anthropic):
    assert anthropic.authorization("k") == {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    chat = Chat(model="m", messages=[Message("user", "u")])
    assert anthropic.request(chat).headers == {"anthropic-version": "2023-06-01"}
    assert anthropic.decode_models(b'{"data":[{"id":"a","type":"model"},{"id":"b"}]}') == ["a", "b"]
