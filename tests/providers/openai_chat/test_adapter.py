import json

import pytest

from chatapp.chat import Chat, Message, Native
from chatapp.errors import BadReply, EmptyReply, Reported, Truncated
from chatapp.events import ReasoningDelta, TextDelta, ToolCall, ToolInputDelta, Usage, encode_events
from chatapp.providers import Finished
from chatapp.providers.openai_chat.adapter import OpenAIChat


@pytest.fixture
def openai(upstream):
    return OpenAIChat("acme", upstream, "http://acme.test/v1")


def chunk(delta=None, finish=None, **more):
    return {"choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}], **more}


def sse(*chunks, end=True):
    frames = [f"data: {text if isinstance(text, str) else json.dumps(text)}\n\n" for text in chunks]
    return "".join([*frames, "data: [DONE]\n\n" if end else ""]).encode()


STOP = chunk(finish="stop")


def test_an_event_is_there_as_soon_as_its_frame_is(openai):
    fed = iter([sse(chunk({"content": "now"}), end=False)])
    items = openai.read("text/event-stream", fed)

    assert next(items) == TextDelta("now")


@pytest.mark.parametrize("error", [{"message": "x"}, "x", ["x"]])
def test_an_error_is_seen_before_the_choices_beside_it(openai, read, error):
    body = sse(chunk({"content": "a"}), chunk({"content": "b"}, "stop", error=error))

    reading = read(openai, body)

    assert reading.text == "a"
    assert isinstance(reading.error, Reported)


@pytest.mark.parametrize("nothing", [None, "", {}])
def test_an_error_field_without_an_error_is_none(openai, read, nothing):
    assert read(openai, sse(chunk({"content": "a"}, error=nothing), STOP)).finish == Finished("stop")


def test_a_finish_reason_without_an_end_mark_is_an_end(openai, read):
    assert read(openai, sse(STOP, end=False)).finish == Finished("stop")


def test_an_empty_finish_reason_is_no_end(openai, read):
    assert isinstance(read(openai, sse(chunk({"content": "a"}, ""), end=False)).error, Truncated)


def test_the_usage_is_taken_from_behind_the_finish(openai, read):
    usage = {
        "prompt_tokens": 3,
        "completion_tokens": 5.0,
        "total_tokens": None,
        "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    body = sse(STOP, {"choices": [], "usage": usage}, chunk(usage=None))

    assert read(openai, body).finish == Finished("stop", Usage(3, 5, 8, 4, 2))


@pytest.mark.parametrize(
    ("fields", "sequence"),
    [
        ({"stop_reason": "END"}, "END"),
        ({"matched_stop": "END"}, "END"),
        ({"stop_reason": None, "matched_stop": 151645}, ""),
        ({"stop_reason": ["END"], "matched_stop": 0.5}, ""),
    ],
)
def test_the_sequence_that_stopped_a_reply_is_told_as_the_server_tells_it(openai, read, fields, sequence):
    ended = {"choices": [{"delta": {}, "finish_reason": "stop", **fields}]}
    finish = read(openai, sse(chunk({"content": "a"}), ended)).finish
    assert (finish.reason, finish.stop_sequence) == ("stop", sequence)


def test_a_body_that_breaks_off_behind_the_finish_is_complete(openai, read):
    def body():
        yield sse(chunk({"content": "a"}), STOP, end=False)
        raise Truncated("cut")

    assert read(openai, body()).finish == Finished("stop")


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "hm"},
        {"reasoning_content": [{"type": "text", "text": "h"}, {"type": "text", "text": "m"}]},
        {"reasoning": [{"type": "thinking", "thinking": "hm"}, 5, {"text": 5}]},
        {"reasoning_content": "", "reasoning": None, "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}, {"type": "reasoning.encrypted"}]},
    ],
)
def test_reasoning_is_found_under_each_of_its_names_and_forms(openai, read, delta):
    assert read(openai, sse(chunk(delta), STOP)).reasoning == "hm"
    assert (
        read(openai, json.dumps({"choices": [{"message": delta, "finish_reason": "stop"}]}).encode()).reasoning == "hm"
    )


