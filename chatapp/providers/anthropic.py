"""Anthropic's Messages API, as spoken by Anthropic, by Azure and by llama.cpp.

A reply is a row of blocks: text, thinking, calls of tools, results of tools that the provider runs itself. The turn
goes back as it came once tools were called, with the signatures of its thinking.
Source: https://platform.claude.com/docs/en/build-with-claude/streaming, and recordings.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Finish, Native
from chatapp.errors import BadReply, Truncated
from chatapp.events import AttemptReset, FinishReason, ReasoningDelta, StreamEvent, TextDelta, ToolInputDelta, Usage
from chatapp.providers._anthropic_request import PROTOCOL, request_body
from chatapp.providers.http import END_MARK, HTTPProvider, ReplyItems
from chatapp.providers.thinking import STYLES
from chatapp.providers.tool_calls import ServedCalls, ToolCalls
from chatapp.providers.wire import NOTHING, count, is_something, parse, parse_arguments, parse_value
from chatapp.rejections import reported
from chatapp.settings import ThinkingStyle
from chatapp.upstream import Upstream, UpstreamRequest

VERSION = {"anthropic-version": "2023-06-01"}

FINISH: dict[str, FinishReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


class Anthropic(HTTPProvider):
    models_path = "/v1/models?limit=1000"

    def __init__(
        self,
        name: str,
        upstream: Upstream,
        base_url: str | Callable[[CancelScope], str] = "https://api.anthropic.com",
        *,
        api_key: str | None = None,
        models: Sequence[str] = (),
        thinking: ThinkingStyle = "anthropic",
    ) -> None:
        super().__init__(name, upstream, base_url, api_key=api_key, models=models)
        self._think = STYLES[thinking]

    def authorization(self, key: str) -> dict[str, str]:
        return {"x-api-key": key, **VERSION}

    def request(self, chat: Chat) -> UpstreamRequest:
        return UpstreamRequest("/v1/messages", request_body(chat, self.name, self._think), VERSION)

    def decode(self, body: Iterable[bytes]) -> ReplyItems:
        reply = _Reply(self.name)
        try:
            for event in self.server_events(body):
                if event.data and event.data != END_MARK:
                    yield from reply.take(parse(_event, event.data, self.name))
                if reply.ended:
                    break
        except Truncated:
            if not reply.stop_reason:  # with a reason to stop nothing is missing
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


class _Block(msgspec.Struct):
    """The fields needed of a content block, of whatever type."""

    type: str = ""
    id: str = ""
    name: str = ""
    text: str = ""
    thinking: str = ""
    input: msgspec.Raw = NOTHING
    tool_use_id: str = ""
    content: msgspec.Raw = NOTHING
    is_error: bool | None = None


class _Delta(msgspec.Struct):
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Message(msgspec.Struct):
    usage: _Usage | None = None


class _Event(msgspec.Struct):
    """An event of a stream, or a whole message: the fields needed of either."""

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
_block = msgspec.json.Decoder(_Block)


class _Open(msgspec.Struct):
    """A block and what has come of it."""

    block: _Block
    raw: bytes
    texts: list[str] = []
    signatures: list[str] = []
    inputs: list[str] = []

    @property
    def input(self) -> str:
        """The arguments come in pieces, or whole with the block's start."""
        return "".join(self.inputs) or bytes(self.block.input).decode("utf-8", "replace")

    def native(self, who: str) -> dict[str, object]:
        """The block as it would stand in a whole message."""
        fields = parse_arguments(self.raw, who)
        name = "thinking" if self.block.type == "thinking" else "text"
        if self.texts:
            fields[name] = "".join(self.texts)
        if self.signatures:
            fields["signature"] = "".join(self.signatures)
        if self.inputs:
            fields["input"] = self._arguments(who)
        return fields

    def _arguments(self, who: str) -> dict[str, object]:
        try:
            return parse_arguments("".join(self.inputs), who)
        except BadReply:  # what the model wrote is no JSON; its result says so
            return {}


