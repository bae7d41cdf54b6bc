"""Anthropic's Messages API, as spoken by Anthropic, by Azure and by llama.cpp.

A reply is a sequence of blocks: text, thinking, tool calls, results of tools that the provider runs
itself. A turn with signed thinking or with calls is sent back as it came.
Source: https://platform.claude.com/docs/en/build-with-claude/streaming, and recordings.
"""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import UNSET, UnsetType

from chatapp.chat import Chat
from chatapp.errors import Truncated
from chatapp.events import (
    AttemptReset,
    NativePiece,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolInputDelta,
    Usage,
)
from chatapp.providers import Finished
from chatapp.providers.anthropic.blocks import Block
from chatapp.providers.anthropic.caching import with_marks
from chatapp.providers.anthropic.request import CACHE, PROTOCOL, TAKE_DOCUMENTS, request_body
from chatapp.providers.http import HTTPProvider, ProviderRequest
from chatapp.providers.media import objects
from chatapp.providers.reply import Reply
from chatapp.providers.thinking import STYLES
from chatapp.providers.tool_calls import ProviderToolCalls, ToolCallAssembler
from chatapp.wire.json_text import NOTHING, count, is_something
from chatapp.wire.upstream_errors import stream_error

VERSION = {"anthropic-version": "2023-06-01"}