@pytest.mark.parametrize("details", ["hm", 5, {"text": "hm"}, [5, None], [{"text": 5}]])
def test_details_of_another_form_say_nothing(openai, read, details):
    reading = read(openai, sse(chunk({"content": "Hello", "reasoning_details": details}), STOP))
    assert (reading.text, reading.reasoning, reading.error) == ("Hello", "", None)


def test_reasoning_under_two_names_is_shown_once(openai, read):
    delta = {"reasoning_content": "hm", "reasoning": "hm", "reasoning_details": [{"text": "hm"}]}

    assert read(openai, sse(chunk(delta), STOP)).items[:-1] == [ReasoningDelta("hm")]


EXTRA = {"google": {"thought_signature": "sig"}}
FUNCTION = {"name": "f", "arguments": "{}"}


@pytest.mark.parametrize(
    "calls",
    [
        [{"index": 0, "id": "a", "function": FUNCTION, "extra_content": EXTRA}],
        [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}, "extra_content": EXTRA}],
        [{"index": 0, "id": "a", "function": FUNCTION}, {"index": 0, "extra_content": EXTRA}],
    ],
)
def test_what_only_the_server_understands_goes_back_to_it_with_its_call(openai, read, calls):
    reading = read(openai, sse(*(chunk({"tool_calls": [call]}) for call in calls), STOP))
    assert reading.native == Native("openai", [{"tool_call": "a", "extra_content": EXTRA}], "acme")
    turn = Message("assistant", "", tool_calls=reading.tool_calls, native=reading.native)
    chat = Chat(model="m", messages=[turn, Message("tool", "1", tool_call_id="a")])
    assert openai.request(chat).body["messages"][0]["tool_calls"][0]["extra_content"] == EXTRA


def test_a_whole_reply_s_signatures_are_kept_too(openai, read):
    message = {
        "content": "a",
        "extra_content": EXTRA,
        "tool_calls": [{"id": "a", "function": FUNCTION, "extra_content": EXTRA}],
    }
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    told = [{"tool_call": "a", "extra_content": EXTRA}, {"extra_content": EXTRA}]
    assert read(openai, body).native == Native("openai", told, "acme")


@pytest.mark.parametrize("host", ["api.openai.com", "api.mistral.ai", "name.openai.azure.com"])
def test_members_whose_maker_is_unknown_are_not_sent_to_those_who_refuse_them(host):
    native = Native("openai", [{"reasoning_details": [{"signature": "x"}]}])
    chat = Chat(model="m", messages=[Message("assistant", "a", native=native)])
    sent = OpenAIChat("acme", None, f"https://{host}/v1").request(chat).body["messages"][0]
    assert sent == {"role": "assistant", "content": "a"}
    assert "reasoning_details" in OpenAIChat("acme", None, "http://acme.test").request(chat).body["messages"][0]


def test_content_in_parts_keeps_their_order(openai, read):
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"type": "text", "text": "c"},
        {"type": "reference", "reference_ids": [1]},
    ]

    assert read(openai, sse(chunk({"content": parts}), STOP)).items[:-1] == [ReasoningDelta("ab"), TextDelta("c")]


def test_parts_of_a_form_of_their_own_are_skipped(openai, read):
    parts = ["a", {"type": "text", "text": {"value": "?"}}, 5, None, {"type": "text", "text": "b"}]

    reading = read(openai, sse(chunk({"content": parts}), STOP))

    skipped = {"field text": 1, "part of another form": 1}
    assert (reading.text, reading.finish, reading.error) == ("ab", Finished("stop", skipped=skipped), None)


