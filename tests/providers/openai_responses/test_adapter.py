import json

import pytest

from chatapp.chat import Chat, Message, Native
from chatapp.errors import EmptyReply, Reported, Truncated
from chatapp.events import (
    NativePiece,
    ReasoningDelta,
    RunQueued,
    TextDelta,
    ToolCall,
    ToolInputDelta,
    ToolResult,
    Usage,
)
from chatapp.providers import Finished
from chatapp.providers.openai_responses.adapter import OpenAIResponses


@pytest.fixture
def responses(upstream):
    return OpenAIResponses("acme", upstream)


def sse(*events):
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def event(name, **fields):
    return {"type": f"response.{name}", **fields}


def done(index, type, **fields):
    return event("output_item.done", output_index=index, item={"type": type, **fields})


def completed(**fields):
    return event("completed", response={"status": "completed", **fields})


def call(index, id, name, arguments):
    item = {"type": "function_call", "id": f"fc_{id}", "call_id": id, "name": name}
    pieces = [
        event("function_call_arguments.delta", output_index=index, item_id=f"fc_{id}", delta=piece)
        for piece in arguments
    ]
    return [event("output_item.added", output_index=index, item={**item, "arguments": ""}), *pieces]


def test_a_wait_for_its_turn_is_told_and_is_no_answer(responses, read):
    waited = sse(
        event("created", response={"status": "queued"}),
        event("queued", response={"status": "queued"}),
        event("in_progress", response={"status": "in_progress"}),
    )
    said = sse(event("output_text.delta", output_index=0, delta="one"), completed())
    *events, _ = read(responses, waited + said).items
    assert events == [RunQueued(), RunQueued(waiting=False), TextDelta("one")]
    *events, _ = read(responses, sse(event("in_progress", response={})) + said).items
    assert events == [TextDelta("one")]
    assert isinstance(read(responses, waited).error, Truncated)


def test_reasoning_text_refusal_and_usage(responses, read):
    usage = {
        "input_tokens": 3,
        "output_tokens": 5,
        "input_tokens_details": {"cached_tokens": 2},
        "output_tokens_details": {"reasoning_tokens": 4},
    }
    body = sse(
        event("created", response={"status": "in_progress"}),
        event("reasoning_summary_text.delta", output_index=0, delta="hm"),
        event("reasoning_text.delta", output_index=0, delta="m"),
        event("output_text.delta", output_index=1, delta="one", obfuscation="xx"),
        event("refusal.delta", output_index=1, delta=" no"),
        event("output_text.done", output_index=1, text="one"),
        completed(usage=usage),
    )

    assert read(responses, body).items == [
        ReasoningDelta("hm"),
        ReasoningDelta("m"),
        TextDelta("one"),
        TextDelta(" no"),
        Finished("content_filter", Usage(3, 5, 8, 4, 2)),
    ]


@pytest.mark.parametrize(("why", "reason"), [("max_output_tokens", "length"), ("content_filter", "content_filter")])
def test_an_incomplete_reply_says_why(responses, read, why, reason):
    body = sse(event("incomplete", response={"status": "incomplete", "incomplete_details": {"reason": why}}))
    assert read(responses, body).finish == Finished(reason)


def without_index(events):
    return [{name: value for name, value in event.items() if name != "output_index"} for event in events]


@pytest.mark.parametrize("strip", [list, without_index], ids=["by index", "by the item's id"])
def test_parallel_calls_are_kept_apart(responses, read, strip):
    first, second = call(0, "a", "f", ['{"x"', ":1}"]), call(1, "b", "g", ["{}"])
    events = [first[0], second[0], first[1], second[1], first[2], completed()]
    reading = read(responses, sse(*strip(events)))

    assert reading.tool_calls == [ToolCall("a", "function", "f", {"x": 1}), ToolCall("b", "function", "g", {})]
    assert reading.items[0] == ToolInputDelta("a", "f", '{"x"')


@pytest.mark.parametrize("last", ["arguments.done", "item.done", "both"])
def test_arguments_that_come_only_at_the_end_are_taken_once(responses, read, last):
    whole = event("function_call_arguments.done", output_index=0, arguments='{"x":1}')
    item = done(0, "function_call", id="fc_a", call_id="a", name="f", arguments='{"x":1}')
    events = {"arguments.done": [whole], "item.done": [item], "both": [whole, item]}[last]
    reading = read(responses, sse(*call(0, "a", "f", []), *events, completed()))

    assert reading.tool_calls == [ToolCall("a", "function", "f", {"x": 1})]


