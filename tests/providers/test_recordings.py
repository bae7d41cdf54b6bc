"""Recorded bodies are read as an independent parser read them: whole, byte by byte, cut, damaged."""

import json
import random
from collections.abc import Iterator
from contextlib import suppress

import msgspec
import pytest
from garbage import left_by
from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp.errors import BadReply, EmptyReply, Reported, TooLong, Truncated, UpstreamError
from chatapp.events import encode_events
from chatapp.providers import Finished
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_responses.adapter import OpenAIResponses
from chatapp.wire.upstream import Upstream

ADAPTERS = {
    "openai-chat": OpenAIChat,
    "openai-responses": OpenAIResponses,
    "anthropic": Anthropic,
    "gemini": Gemini,
    "ollama": Ollama,
}
PROTOCOLS = tuple(ADAPTERS)  # the recordings have two more: cohere-v2, gemini-interactions
UPSTREAM = Upstream()

REASONS = {
    **dict.fromkeys(["stop", "tool_calls", "end_turn", "tool_use", "completed", "STOP", "FAKE_ENUM"], "stop"),
    **dict.fromkeys(["length", "max_tokens", "incomplete:max_output_tokens", "MAX_TOKENS"], "length"),
    **dict.fromkeys(["content_filter", "refusal", "SAFETY", "BLOCK:SAFETY"], "content_filter"),
}

COUNTS = {  # the fields for the prompt, for the completion, and for both if there is one
    "openai-chat": (["prompt_tokens"], ["completion_tokens"], "total_tokens"),
    "openai-responses": (["input_tokens"], ["output_tokens"], "total_tokens"),
    "anthropic": (["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"], ["output_tokens"], None),
    "gemini": (
        ["promptTokenCount", "toolUsePromptTokenCount"],
        ["candidatesTokenCount", "thoughtsTokenCount"],
        "totalTokenCount",
    ),
    "ollama": (["prompt_eval_count"], ["eval_count"], None),
}

ERRORS = {
    "synthetic/cut-mid-utf8.sse": Truncated,
    "synthetic/cut-no-finish.sse": Truncated,
    "synthetic/anthropic-error-first.sse": Reported,
    "gemini-vertex/streaming-failure-malformed-content-c410b.sse": Truncated,
    "anthropic/test_anthropic_instrumentation_async_completions_streaming-07316.sse": Truncated,  # another protocol
    "openrouter/minimax_minimax_m1-object_streaming-fe070.sse": EmptyReply,  # nothing said, no finish reason
}

# The recordings that we read differently from their manifest, and why.
REASON_UNSAID = {
    "openai-chat/test_tools_streaming_variant_a-52286.sse": "stop",  # no finish reason, but an end mark
    "gemini-vertex/unary-success-missing-safety-ratings-cd3f3.json": "stop",  # a whole response is complete
    "gemini/unary-failure-only-prompt-feedback-80cfd.json": "content_filter",  # blocked, with a message for a reason
}
USAGE_ELSEWHERE = {"groq/test_chat_streaming_legacy-1bc9e.sse": 91}  # under `x_groq`
CALLS = {
    # The provider's own tools: a call is shown with its result and its whole arguments.
    "anthropic/anthropic-web-fetch-tool-20260209.1-5a52a.chunks.jsonl": ["web_fetch", "code_execution"],
    # Four replies in one file: the manifest took calls with the same index for one.
    "azure-openai-responses/azure-reasoning-encrypted-content.1-477ba.chunks.jsonl": ["calculator"] * 3,
    "openai-responses/openai-reasoning-encrypted-content.1-a91a2.chunks.jsonl": ["calculator"] * 3,
    # The arguments come only with the call's end, which the manifest did not read.
    "lmstudio/lmstudio-tool-call.2-337dd.chunks.jsonl": ["weather"],
    "openai-responses/openai-custom-tool.1-00232.chunks.jsonl": ["write_sql"],  # not JSON: under `input`
    "openai-responses/openai-custom-tool.1-6abc5.json": ["write_sql"],
    "openai-responses/openai-shell-container.1-b56d0.chunks.jsonl": ["shell"],
    "azure-openai-responses/azure-web-search-preview-tool.1-f2bb9.chunks.jsonl": ["web_search"],
    "openai-responses/test_openai_citations_become_the_source_list-ee8d6.sse": ["web_search"],
    "xai/xai-web-search-tool.1-d0f22.chunks.jsonl": ["web_search"],
    "anthropic/incomplete_partial_json_response-d3027.sse": [],  # cut off by the limit: no call
}
RESET = {"anthropic/spliced-message-start-08f10.chunks.jsonl": "Let me call the tool."}  # only the second start counts