KINDS = ("text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "mcp_tool_use")
EVENTS = (
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "message",
    "ping",
)


class Anthropic(HTTPProvider):
    protocol = PROTOCOL
    default_base_url = "https://api.anthropic.com"
    default_thinking = "anthropic"
    models_path = "/v1/models?limit=1000"

    def authorization(self, key: str) -> dict[str, str]:
        return {"x-api-key": key, **VERSION}

    def request(self, chat: Chat) -> ProviderRequest:
        takes_documents = self.host.endswith(TAKE_DOCUMENTS)
        body = request_body(chat, self.name, STYLES[self.thinking], takes_documents)
        if chat.cache and self.host.endswith(CACHE):
            body = with_marks(body, chat.cache)
        return ProviderRequest("/v1/messages", body, VERSION)

    def reply(self) -> "_Reply":
        return _Reply(self.name, self.max_reply_bytes)

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
    stop_sequence: str | None = None
    citation: msgspec.Raw | UnsetType = UNSET


class _Message(msgspec.Struct):
    usage: _Usage | None = None
    content: list[msgspec.Raw] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Event(msgspec.Struct):
    """An event of a stream, or a whole message: the fields that we need."""

    type: str = ""
    error: msgspec.Raw = NOTHING
    index: int | None = None
    message: _Message | None = None
    content_block: msgspec.Raw = NOTHING
    delta: _Delta | None = None
    usage: _Usage | None = None
    content: list[msgspec.Raw] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


_event = msgspec.json.Decoder(_Event)


class _Reply(Reply[_Event]):
    frame = _event

    def __init__(self, who: str, max_bytes: int) -> None:
        super().__init__(who, max_bytes)
        self._begun = False
        self._stop_sequence = ""
        self._usage = _Usage()
        self._late: list[msgspec.Raw] = []  # content that came whole, beside the blocks
        self._clear()

    def _clear(self) -> None:
        self._blocks: dict[int, Block] = {}
        self._told: set[Block] = set()  # those that are in a piece of the turn
        self._sealed = False
        self._ended: list[Block] = []  # those whose index another one has taken
        self._chars = 0  # of text
        self._tool_calls = ToolCallAssembler(self._who, self.skip)
        self._served = ProviderToolCalls(self._who)

    def knows(self, event: _Event) -> bool:
        return event.type in EVENTS or (event.type == "" and event.content is not None)

    def take(self, event: _Event) -> Iterator[StreamEvent]:
        if is_something(event.error):
            raise stream_error(self._who, bytes(event.error))
        index, delta = event.index or 0, event.delta or _Delta()
        match event.type:
            case "message_start":
                yield from self._start(event.message or _Message())
            case "content_block_start":
                yield from self._start_block(index, bytes(event.content_block))
            case "content_block_delta":
                yield from self._delta(index, delta)
            case "content_block_stop":
                yield from self._take_late_block(index, event.content_block)
                yield from self._stop_block(index)
            case "message_delta":
                self._count(event.usage)
                self._stop(delta)
            case "message_stop":
                self._keep_late(event.message or _Message())
                self.over = self.marked = True
            case "message" | "":  # a whole message
                self._count(event.usage)
                self._late = event.content or self._late
                self._stop(event)

    def rest(self) -> Iterator[StreamEvent]:
        streamed = {index: block.start.type for index, block in self._blocks.items()}
        for index, raw in enumerate(self._late):
            if not streamed or streamed.get(index) == Block(bytes(raw), self._who, note=self.skip).start.type:
                yield from self._take_late_block(index, raw)
        for index in self._blocks:
            yield from self._stop_block(index)
        yield from self._tool_calls.end(cut_off=self._reason == "length")
        if self._reason == "stop" and (self._tool_calls or self._sealed) and not self._tool_calls.renamed:
            yield self._piece(whole=True)

    def end(self) -> Finished:
        return Finished(self._reason, self._whole_usage(), stop_sequence=self._stop_sequence)

    def _start(self, message: _Message) -> Iterator[StreamEvent]:
        """A second start is a gateway's second attempt: the first one is void."""
        if self._begun and self._blocks:
            yield AttemptReset(Truncated.code)
            self._clear()
        self._begun = True
        self._count(message.usage)
        self._late = message.content or self._late  # a stop reason at the start would be no end

    def _keep_late(self, message: _Message) -> None:
        self._late = message.content or self._late
        self._stop(message)

    def _stop(self, end: _Delta | _Message | _Event) -> None:
        if end.stop_reason:
            self._finish(end.stop_reason)
            self._stop_sequence = end.stop_sequence or ""

    def _start_block(self, index: int, raw: bytes) -> Iterator[StreamEvent]:
        if index in self._blocks:
            yield from self._stop_block(index)
            self._ended.append(self._blocks[index])
        block = self._blocks[index] = Block(raw, self._who, self._chars, self.skip)
        start = block.start
        if start.type not in KINDS and not start.type.endswith("_tool_result"):
            self.skip(f"block {start.type}")
            return
        self._chars += len(start.text)
        if start.text:
            yield TextDelta(start.text)
        if start.thinking:
            yield ReasoningDelta(start.thinking)
        if start.type == "tool_use":
            yield from self._tool_calls.take(index, start.id, start.name, "")
        if start.type.endswith("_tool_result"):
            yield from self._served.result(start.tool_use_id, *block.result())

    def _take_late_block(self, index: int, raw: msgspec.Raw) -> Iterator[StreamEvent]:
        """The block's end may repeat it whole: what no delta brought is told now."""
        if not is_something(raw):
            return
        if (block := self._blocks.get(index)) is None:
            yield from self._start_block(index, bytes(raw))
            return
        whole = Block(bytes(raw), self._who, note=self.skip).start
        if late := block.missing(whole.text):
            yield from self._delta(index, _Delta(text=late))
        if late := block.missing(whole.thinking):
            yield from self._delta(index, _Delta(thinking=late))
        if not block.inputs and not is_something(block.start.input) and is_something(whole.input):
            yield from self._input(index, block, bytes(whole.input).decode("utf-8", "replace"))

    def _delta(self, index: int, delta: _Delta) -> Iterator[StreamEvent]:
        if (block := self._blocks.get(index)) is None:  # a block that never began
            block = self._blocks[index] = Block(b"{}", self._who, self._chars, self.skip)
        self._chars += len(delta.text or "")
        block.citations += objects(delta.citation)
        if text := delta.text or delta.thinking:
            block.text.add(text)
            yield TextDelta(text) if delta.text else ReasoningDelta(text)
        if delta.signature:
            block.signatures.append(delta.signature)
        if delta.partial_json:
            yield from self._input(index, block, delta.partial_json)

    def _input(self, index: int, block: Block, text: str) -> Iterator[ToolInputDelta]:
        block.inputs.append(text)
        if block.start.type == "tool_use":
            yield from self._tool_calls.take(index, None, None, text)

    def _stop_block(self, index: int) -> Iterator[StreamEvent]:
        if (block := self._blocks.get(index)) is None:
            return
        start = block.start
        yield from block.sources()
        if start.type == "tool_use" and not block.inputs and is_something(start.input):
            yield from self._input(index, block, block.input)
        if start.type in ("server_tool_use", "mcp_tool_use"):
            self._served.call(start.id, start.name, block.input, "mcp" if start.type == "mcp_tool_use" else "function")
        if block.is_sealed and block not in self._told:
            self._sealed = True
            yield self._piece(block)

    def _count(self, usage: _Usage | None) -> None:
        """Later counts replace earlier ones, for they are cumulative."""
        for name in _Usage.__struct_fields__:
            if (tokens := getattr(usage, name, None)) is not None:
                setattr(self._usage, name, tokens)

    def _whole_usage(self) -> Usage | None:
        usage = self._usage
        if usage.input_tokens is None and usage.output_tokens is None:
            return None
        cached, written = count(usage.cache_read_input_tokens), count(usage.cache_creation_input_tokens)
        prompt, completion = count(usage.input_tokens) + cached + written, count(usage.output_tokens)
        return Usage(prompt, completion, prompt + completion, 0, cached, cache_written=written)

    def _piece(self, last: Block | None = None, whole: bool = False) -> NativePiece:
        """The blocks that no piece has yet, up to the `last` one. A call without a name is none."""
        blocks = [*self._ended, *(block for _, block in sorted(self._blocks.items()))]
        if last is not None:
            blocks = blocks[: blocks.index(last) + 1]
        left = [block for block in blocks if block not in self._told]
        self._told.update(left)
        named = [block for block in left if block.start.name or block.start.type != "tool_use"]
        return NativePiece(PROTOCOL, self._who, [turn for block in named if (turn := block.native())], whole)