def test_calls_go_back_with_the_reasoning_that_led_to_them(responses, read):
    sealed = {"id": "rs_1", "summary": [], "encrypted_content": "sealed"}
    made = {"id": "fc_a", "call_id": "a", "name": "f", "arguments": "{}"}
    body = sse(
        done(0, "reasoning", **sealed),
        done(1, "reasoning", id="rs_2", summary=[]),  # OpenAI did not keep it, so its id is of no use
        done(2, "function_call", **made),
        completed(),
    )
    native = read(responses, body).native

    assert native.content == [{"type": "reasoning", **sealed}, {"type": "function_call", **made}]
    back = Chat(model="m", messages=[Message("assistant", "", native=native), Message("tool", "1", tool_call_id="a")])
    assert responses.request(back).body["input"][:2] == native.content


def test_an_answer_without_calls_goes_back_with_its_sealed_reasoning(responses, read):
    sealed = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"}
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]}
    body = sse(done(0, **sealed), done(1, **message), completed())
    reading = read(responses, body)
    assert [item.whole for item in reading.items if isinstance(item, NativePiece)] == [False, True]
    assert reading.native == Native("openai-responses", [sealed, message], "acme")
    assert read(responses, sse(done(0, **message), completed())).native is None


def test_tools_of_the_provider_are_shown_with_their_results(responses, read):
    body = sse(
        done(0, "mcp_call", id="m", name="echo", arguments='{"x":1}', output="1", error=None),
        done(1, "mcp_call", id="n", name="echo", arguments="{}", output=None, error="no"),
        done(2, "code_interpreter_call", id="c", code="1+1", outputs=[{"type": "logs", "logs": "2"}]),
        done(3, "shell_call", call_id="s", action={"commands": ["ls"]}),
        done(4, "shell_call_output", call_id="s", output=[{"stdout": "a"}]),
        done(5, "web_search_call", id="w", action={"query": "q"}, status="completed"),  # comes without its results
        done(6, "code_interpreter_call", id="d", code="1", outputs=None),
        completed(),
    )

    assert read(responses, body).items == [
        ToolCall("m", "mcp", "echo", {"x": 1}, by_provider=True),
        ToolResult("m", "1"),
        ToolCall("n", "mcp", "echo", {}, by_provider=True),
        ToolResult("n", None, "no"),
        ToolCall("c", "function", "code_interpreter", {"code": "1+1"}, by_provider=True),
        ToolResult("c", [{"type": "logs", "logs": "2"}]),
        ToolCall("s", "function", "shell", {"commands": ["ls"]}, by_provider=True),
        ToolResult("s", [{"stdout": "a"}]),
        ToolCall("w", "function", "web_search", {"query": "q"}, by_provider=True),
        ToolResult("w", {"status": "completed"}),
        ToolCall("d", "function", "code_interpreter", {"code": "1"}, by_provider=True),
        ToolResult("d", {"status": "completed"}),
        Finished("stop"),
    ]


def test_a_whole_answer_is_read_too(responses, read):
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "one"}, {"type": "refusal", "refusal": " no"}]},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": '{"x":1}'},
    ]
    body = json.dumps({"object": "response", "status": "completed", "error": None, "output": output}).encode()
    reading = read(responses, body)

    assert (reading.reasoning, reading.text) == ("hm", "one no")
    assert reading.tool_calls == [ToolCall("a", "function", "f", {"x": 1})]


@pytest.mark.parametrize(
    "failure",
    [
        event("failed", response={"status": "failed", "error": {"code": "server_error", "message": "sk-secret"}}),
        {"type": "error", "code": "server_error", "message": "sk-secret"},
        {"type": "error", "error": {"message": "sk-secret"}},
    ],
)
def test_a_failure_ends_the_reply(responses, read, failure):
    reading = read(responses, sse(event("output_text.delta", delta="a"), failure))

    assert reading.text == "a"
    assert isinstance(reading.error, Reported)
    assert "sk-secret" not in reading.error.message


def test_what_an_error_means_is_said(responses, read):
    body = sse({"type": "error", "code": "context_length_exceeded", "message": "x"})
    assert "too long" in read(responses, body).error.message


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (sse(event("output_text.delta", delta="a")), Truncated),
        (b'{"error":{"message":"no"}}', Reported),
        (b'{"status":"failed","error":{"code":"x"}}', Reported),
        (b'{"status":"in_progress"}', EmptyReply),
        (b'data: {"type":7}\n\n', EmptyReply),
    ],
)
def test_a_200_that_is_no_reply_is_an_error(responses, read, body, error):
    assert type(read(responses, body).error) is error


def test_what_comes_behind_the_terminal_event_is_not_waited_for(responses):
    def body():
        yield sse(completed())
        raise AssertionError("read on")

    assert list(responses.read("", body())) == [Finished("stop")]