def test_half_an_emoji_in_a_part_does_not_lose_the_part(openai, read):
    body = sse(r'{"choices":[{"delta":{"content":[{"type":"text","text":"a\ud83d"}]}}]}', STOP)

    assert read(openai, body).text == "a\ufffd"


@pytest.mark.parametrize("usage", ["3 tokens", [1], {"prompt_tokens": "three", "completion_tokens": [1]}])
def test_a_usage_of_another_form_does_not_cost_the_reply(openai, read, usage):
    reading = read(openai, sse(chunk({"content": "a"}), chunk(finish="stop", usage=usage)))

    assert (reading.text, reading.finish) == ("a", Finished("stop"))


def test_the_older_function_call_is_a_tool_call(openai, read):
    pieces = [{"name": "f", "arguments": ""}, {"arguments": '{"x"'}, {"name": "f", "arguments": ":1}"}]

    reading = read(openai, sse(*(chunk({"function_call": piece}) for piece in pieces), chunk(finish="function_call")))

    assert reading.tool_calls == [ToolCall("call_0", "function", "f", {"x": 1})]


def test_a_call_that_is_written_both_ways_is_one(openai, read):
    both = {"name": "f", "arguments": "{}"}
    delta = {"tool_calls": [{"index": 0, "id": "a", "function": both}], "function_call": both}

    assert [call.id for call in read(openai, sse(chunk(delta), STOP)).tool_calls] == ["a"]


def tool(index=None, id=None, name=None, arguments=None):
    call = {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}
    return chunk({"tool_calls": [call]})


@pytest.mark.parametrize(
    "fragments",
    [
        [tool(0, "a", "f", '{"x":1}')],
        [tool(0, "a", "f", ""), tool(0, None, None, '{"x"'), tool(0, "", "", ":1}")],
        [tool(0, "a", "f", '{"x"'), tool(0, "a", "f", ":1}")],
        [tool(None, "a", "f", '{"x"'), tool(None, None, None, ":1}")],
        [tool(0, "a", "f", {"x": 1})],
        [tool(0, "a", None, '{"x"'), tool(0, None, "f", ":1"), tool(0, None, None, "}")],
        [tool(0, None, None, '{"x"'), tool(0, "a", "f", ":1}")],
        [tool(0, "a", "", '{"x":1}'), tool(0, "a", "f", "")],
    ],
    ids=["whole", "fragments", "name repeated", "no index", "an object", "late name", "late id", "name at the end"],
)
def test_a_tool_call_is_the_same_whole_or_in_fragments(openai, read, fragments):
    reading = read(openai, sse(*fragments, chunk(finish="tool_calls")))

    assert reading.tool_calls == [ToolCall("a", "function", "f", {"x": 1})]
    deltas = [item for item in reading.items if isinstance(item, ToolInputDelta)]
    assert json.loads("".join(delta.text for delta in deltas)) == {"x": 1}
    assert {(delta.tool_call_id, delta.name) for delta in deltas} == {("a", "f")}


@pytest.mark.parametrize("keys", [(0, 1), (0, 0), (None, None)], ids=["indexes", "one index for all", "ids"])
def test_parallel_tool_calls_are_kept_apart(openai, read, keys):
    body = sse(tool(keys[0], "a", "f", "{}"), tool(keys[1], "b", "g", "{}"), chunk(finish="tool_calls"))

    assert [(call.id, call.name) for call in read(openai, body).tool_calls] == [("a", "f"), ("b", "g")]


@pytest.mark.parametrize("nothing", ["", None, "null", " "])
def test_no_arguments_are_an_empty_object(openai, read, nothing):
    reading = read(openai, sse(tool(0, "a", "f", nothing), chunk(finish="tool_calls")))

    assert reading.tool_calls[0].arguments == {}


def test_a_tool_call_without_an_id_gets_one(openai, read):
    reading = read(openai, sse(tool(0, None, "f", "{}"), tool(1, None, "g", "{}"), STOP))

    assert [call.id for call in reading.tool_calls] == ["call_0", "call_1"]


