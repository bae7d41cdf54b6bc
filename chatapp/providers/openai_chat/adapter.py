"""OpenAI's chat completions, as spoken by OpenAI and by most others.

It knows the shape of the protocol and the oddities that were seen in it, whoever sends them.
Sources: https://platform.openai.com/docs/api-reference/chat/streaming, the documentation of the
others, and recordings.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from urllib.parse import urlsplit

import msgspec

from chatapp.chat import Chat
from chatapp.errors import BadReply, Truncated
from chatapp.events import FinishReason, NativePiece, ReasoningDelta, StreamEvent, TextDelta, ToolInputDelta, Usage
from chatapp.providers import Finished
from chatapp.providers.http import END_MARK, HTTPProvider, ProviderRequest, ReplyItems
from chatapp.providers.openai_chat.reasoning_details import ReasoningDetails, words
from chatapp.providers.openai_chat.request import PROTOCOL, Quirks, request_body
from chatapp.providers.tool_calls import ToolCallAssembler
from chatapp.wire.json_text import NOTHING, count, is_something, json_data, parse, parse_value
from chatapp.wire.upstream_errors import stream_error

FINISH: dict[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
}
FAILED = ("error", "network_error", "insufficient_system_resource")
AZURE = ".openai.azure.com"


class OpenAIChat(HTTPProvider):
    default_base_url = "https://api.openai.com/v1"
    models_path = "/models"

    @property
    def _host(self) -> str:
        return (urlsplit(self.base_url).hostname or "") if isinstance(self.base_url, str) else ""

    @cached_property
    def _quirks(self) -> Quirks:
        return Quirks.of(self._host, self.thinking)

    def authorization(self, key: str) -> dict[str, str]:
        return {"api-key": key} if self._host.endswith(AZURE) else super().authorization(key)

    def request(self, chat: Chat) -> ProviderRequest:
        return ProviderRequest("/chat/completions", request_body(chat, self.name, self._quirks))

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
            if not reply.ended:  # with a finish reason only the usage may be missing
                raise
        yield from reply.end()

    def decode_whole(self, body: bytes) -> ReplyItems:
        reply = _Reply(self.name)
        yield from reply.take(parse(_chunk, body, self.name))
        yield from reply.end()

    def decode_models(self, body: bytes) -> Iterable[str]:
        models = msgspec.json.decode(body, type=_Models | list[_Model])
        return [model.id for model in (models if isinstance(models, list) else models.data)]


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
    extra_content: msgspec.Raw = NOTHING


class _Message(msgspec.Struct):
    content: str | list[msgspec.Raw] | None = None
    refusal: str | None = None
    reasoning_content: str | list[msgspec.Raw] | None = None
    reasoning: str | list[msgspec.Raw] | None = None
    reasoning_details: msgspec.Raw = NOTHING
    extra_content: msgspec.Raw = NOTHING
    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None


class _Choice(msgspec.Struct):
    index: int | None = None
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None
    usage: msgspec.Raw = NOTHING


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
    usage: msgspec.Raw = NOTHING


class _Chunk(msgspec.Struct):
    """A chunk of a stream, or a whole response: the fields that we need."""

    error: msgspec.Raw = NOTHING
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = NOTHING
    x_groq: _Groq | None = None


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


_chunk = msgspec.json.Decoder(_Chunk)
_part = msgspec.json.Decoder(_Part | str)
_numbers = msgspec.json.Decoder(_Usage)


class _Reply:
    """What is known of a reply so far. `ended`: it has a finish reason or the end mark."""

    def __init__(self, who: str) -> None:
        self.ended = False
        self._details = ReasoningDetails()
        self._extra: object = None  # the turn's `extra_content`
        self._sealed = False
        self._who = who
        self._reason: FinishReason = "stop"
        self._usage: _Usage | None = None
        self._tool_calls = ToolCallAssembler(who)

    def take(self, chunk: _Chunk) -> list[StreamEvent]:
        if is_something(chunk.error):
            raise stream_error(self._who, bytes(chunk.error))
        events: list[StreamEvent] = []
        self._take_usage(chunk.x_groq.usage if chunk.x_groq else NOTHING)
        for choice in chunk.choices or ():
            if choice.index:
                continue  # of several choices only the first counts
            # Perplexity sends a message beside the delta, which repeats what came so far.
            message = choice.delta if choice.delta is not None else choice.message
            if message is not None:
                events += self._events(message)
            if choice.finish_reason:
                self._finish(choice.finish_reason)
            self._take_usage(choice.usage)
        self._take_usage(chunk.usage)
        return events

    def end(self) -> ReplyItems:
        if not self.ended:
            raise Truncated(f"{self._who} ended its reply before it was complete")
        yield from self._tool_calls.end(cut_off=self._reason == "length")
        yield from self._last_piece()
        yield Finished(self._reason, _usage(self._usage or _Usage()))

    def _last_piece(self) -> Iterator[NativePiece]:
        details = self._details.whole if self._tool_calls or self._details.sealed else None
        members = {"reasoning_details": details, "extra_content": self._extra}
        told: list[object] = [{name: value} for name, value in members.items() if value]
        if self._reason == "stop" and (told or self._sealed):
            yield NativePiece(PROTOCOL, self._who, told, whole=True)

    def _events(self, message: _Message) -> Iterator[StreamEvent]:
        if reasoning := _reasoning(message):
            yield ReasoningDelta(reasoning)
        if is_something(message.reasoning_details):
            self._details.take(message.reasoning_details, self._who)
        if is_something(message.extra_content):
            self._extra = parse_value(bytes(message.extra_content), self._who)
        if isinstance(message.content, list):
            yield from self._parts(message.content)
        elif message.content:
            yield TextDelta(message.content)
        if message.refusal:
            yield TextDelta(message.refusal)
        for fragment in message.tool_calls or ():
            pieces = list(self._tool(fragment.index, fragment.id, fragment.function or _Function()))
            if is_something(fragment.extra_content):
                id = self._tool_calls.id_of(fragment.index, fragment.id)
                yield self._sealed_call(id, fragment.extra_content)
            yield from pieces
        if message.function_call and not message.tool_calls:  # the older field: one call, without an id
            yield from self._tool("function_call", None, message.function_call)

    def _sealed_call(self, id: str, extra: msgspec.Raw) -> NativePiece:
        """What a call's provider wants back with it, such as Gemini's signature."""
        self._sealed = True
        told = {"tool_call": id, "extra_content": parse_value(bytes(extra), self._who)}
        return NativePiece(PROTOCOL, self._who, [told])

    def _parts(self, parts: list[msgspec.Raw]) -> Iterator[StreamEvent]:
        """Content as an array (Mistral): thinking and text, in order.

        Skips parts of another form.
        """
        for raw in parts:
            with suppress(BadReply):
                yield from _part_events(parse(_part, bytes(raw), self._who))

    def _tool(self, index: int | str | None, id: str | None, function: _Function) -> Iterator[ToolInputDelta]:
        text = function.arguments or ""
        if isinstance(text, dict):
            text = json_data(text)
        return self._tool_calls.take(index, id, function.name, text)

    def _take_usage(self, raw: msgspec.Raw) -> None:
        """Ignore a usage of another form, which is then estimated: it must not cost the reply."""
        if is_something(raw):
            with suppress(BadReply):
                self._usage = parse(_numbers, bytes(raw), self._who)

    def _finish(self, reason: str) -> None:
        if reason in FAILED:
            raise stream_error(self._who, reason.encode())
        self.ended = True
        self._reason = FINISH.get(reason, "stop")


def _reasoning(message: _Message) -> str:
    """Some send the same under several names."""
    for said in (message.reasoning_content, message.reasoning, message.reasoning_details):
        if text := said if isinstance(said, str) else words(said or NOTHING):
            return text
    return ""


def _part_events(part: _Part | str) -> Iterator[StreamEvent]:
    if isinstance(part, str):
        part = _Part(text=part)
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