def bodies(recording) -> list[bytes]:
    """The replies in a recording: some have several, one after the other."""
    mark = b"event: response.created\n"
    if recording.body.count(mark) < 2:
        return [recording.body]
    return [mark + part for part in recording.body.split(mark)[1:]]


def provider(recording):
    return ADAPTERS[recording.protocol]("acme", UPSTREAM)


def test_a_recording_is_read_as_its_manifest_says(recording, read, is_expected):
    expect = recording.expect
    readings = [read(provider(recording), body, recording.content_type) for body in bodies(recording)]
    text, last = "".join(reading.text for reading in readings), readings[-1]

    assert text == expect["refusal"] if expect.get("refusal") else is_expected(text, expect["text"])
    reasoning = "".join(reading.reasoning for reading in readings)
    assert reasoning == RESET.get(recording.name, reasoning)
    assert recording.name in RESET or is_expected(reasoning, expect["reasoning"])
    assert_calls([call for reading in readings for call in reading.tool_calls], recording)
    if error := ERRORS.get(recording.name, Reported if expect["errors"] else None):
        assert type(last.error) is error
    else:
        assert last.error is None
        assert_finish(last.finish, recording)


def assert_calls(calls, recording):
    known = recording.expect["tool_calls"]
    if recording.name in CALLS:
        assert [call.name for call in calls] == CALLS[recording.name]
        assert all(call.arguments for call in calls)
    else:
        assert [(call.name, call.arguments) for call in calls] == [
            (call["name"], json.loads(call["args"] or "{}")) for call in known
        ]
        assert [call.id for call in calls] == [call.get("id", f"call_{at}") for at, call in enumerate(known)]


def assert_finish(finish, recording):
    expect = recording.expect
    reason = REASONS[expect["finish_raw"][-1]] if expect["finish_raw"] else REASON_UNSAID[recording.name]
    assert finish.reason == ("content_filter" if expect.get("refusal") and reason == "stop" else reason)
    if usage := expect["usage_raw"]:
        prompt, completion, total = COUNTS[recording.protocol]
        counted = [sum(usage.get(name) or 0 for name in names) for names in (prompt, completion)]
        assert [finish.usage.prompt, finish.usage.completion] == counted
        assert finish.usage.total == (usage[total] if total else sum(counted))
    elif recording.name in USAGE_ELSEWHERE:
        assert finish.usage.total == USAGE_ELSEWHERE[recording.name]
    else:
        assert finish.usage is None


def test_a_recording_gives_the_same_events_however_it_is_cut(recording, read, cuts):
    for body in bodies(recording):
        first, *others = [read(provider(recording), pieces) for pieces in cuts(body)]
        assert all(other == first for other in others)


def test_a_recording_that_was_damaged_ends_in_an_upstream_error_or_an_end(recording, read):
    chance, body = random.Random(recording.name), recording.body
    for _ in range(10):
        start, end = sorted(chance.randrange(len(body) + 1) for _ in range(2))
        damaged = body[:start] + chance.randbytes(chance.randrange(4)) + body[min(end, start + 40) :]
        assert_sound(read(provider(recording), damaged))  # which lets nothing but an UpstreamError pass


def test_an_error_that_came_with_a_good_status_is_an_error(refusal, read):
    for adapter in ADAPTERS.values():
        error = read(adapter("acme", UPSTREAM), refusal.body, refusal.content_type).error
        assert isinstance(error, UpstreamError)
        assert isinstance(error, Reported | TooLong) or not refusal.expect["errors"] or type(error) is BadReply


def assert_sound(reading) -> None:
    assert reading.finish or reading.error
    encode_events([item for item in reading.items if not isinstance(item, Finished)])


# Bodies of each protocol, changed by hypothesis in their bytes and in their values

