"""OpenAI's chat completions, as spoken by OpenAI and by nearly everybody else.

It knows the wire's shape and the oddities seen in it, whoever sends them. Source:
https://platform.openai.com/docs/api-reference/chat/streaming, the documentation of the others, and recordings.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Finish
from chatapp.errors import Truncated
from chatapp.events import FinishReason, ReasoningDelta, StreamEvent, TextDelta, ToolInputDelta, Usage
from chatapp.providers.http import END_MARK, HTTPProvider, ReplyItems
from chatapp.providers.tool_calls import ToolCalls
from chatapp.providers.wire import NOTHING, count, is_something, parse
from chatapp.rejections import reported
from chatapp.upstream import Upstream, UpstreamRequest

Thinking: TypeAlias = Literal["none", "openai", "deepseek", "qwen"]

FINISH: dict[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
}
FAILED = ("error", "network_error", "insufficient_system_resource")

# The models that take `reasoning_effort`; all others refuse it. "low" is the least that each of them takes.
_reasons = re.compile(r"(^|/)(o\d|gpt-5(?!.*chat)|gpt-oss)").search


def _switch_openai(model: str, on: bool) -> dict[str, object]:
    if on:
        return {"reasoning_effort": "medium"}
    return {"reasoning_effort": "low"} if _reasons(model) else {}


THINKING: dict[Thinking, Callable[[str, bool], dict[str, object]]] = {
    "none": lambda model, on: {},
    "openai": _switch_openai,
    "deepseek": lambda model, on: {"thinking": {"type": "enabled" if on else "disabled"}},
    "qwen": lambda model, on: {"enable_thinking": on},
}
"""How a request switches thinking on or off, by the style's name."""


# What the owners of the protocol, and one who follows it to the letter, refuse of the usual request.
REFUSE_MAX_TOKENS = ("api.openai.com", ".openai.azure.com")  # for reasoning models; the new name is good for all
REFUSE_STREAM_OPTIONS = ("api.mistral.ai",)  # usage comes unasked


class OpenAI(HTTPProvider):
    models_path = "/models"

    def __init__(
        self,
        name: str,
        upstream: Upstream,
        base_url: str | Callable[[CancelScope], str] = "https://api.openai.com/v1",
        *,
        api_key: str | None = None,
        models: Sequence[str] = (),
        thinking: Thinking = "none",
    ) -> None:
        super().__init__(name, upstream, base_url, api_key=api_key, models=models)
        self._switch = THINKING[thinking]
        host = (urlsplit(base_url).hostname or "") if isinstance(base_url, str) else ""
        self._max_tokens = "max_completion_tokens" if host.endswith(REFUSE_MAX_TOKENS) else "max_tokens"
        self._ask_usage = not host.endswith(REFUSE_STREAM_OPTIONS)

    def request(self, chat: Chat) -> UpstreamRequest:
        body: dict[str, object] = {"model": chat.model, "messages": chat.messages, "stream": True}
        if self._ask_usage:
            body["stream_options"] = {"include_usage": True}
        if chat.thinking is not None:
            body |= self._switch(chat.model, chat.thinking)
        if chat.max_tokens is not None:
            body[self._max_tokens] = chat.max_tokens
        if chat.temperature is not None:
            body["temperature"] = chat.temperature
        return UpstreamRequest("/chat/completions", body)

    def decode(self, body: Iterable[bytes]) -> ReplyItems:
        reply = _Reply(self.name)
        try:
            for event in self.server_events(body):
                if event.data == END_MARK:
                    reply.ended = True
                    break
                if event.data:
                    yield from reply.take(parse(_chunk, event.data, self.name))
        except Truncated:
            if not reply.ended:  # with a finish reason nothing is missing but, perhaps, the usage
                raise
        yield from reply.end()

    def decode_whole(self, body: bytes) -> ReplyItems:
        reply = _Reply(self.name)
        yield from reply.take(parse(_chunk, body, self.name))
        yield from reply.end()

    def decode_models(self, body: bytes) -> Iterable[str]:
        return [model.id for model in msgspec.json.decode(body, type=_Models).data]