def test_arguments_cut_off_by_the_limit_make_no_call(openai, read):
    body = sse(tool(0, "a", "f", '{"x":'), chunk(finish="length"))

    assert read(openai, body).finish == Finished("length")
    assert read(openai, body).tool_calls == []


def test_arguments_that_are_no_object_are_kept_to_be_told_to_the_model(openai, read):
    [call] = read(openai, sse(tool(0, "a", "f", "[1]"), STOP)).tool_calls
    assert (call.arguments, call.unread) == ({}, "[1]")


@pytest.mark.parametrize("levels", [101, 970, 100_000])
def test_arguments_that_are_nested_too_deeply_are_kept_to_be_told_to_the_model(openai, read, levels):
    text = '{"x":' * levels + "1" + "}" * levels

    [call] = read(openai, sse(tool(0, "a", "f", text), STOP)).tool_calls

    assert (call.arguments, call.unread) == ({}, text[:200])


def test_a_number_too_large_for_the_log_loses_digits_not_the_reply(openai, read):
    [call] = read(openai, sse(tool(0, "a", "f", '{"x":1' + "0" * 30 + "}"), STOP)).tool_calls

    assert call.arguments == {"x": 1e30}
    encode_events([call])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("function_call", "stop"),
    ],
)
def test_finish_reasons_are_mapped(openai, read, raw, reason):
    assert read(openai, sse(chunk(finish=raw))).finish == Finished(reason)


def test_a_finish_reason_that_names_a_failure_is_an_error(openai, read):
    assert isinstance(read(openai, sse(chunk({"content": "a"}), chunk(finish="network_error"))).error, Reported)


def test_of_several_answers_the_first_is_read(openai, read):
    second = {"choices": [{"index": 1, "delta": {"content": "other"}, "finish_reason": "stop"}]}

    assert read(openai, sse(second, chunk({"content": "one"}), STOP)).text == "one"


def test_half_an_emoji_does_not_end_the_reply(openai, read):
    body = sse(
        r'{"choices":[{"delta":{"content":"a\ud83d"}}]}', r'{"choices":[{"delta":{"content":"\\\ude42b"}}]}', STOP
    )

    assert read(openai, body).text == "a\ufffd\\\ufffdb"


def test_frames_that_say_nothing_are_skipped(openai, read):
    body = b": OPENROUTER PROCESSING\n\nevent: ping\ndata: {}\n\ndata:\n\n" + sse(chunk({"content": "a"}), STOP)

    assert read(openai, body).text == "a"


@pytest.mark.parametrize("frame", ["{", '{"choices": 3}', '{"x":' * 100_000])
def test_a_frame_that_is_not_of_the_protocol_is_a_bad_reply(openai, read, frame):
    assert isinstance(read(openai, sse(chunk({"content": "a"}), frame)).error, BadReply)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", Truncated),
        (b"\r\n \n", Truncated),
        (b"<!DOCTYPE html><p>502", BadReply),
        (b"\n<html>", BadReply),
        (b"Service ready.\n", EmptyReply),
        (b'{"error":{"message":"no"}}', Reported),
        (b'{"hello":"world"}', EmptyReply),
        (b'{"choices":[{"mess', BadReply),
        (b"[]", EmptyReply),
    ],
)
def test_a_200_that_is_no_reply_is_an_error(openai, read, body, error):
    assert type(read(openai, body).error) is error


def test_a_web_page_is_known_by_its_type_too(openai, read):
    assert isinstance(read(openai, sse(STOP), "text/html; charset=utf-8").error, BadReply)


def test_blank_lines_before_a_whole_answer_are_waited_out(openai, read):
    whole = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}
    body = [b"\n", b"\r\n", b" ", json.dumps(whole, indent=1).encode()]

    assert read(openai, body).items == [TextDelta("a"), Finished("stop")]
