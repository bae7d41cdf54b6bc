"""Long replies in every protocol's form: they pass whole with the default limits, at the cost per token of short
ones. Costs are counted, as calls of functions: times depend on the machine.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import pytest
from drivers import a_chat

from chatapp.cancel import CancelScope
from chatapp.errors import ReplyTooLarge
from chatapp.events import ReasoningDelta, TextDelta
from chatapp.providers import Finished
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.http import HTTPProvider
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_responses.adapter import OpenAIResponses
from chatapp.providers.read_limits import ReadLimits
from chatapp.settings import Settings

TOKENS = 128_000  # the longest reply that a model of today gives
READ_BYTES = 16_384
ID = "0123456789abcdef0123456789abcdef0123456789abcdef"


def token(number: int) -> str:
    return f"tok{number % 1000:03} "


def openai_chat(tokens: int) -> Iterator[object]:
    head = {"id": f"chatcmpl-{ID}", "object": "chat.completion.chunk", "created": 1700000000, "model": "gpt-5-2025-08"}
    head |= {"service_tier": "default", "system_fingerprint": "fp_0123456789", "usage": None, "obfuscation": "aB3dE6"}
    for number in range(tokens):
        choice = {"index": 0, "delta": {"content": token(number)}, "logprobs": None, "finish_reason": None}
        yield {**head, "choices": [choice]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    yield "[DONE]"


def openai_responses(tokens: int) -> Iterator[object]:
    place = {"item_id": f"msg_{ID}", "output_index": 0, "content_index": 0}
    yield {"type": "response.created", "response": {"id": f"resp_{ID}", "status": "in_progress", "output": []}}
    for number in range(tokens):
        yield {
            "type": "response.output_text.delta",
            "sequence_number": number,
            **place,
            "delta": token(number),
            "logprobs": [],
            "obfuscation": "aB3dE6fG9h",
        }
    text = "".join(map(token, range(tokens)))
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"type": "message", "id": place["item_id"], "role": "assistant", "content": [part]}
    yield {"type": "response.output_text.done", **place, "text": text}
    yield {"type": "response.output_item.done", "output_index": 0, "item": message}
    yield {"type": "response.completed", "response": {"status": "completed", "output": [message]}}


def anthropic(tokens: int) -> Iterator[object]:
    yield {"type": "message_start", "message": {"id": f"msg_{ID}", "content": [], "usage": {"input_tokens": 9}}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for number in range(tokens):
        delta = {"type": "text_delta", "text": token(number)}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": tokens}}
    yield {"type": "message_stop"}


def gemini(tokens: int) -> Iterator[object]:
    counts = {"promptTokenCount": 9, "totalTokenCount": 99, "promptTokensDetails": [{"modality": "TEXT"}]}
    foot = {"usageMetadata": counts, "modelVersion": "gemini-3-pro", "responseId": ID}
    for number in range(tokens):
        content = {"parts": [{"text": token(number)}], "role": "model"}
        yield {"candidates": [{"content": content, "index": 0}], **foot}
    yield {"candidates": [{"finishReason": "STOP", "index": 0}], **foot}


def ollama(tokens: int) -> Iterator[object]:
    head = {"model": "llama3.2:latest", "created_at": "2026-11-26T08:00:00.123456789Z"}
    for number in range(tokens):
        yield {**head, "message": {"role": "assistant", "content": token(number)}, "done": False}
    yield {**head, "message": {"content": ""}, "done": True, "done_reason": "stop", "eval_count": tokens}


FORMS: dict[str, tuple[type[HTTPProvider], Callable[[int], Iterator[object]]]] = {
    "openai-chat": (OpenAIChat, openai_chat),
    "openai-responses": (OpenAIResponses, openai_responses),
    "anthropic": (Anthropic, anthropic),
    "gemini": (Gemini, gemini),
    "ollama": (Ollama, ollama),
}

every_form = pytest.mark.parametrize("form", FORMS)


class Stream:
    """A transport whose every response is these frames, in pieces as a socket gives them."""

    content_type = "text/event-stream"

    def __init__(self, frames: Iterable[bytes]) -> None:
        self._pieces = self._cut(frames)
        self.passed_bytes = 0

    def open(self, *_: object, **__: object) -> Any:
        return self

    def read(self) -> bytes:
        return next(self._pieces, b"")

    def _cut(self, frames: Iterable[bytes]) -> Iterator[bytes]:
        piece = bytearray()
        for frame in chain(frames, [b""]):
            piece += frame
            if len(piece) >= READ_BYTES or not frame:
                self.passed_bytes += len(piece)
                yield bytes(piece)
                piece.clear()

    def drain(self) -> None:
        pass

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def stream(form: str, tokens: int) -> tuple[HTTPProvider, Stream]:
    adapter, frames = FORMS[form]
    texts = (frame if isinstance(frame, str) else json.dumps(frame) for frame in frames(tokens))
    body = Stream(f"{text}\n".encode() if adapter is Ollama else f"data: {text}\n\n".encode() for text in texts)
    return adapter("acme", body, "http://acme.test"), body  # type: ignore[arg-type]


@every_form
def test_the_longest_reply_passes_with_the_default_limits(form: str) -> None:
    provider, body = stream(form, TOKENS)
    said, finished = [], None
    for item in provider.stream(a_chat(), CancelScope()):
        if isinstance(item, TextDelta):
            said.append(item.text)
        finished = item
    assert isinstance(finished, Finished)
    assert finished.reason == "stop"
    assert said == [token(number) for number in range(TOKENS)]
    assert body.passed_bytes < Settings().max_stream_bytes / 2


@every_form
def test_a_token_costs_as_much_in_a_long_reply_as_in_a_short_one(form: str) -> None:
    short, long = (calls_per_token(form, tokens) for tokens in (1_000, 20_000))
    assert long <= short * 1.02


def calls_per_token(form: str, tokens: int) -> float:
    provider, _ = stream(form, tokens)
    calls = 0

    def count(_frame: object, event: str, _function: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    items = provider.stream(a_chat(), CancelScope())
    sys.setprofile(count)
    try:
        for _ in items:
            pass
    finally:
        sys.setprofile(None)
    return calls / tokens


@every_form
def test_what_is_held_of_a_reply_is_bounded(form: str) -> None:
    adapter, frames = FORMS[form]
    endless = (json.dumps(frame) for tokens in iter(lambda: 1000, 0) for frame in frames(tokens) if speaks(frame))
    body = Stream(f"{text}\n".encode() if adapter is Ollama else f"data: {text}\n\n".encode() for text in endless)
    limits = ReadLimits(max_reply_bytes=50_000)
    provider = adapter("acme", body, "http://acme.test", limits=limits)  # type: ignore[arg-type]
    said = 0
    with pytest.raises(ReplyTooLarge, match="more than 50000 bytes .setting max_reply_bytes.$"):
        for item in provider.stream(a_chat(), CancelScope()):
            said += len(item.text) if isinstance(item, (TextDelta, ReasoningDelta)) else 0
    assert 49_000 < said <= 50_007
    assert body.passed_bytes > 10 * said


def speaks(frame: object) -> bool:
    return "tok0" in str(frame) and len(str(frame)) < 1000


def test_a_stream_that_says_nothing_is_cut_off_where_a_whole_body_would_be() -> None:
    limits = ReadLimits(max_reply_bytes=100_000)
    comments = Stream(iter(lambda: b": nothing\n\n", b""))
    with pytest.raises(ReplyTooLarge, match="more than 100000 bytes .setting max_reply_bytes.$"):
        list(OpenAIChat("acme", comments, limits=limits).stream(a_chat(), CancelScope()))  # type: ignore[arg-type]
    assert comments.passed_bytes < 150_000