class _Part(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: "list[_Part] | str | None" = None


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, object] | None = None


class _ToolCall(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Message(msgspec.Struct):
    content: str | list[_Part] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    index: int | None = None
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None
    usage: "_Usage | None" = None


class _Details(msgspec.Struct):
    cached_tokens: float | None = None
    reasoning_tokens: float | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    total_tokens: float | None = None
    cached_tokens: float | None = None
    prompt_cache_hit_tokens: float | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None


class _Groq(msgspec.Struct):
    usage: _Usage | None = None


class _Chunk(msgspec.Struct):
    """A chunk of a stream, or a whole answer: the fields needed of either."""

    error: msgspec.Raw = NOTHING
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    x_groq: _Groq | None = None


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


_chunk = msgspec.json.Decoder(_Chunk)


class _Reply:
    """What is known of a reply so far. `ended` once it has a finish reason or the end mark."""

    def __init__(self, who: str) -> None:
        self.ended = False
        self._who = who
        self._reason: FinishReason = "stop"
        self._usage: _Usage | None = None
        self._tool_calls = ToolCalls(who)

    def take(self, chunk: _Chunk) -> list[StreamEvent]:
        if is_something(chunk.error):
            raise reported(self._who, bytes(chunk.error))
        events: list[StreamEvent] = []
        usage = chunk.usage or (chunk.x_groq and chunk.x_groq.usage)
        for choice in chunk.choices or ():
            if choice.index:
                continue  # of several answers the first is the one
            # A stream's delta may stand beside a message that repeats what came so far (Perplexity).
            message = choice.delta if choice.delta is not None else choice.message
            if message is not None:
                events += self._events(message)
            if choice.finish_reason:
                self._finish(choice.finish_reason)
            usage = usage or choice.usage
        self._usage = usage or self._usage
        return events

    def end(self) -> ReplyItems:
        if not self.ended:
            raise Truncated(f"{self._who} ended its reply without an end")
        yield from self._tool_calls.end(cut_off=self._reason == "length")
        yield Finish(self._reason, _usage(self._usage or _Usage()))

    def _events(self, message: _Message) -> Iterator[StreamEvent]:
        # Some send the same reasoning under both names.
        if reasoning := message.reasoning_content or message.reasoning:
            yield ReasoningDelta(reasoning)
        if isinstance(message.content, list):
            yield from _parts(message.content)
        elif message.content:
            yield TextDelta(message.content)
        if message.refusal:
            yield TextDelta(message.refusal)
        for fragment in message.tool_calls or ():
            yield from self._tool(fragment)

    def _tool(self, fragment: _ToolCall) -> Iterator[ToolInputDelta]:
        function = fragment.function or _Function()
        text = function.arguments or ""
        if isinstance(text, dict):
            text = msgspec.json.encode(text).decode()
        return self._tool_calls.take(fragment.index, fragment.id, function.name, text)

    def _finish(self, reason: str) -> None:
        if reason in FAILED:
            raise reported(self._who, reason.encode())
        self.ended = True
        self._reason = FINISH.get(reason, "stop")


def _parts(parts: list[_Part]) -> Iterator[StreamEvent]:
    """Content as an array (Mistral): thinking and text, in order."""
    for part in parts:
        thinking = part.thinking
        if isinstance(thinking, list):
            thinking = "".join(piece.text or "" for piece in thinking)
        if thinking:
            yield ReasoningDelta(thinking)
        if part.text:
            yield TextDelta(part.text)


def _usage(usage: _Usage) -> Usage | None:
    if usage.prompt_tokens is None and usage.completion_tokens is None:
        return None
    prompt, completion = count(usage.prompt_tokens), count(usage.completion_tokens)
    details = usage.completion_tokens_details or _Details()
    cached = (usage.prompt_tokens_details or _Details()).cached_tokens
    return Usage(
        prompt,
        completion,
        count(usage.total_tokens) or prompt + completion,
        count(details.reasoning_tokens),
        count(cached or usage.prompt_cache_hit_tokens or usage.cached_tokens),
    )