SEEDS = {
    "openai-chat": [
        {"choices": [{"index": 0, "delta": {"content": "a", "reasoning_content": "r"}}]},
        {
            "choices": [
                {"delta": {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]}}
            ]
        },
        {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
    ],
    "openai-responses": [
        {"type": "response.output_text.delta", "output_index": 0, "delta": "a"},
        {"type": "response.output_item.added", "output_index": 1, "item": {"type": "function_call", "call_id": "c"}},
        {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "{}"},
        {
            "type": "response.output_item.done",
            "item": {"type": "mcp_call", "id": "m", "arguments": "{}", "output": "x"},
        },
        {"type": "response.output_item.done", "item": {"type": "shell_call", "call_id": "s", "action": {}}},
        {"type": "response.output_item.done", "item": {"type": "shell_call_output", "call_id": "s", "output": []}},
        {"type": "response.completed", "response": {"status": "completed", "usage": {"input_tokens": 1}}},
    ],
    "anthropic": [
        {"type": "message_start", "message": {"usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "t"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "a", "name": "f"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {
            "type": "content_block_start",
            "index": 2,
            "content_block": {"type": "server_tool_use", "id": "s", "name": "w"},
        },
        {"type": "content_block_stop", "index": 2},
        {
            "type": "content_block_start",
            "index": 3,
            "content_block": {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "u"}]},
        },
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ],
    "gemini": [
        {"candidates": [{"content": {"parts": [{"text": "t", "thought": True}, {"text": "a"}]}}]},
        {
            "candidates": [
                {"content": {"parts": [{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "s"}]}}
            ]
        },
        {"candidates": [{"content": {"parts": [{"executableCode": {"code": "1"}}, {"codeExecutionResult": {}}]}}]},
        {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 1}},
    ],
    "ollama": [
        {"message": {"content": "a", "thinking": "t"}},
        {"message": {"tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]}},
        {"done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 4},
    ],
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def frames(protocol: str, events: list[object]) -> bytes:
    start, end = (b"", b"\n") if protocol == "ollama" else (b"data: ", b"\n\n")
    return b"".join(start + json.dumps(event).encode() + end for event in events)


def paths(value: object, path: tuple = ()) -> Iterator[tuple]:
    """Every place in a JSON value."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(inner, (*path, key))


def replaced(value, path: tuple, other: object):
    if not path:
        return other
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], other)
    return copy


def with_another_value(protocol: str) -> st.SearchStrategy[bytes]:
    places = st.sampled_from(list(paths(SEEDS[protocol]))[1:])
    return st.tuples(places, ANYTHING).map(lambda how: frames(protocol, replaced(SEEDS[protocol], *how)))


def with_other_bytes(protocol: str) -> st.SearchStrategy[bytes]:
    seed = frames(protocol, SEEDS[protocol])
    cut = st.tuples(st.integers(0, len(seed)), st.integers(0, len(seed)), st.binary(max_size=5))
    return cut.map(lambda how: seed[: how[0]] + how[2] + seed[how[1] :])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_seeds_are_replies(protocol, read):
    reading = read(ADAPTERS[protocol]("acme", UPSTREAM), frames(protocol, SEEDS[protocol]))

    assert reading.error is None
    assert reading.tool_calls


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(deadline=None)
@given(data=st.data())
def test_whatever_arrives_only_upstream_errors_escape(protocol, data):
    body = data.draw(with_another_value(protocol) | with_other_bytes(protocol) | st.binary())
    items: list[object] = []
    try:
        items.extend(ADAPTERS[protocol]("acme", UPSTREAM).read("", [body]))
    except UpstreamError:
        pass
    else:
        finish = items[-1]
        assert isinstance(finish, Finished)
        msgspec.json.encode(finish)
    encode_events([item for item in items if not isinstance(item, Finished)])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_reply_that_was_read_leaves_no_circles(protocol):
    """They would hold its text until the garbage collector finds them."""
    adapter, body = ADAPTERS[protocol]("acme", UPSTREAM), frames(protocol, SEEDS[protocol])
    assert not left_by(lambda: list(adapter.read("", [body])))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("ending", [b"data: {]}\n\n", Truncated("cut"), None])
def test_a_reply_that_was_broken_off_leaves_no_circles(protocol, ending):
    adapter, body = ADAPTERS[protocol]("acme", UPSTREAM), frames(protocol, SEEDS[protocol])

    def pieces():
        yield body[: len(body) // 2]
        if isinstance(ending, Truncated):
            raise Truncated("cut")
        yield ending or b""

    def read():
        items = adapter.read("", pieces())
        with suppress(UpstreamError):
            for _ in items:
                if ending is None:
                    break  # whoever reads it has enough

    assert not left_by(read)
