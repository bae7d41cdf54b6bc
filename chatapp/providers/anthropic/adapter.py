"""Anthropic's Messages API, as spoken by Anthropic, by Azure and by llama.cpp.

A reply is a sequence of blocks: text, thinking, tool calls, results of tools that the provider runs
itself. A turn with signed thinking or with calls is sent back as it came.
Source: https://platform.claude.com/docs/en/build-with-claude/streaming, and recordings.
"""

from collections.abc import Iterable, Iterator

import msgspec

from chatapp.chat import Chat
from chatapp.errors import Truncated
from chatapp.events import (
    AttemptReset,
    FinishReason,
    NativePiece,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolInputDelta,
    Usage,
)
from chatapp.providers import Finished
from chatapp.providers.anthropic.blocks import Block
from chatapp.providers.anthropic.request import PROTOCOL, request_body
from chatapp.providers.http import END_MARK, HTTPProvider, ProviderRequest, ReplyItems
from chatapp.providers.thinking import STYLES
from chatapp.providers.tool_calls import ProviderToolCalls, ToolCallAssembler
from chatapp.wire.json_text import NOTHING, count, is_something, parse
from chatapp.wire.upstream_errors import stream_error

VERSION = {"anthropic-version": "2023-06-01"}

FINISH: dict[str, FinishReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


class Anthropic(HTTPProvider):
    default_base_url = "https://api.anthropic.com"
    default_thinking = "anthropic"
    models_path = "/v1/models?limit=1000"

    def authorization(self, key: str) -> dict[str, str]:
        return {"x-api-key": key, **VERSION}

    def request(self, chat: Chat) -> ProviderRequest:
        return ProviderRequest("/v1/messages", request_body(chat, self.name, STYLES[self.thinking]), VERSION)

    def decode(self, body: Iterable[bytes]) -> ReplyItems:
        reply = _Reply(self.name)
        try:
            for event in self.server_events(body):
                if event.data and event.data != END_MARK:
                    yield from reply.take(parse(_event, event.data, self.name))
                if reply.ended:
                    break
        except Truncated:
            if not reply.stop_reason:  # with a stop reason nothing is missing
                raise
        yield from reply.end()

    def decode_whole(self, body: bytes) -> ReplyItems:
        reply = _Reply(self.name)
        yield from reply.take_whole(parse(_event, body, self.name))
        yield from reply.end()

    def decode_models(self, body: bytes) -> Iterable[str]:
        return [model.id for model in msgspec.json.decode(body, type=_Models).data]


class _Usage(msgspec.Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None
    cache_creation_input_tokens: float | None = None
    cache_read_input_tokens: float | None = None


class _Delta(msgspec.Struct):
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Message(msgspec.Struct):
    usage: _Usage | None = None


class _Event(msgspec.Struct):
    """An event of a stream, or a whole message: the fields that we need."""

    type: str = ""
    error: msgspec.Raw = NOTHING
    index: int = 0
    message: _Message | None = None
    content_block: msgspec.Raw = NOTHING
    delta: _Delta = msgspec.field(default_factory=_Delta)
    usage: _Usage | None = None
    content: list[msgspec.Raw] = []
    stop_reason: str | None = None


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


_event = msgspec.json.Decoder(_Event)


class _Reply:
    """What is known of a reply so far. `ended`: its last event has arrived."""

    def __init__(self, who: str) -> None:
        self.ended = False
        self.stop_reason = ""
        self._who = who
        self._begun = False
        self._usage = _Usage()
        self._clear()

    def _clear(self) -> None:
        self._blocks: dict[int, Block] = {}
        self._told: set[int] = set()  # the blocks that are in a piece of the turn
        self._sealed = False
        self._tool_calls = ToolCallAssembler(self._who)
        self._served = ProviderToolCalls(self._who)

    def take(self, event: _Event) -> Iterator[StreamEvent]:
        if event.type == "error" or is_something(event.error):
            raise stream_error(self._who, bytes(event.error))
        match event.type:
            case "message_start":
                yield from self._start(event.message or _Message())
            case "content_block_start":
                yield from self._start_block(event.index, bytes(event.content_block))
            case "content_block_delta":
                yield from self._delta(event.index, event.delta)
            case "content_block_stop":
                yield from self._stop_block(event.index)
            case "message_delta":
                self._count(event.usage)
                self.stop_reason = event.delta.stop_reason or self.stop_reason
            case "message_stop":
                self.ended = True

    def take_whole(self, message: _Event) -> Iterator[StreamEvent]:
        if message.type == "error" or is_something(message.error):
            raise stream_error(self._who, bytes(message.error))
        self._count(message.usage)
        for index, block in enumerate(message.content):
            yield from self._start_block(index, bytes(block))
            yield from self._stop_block(index)
        self.stop_reason = message.stop_reason or ""

    def end(self) -> ReplyItems:
        if not (self.ended or self.stop_reason):
            raise Truncated(f"{self._who} ended its reply before it was complete")
        for index in self._blocks:
            yield from self._stop_block(index)
        reason = FINISH.get(self.stop_reason, "stop")
        yield from self._tool_calls.end(cut_off=reason == "length")
        if reason == "stop" and (self._tool_calls or self._sealed):
            yield self._piece(whole=True)
        yield Finished(reason, self._whole_usage())

    def _start(self, message: _Message) -> Iterator[StreamEvent]:
        """A second start is a gateway's second attempt: the first one is void."""
        if self._begun and self._blocks:
            yield AttemptReset(Truncated.code)
            self._clear()
        self._begun = True
        self._count(message.usage)

    def _start_block(self, index: int, raw: bytes) -> Iterator[StreamEvent]:
        block = self._blocks[index] = Block(raw, self._who)
        start = block.start
        if start.text:
            yield TextDelta(start.text)
        if start.thinking:
            yield ReasoningDelta(start.thinking)
        if start.type == "tool_use":
            yield from self._tool_calls.take(index, start.id, start.name, "")
        if start.type.endswith("_tool_result"):
            yield from self._served.result(start.tool_use_id, *block.result())

    def _delta(self, index: int, delta: _Delta) -> Iterator[StreamEvent]:
        if (block := self._blocks.get(index)) is None:  # a block that never began
            block = self._blocks[index] = Block(b"{}", self._who)
        if text := delta.text or delta.thinking:
            block.texts.append(text)
            yield TextDelta(text) if delta.text else ReasoningDelta(text)
        if delta.signature:
            block.signatures.append(delta.signature)
        if delta.partial_json:
            yield from self._input(index, block, delta.partial_json)

    def _input(self, index: int, block: Block, text: str) -> Iterator[ToolInputDelta]:
        block.inputs.append(text)
        if block.start.type == "tool_use":
            yield from self._tool_calls.take(index, block.start.id, block.start.name, text)

    def _stop_block(self, index: int) -> Iterator[StreamEvent]:
        if (block := self._blocks.get(index)) is None:
            return
        start = block.start
        if start.type == "tool_use" and not block.inputs and is_something(start.input):
            yield from self._input(index, block, block.input)
        if start.type in ("server_tool_use", "mcp_tool_use"):
            self._served.call(start.id, start.name, block.input, "mcp" if start.type == "mcp_tool_use" else "function")
        if block.is_sealed and index not in self._told:
            self._sealed = True
            yield self._piece(index)

    def _count(self, usage: _Usage | None) -> None:
        """Later counts replace earlier ones, for they are cumulative."""
        for name in _Usage.__struct_fields__:
            if (tokens := getattr(usage, name, None)) is not None:
                setattr(self._usage, name, tokens)

    def _whole_usage(self) -> Usage | None:
        usage = self._usage
        if usage.input_tokens is None and usage.output_tokens is None:
            return None
        cached, completion = count(usage.cache_read_input_tokens), count(usage.output_tokens)
        prompt = count(usage.input_tokens) + count(usage.cache_creation_input_tokens) + cached
        return Usage(prompt, completion, prompt + completion, 0, cached)

    def _piece(self, last: int | None = None, whole: bool = False) -> NativePiece:
        """The blocks that no piece has yet, up to the `last` one."""
        left = [at for at in sorted(self._blocks) if at not in self._told and (last is None or at <= last)]
        self._told.update(left)
        blocks = [self._blocks[at].native() for at in left]
        return NativePiece(PROTOCOL, self._who, [block for block in blocks if block], whole)