class _Reply:
    """What is known of a reply so far. `ended` once its last event came."""

    def __init__(self, who: str) -> None:
        self.ended = False
        self.stop_reason = ""
        self._who = who
        self._begun = False
        self._usage = _Usage()
        self._clear()

    def _clear(self) -> None:
        self._open: dict[int, _Open] = {}
        self._tool_calls = ToolCalls(self._who)
        self._served = ServedCalls(self._who)

    def take(self, event: _Event) -> Iterator[StreamEvent]:
        if event.type == "error" or is_something(event.error):
            raise reported(self._who, bytes(event.error))
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
            raise reported(self._who, bytes(message.error))
        self._count(message.usage)
        for index, block in enumerate(message.content):
            yield from self._start_block(index, bytes(block))
            yield from self._stop_block(index)
        self.stop_reason = message.stop_reason or ""

    def end(self) -> ReplyItems:
        if not (self.ended or self.stop_reason):
            raise Truncated(f"{self._who} ended its reply without an end")
        for index in self._open:
            yield from self._stop_block(index)
        reason = FINISH.get(self.stop_reason, "stop")
        yield from self._tool_calls.end(cut_off=reason == "length")
        yield Finish(reason, self._whole_usage(), self._native() if reason == "stop" else None)

    def _start(self, message: _Message) -> Iterator[StreamEvent]:
        """A second start is a gateway's second try: what came of the first is void."""
        if self._begun and self._open:
            yield AttemptReset(f"{self._who} began its reply anew")
            self._clear()
        self._begun = True
        self._count(message.usage)

    def _start_block(self, index: int, raw: bytes) -> Iterator[StreamEvent]:
        block = parse(_block, raw, self._who)
        self._open[index] = _Open(block, raw)
        if block.text:
            yield TextDelta(block.text)
        if block.thinking:
            yield ReasoningDelta(block.thinking)
        if block.type == "tool_use":
            yield from self._tool_calls.take(index, block.id, block.name, "")
        if block.type.endswith("_tool_result"):
            result = _shown(parse_value(bytes(block.content), self._who))
            yield from self._served.result(block.tool_use_id, result, _failure(block, result))

    def _delta(self, index: int, delta: _Delta) -> Iterator[StreamEvent]:
        open = self._open.setdefault(index, _Open(_Block(), b""))
        if delta.text:
            open.texts.append(delta.text)
            yield TextDelta(delta.text)
        if delta.thinking:
            open.texts.append(delta.thinking)
            yield ReasoningDelta(delta.thinking)
        if delta.signature:
            open.signatures.append(delta.signature)
        if delta.partial_json:
            open.inputs.append(delta.partial_json)
            if open.block.type == "tool_use":
                yield from self._input(index, open, delta.partial_json)

    def _input(self, index: int, open: _Open, text: str) -> Iterator[ToolInputDelta]:
        return self._tool_calls.take(index, open.block.id, open.block.name, text)

    def _stop_block(self, index: int) -> Iterator[StreamEvent]:
        if (open := self._open.get(index)) is None:
            return
        block = open.block
        if block.type == "tool_use" and not open.inputs and is_something(block.input):
            open.inputs.append(open.input)
            yield from self._input(index, open, open.input)
        if block.type in ("server_tool_use", "mcp_tool_use"):
            self._served.call(block.id, block.name, open.input, "mcp" if block.type == "mcp_tool_use" else "function")

    def _count(self, usage: _Usage | None) -> None:
        """Later counts replace earlier ones: they are cumulative."""
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

    def _native(self) -> Native | None:
        """The turn for the results of its calls; without calls nobody asks for it."""
        if not self._tool_calls:
            return None
        return Native(PROTOCOL, [open.native(self._who) for _, open in sorted(self._open.items())])


def _failure(block: _Block, result: object) -> str | None:
    """What went wrong in a tool that the provider ran; None where nothing did."""
    if isinstance(result, dict) and str(result.get("type")).endswith("_error"):
        return str(result.get("error_code", "failed"))
    if not block.is_error:
        return None
    texts = result if isinstance(result, list) else [result]
    return " ".join(str(text.get("text", "")) for text in texts if isinstance(text, dict)) or "failed"


def _shown(value: object) -> object:
    """Without what only the provider can read: a search's pages are many kilobytes of it."""
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, dict):
        return {name: _shown(item) for name, item in value.items() if not str(name).startswith("encrypted_")}
    return value
