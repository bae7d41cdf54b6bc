"""OpenAI's Responses API, as spoken by OpenAI, Azure, xAI, OpenRouter, LM Studio and llama.cpp.

A reply is a sequence of output items: reasoning, messages, function calls, calls that the provider
runs itself. Each grows by deltas and is repeated whole at its end; the last event repeats all.
Source: https://platform.openai.com/docs/api-reference/responses-streaming, and recordings.
"""

from collections.abc import Iterable, Iterator

import msgspec

from chatapp.chat import Chat
from chatapp.errors import Truncated
from chatapp.events import FinishReason, NativePiece, ReasoningDelta, StreamEvent, TextDelta, ToolInputDelta, Usage
from chatapp.providers import Finished
from chatapp.providers.http import END_MARK, HTTPProvider, ProviderRequest, ReplyItems
from chatapp.providers.openai_responses.request import PROTOCOL, request_body
from chatapp.providers.thinking import STYLES
from chatapp.providers.tool_calls import ProviderToolCalls, ToolCallAssembler
from chatapp.wire.json_text import NOTHING, count, is_something, json_data, parse, parse_arguments, parse_value
from chatapp.wire.upstream_errors import stream_error

INCOMPLETE: dict[str, FinishReason] = {"content_filter": "content_filter"}
SENT_BACK = ("message", "function_call")  # and encrypted reasoning: other reasoning is not kept anywhere


class OpenAIResponses(HTTPProvider):
    default_base_url = "https://api.openai.com/v1"
    default_thinking = "responses"
    models_path = "/models"

    def request(self, chat: Chat) -> ProviderRequest:
        return ProviderRequest("/responses", request_body(chat, self.name, STYLES[self.thinking]))

    def decode(self, body: Iterable[bytes]) -> ReplyItems:
        reply = _Reply(self.name)
        for event in self.server_events(body):
            if event.data and event.data != END_MARK:
                yield from reply.take(parse(_event, event.data, self.name))
            if reply.ended:
                break
        yield from reply.end()

    def decode_whole(self, body: bytes) -> ReplyItems:
        reply = _Reply(self.name)
        yield from reply.take_whole(parse(_response, body, self.name))
        yield from reply.end()

    def decode_models(self, body: bytes) -> Iterable[str]:
        return [model.id for model in msgspec.json.decode(body, type=_Models).data]


class _Text(msgspec.Struct):
    type: str = ""
    text: str = ""
    refusal: str = ""


class _Item(msgspec.Struct):
    """The fields that we need of an output item, whatever its type."""

    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    content: list[_Text] | None = None
    summary: list[_Text] | None = None
    encrypted_content: str | None = None
    arguments: str | None = None
    input: str | None = None
    code: str | None = None
    action: msgspec.Raw = NOTHING
    output: msgspec.Raw = NOTHING
    outputs: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING


class _Details(msgspec.Struct):
    cached_tokens: float | None = None
    reasoning_tokens: float | None = None


class _Usage(msgspec.Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None
    total_tokens: float | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None


class _Why(msgspec.Struct):
    reason: str | None = None


class _Response(msgspec.Struct):
    status: str | None = None
    error: msgspec.Raw = NOTHING
    incomplete_details: _Why | None = None
    output: list[msgspec.Raw] | None = None
    usage: _Usage | None = None


class _Event(msgspec.Struct):
    type: str = ""
    delta: str | dict[str, object] | None = None
    output_index: int | None = None
    item_id: str | None = None
    item: msgspec.Raw = NOTHING
    arguments: str | None = None
    response: _Response | None = None
    error: msgspec.Raw = NOTHING
    code: str | int | None = None
    message: str | None = None


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


_event = msgspec.json.Decoder(_Event)
_response = msgspec.json.Decoder(_Response)
_item = msgspec.json.Decoder(_Item)


class _Reply:
    """What is known of a reply so far. `ended`: its last event has arrived."""

    def __init__(self, who: str) -> None:
        self.ended = False
        self._who = who
        self._reason: FinishReason = "stop"
        self._usage: _Usage | None = None
        self._tool_calls = ToolCallAssembler(who)
        self._served = ProviderToolCalls(who)
        self._turn: list[object] = []  # items that no piece of it has yet
        self._sealed = False

    def take(self, event: _Event) -> Iterator[StreamEvent]:
        key = event.output_index if event.output_index is not None else event.item_id
        match event.type:
            case "response.output_text.delta" | "response.refusal.delta" if isinstance(event.delta, str):
                yield TextDelta(event.delta)
            case "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" if isinstance(
                event.delta, str
            ):
                yield ReasoningDelta(event.delta)
            case "response.function_call_arguments.delta" if isinstance(event.delta, str):
                yield from self._tool_calls.take(key, None, None, event.delta)
            case "response.function_call_arguments.done":
                yield from self._tool_calls.take_whole(key, None, None, event.arguments or "")
            case "response.output_item.added":
                yield from self._begin(event.output_index, parse(_item, bytes(event.item), self._who))
            case "response.output_item.done":
                yield from self._done(event.output_index, bytes(event.item))
            case "response.completed" | "response.incomplete":
                self._end_with(event.response or _Response())
            case "response.failed":
                raise stream_error(self._who, bytes((event.response or _Response()).error))
            case _ if event.type == "error" or is_something(event.error):
                raise stream_error(self._who, bytes(event.error) + f" {event.code} {event.message}".encode())

    def take_whole(self, response: _Response) -> Iterator[StreamEvent]:
        for index, raw in enumerate(response.output or ()):
            item = parse(_item, bytes(raw), self._who)
            for text in [*(item.summary or ()), *(item.content or ())] if item.type == "reasoning" else ():
                yield ReasoningDelta(text.text)
            for text in item.content or () if item.type == "message" else ():
                yield TextDelta(text.text or text.refusal)
            yield from self._done(index, bytes(raw))
        self._end_with(response)
        self.ended = response.status in ("completed", "incomplete")

    def end(self) -> ReplyItems:
        if not self.ended:
            raise Truncated(f"{self._who} ended its reply before it was complete")
        yield from self._tool_calls.end(cut_off=self._reason == "length")
        if self._reason == "stop" and (self._tool_calls or self._sealed):
            yield self._piece(whole=True)
        yield Finished(self._reason, _usage(self._usage))

    def _begin(self, index: int | None, item: _Item) -> Iterator[ToolInputDelta]:
        if item.type == "function_call":
            yield from self._tool_calls.take(_key(index, item), item.call_id, item.name, "")

    def _done(self, index: int | None, raw: bytes) -> Iterator[StreamEvent]:
        item = parse(_item, raw, self._who)
        if item.type in SENT_BACK or item.encrypted_content:
            self._turn.append(parse_arguments(raw, self._who))
        if item.encrypted_content:
            self._sealed = True
            yield self._piece()
        key, id = _key(index, item), item.call_id or item.id or ""
        match item.type:
            case "function_call":
                yield from self._tool_calls.take_whole(key, item.call_id, item.name, item.arguments or "")
            case "custom_tool_call":  # its input may be any text
                text = json_data({"input": item.input})
                yield from self._tool_calls.take_whole(key, item.call_id, item.name, text)
            case "mcp_call":
                self._served.call(id, item.name or "", item.arguments or "", "mcp")
                failed = _failure(item)
                yield from self._served.result(id, parse_value(bytes(item.output), self._who), failed)
            case "code_interpreter_call" if is_something(item.outputs):
                self._served.call(id, "code_interpreter", json_data({"code": item.code}))
                yield from self._served.result(id, parse_value(bytes(item.outputs), self._who))
            case "shell_call":
                self._served.call(id, "shell", bytes(item.action).decode("utf-8", "replace"))
            case "shell_call_output":
                yield from self._served.result(id, parse_value(bytes(item.output), self._who))

    def _end_with(self, response: _Response) -> None:
        if response.status == "failed" or is_something(response.error):
            raise stream_error(self._who, bytes(response.error))
        self.ended = True
        self._usage = response.usage
        if response.status == "incomplete" or response.incomplete_details:
            reason = response.incomplete_details and response.incomplete_details.reason
            self._reason = INCOMPLETE.get(reason or "", "length")

    def _piece(self, whole: bool = False) -> NativePiece:
        turn, self._turn = self._turn, []
        return NativePiece(PROTOCOL, self._who, turn, whole)


def _key(index: int | None, item: _Item) -> int | str | None:
    """The index, or the item's id, which its deltas name: llama.cpp sends no index."""
    return index if index is not None else item.id or item.call_id


def _failure(item: _Item) -> str | None:
    if not is_something(item.error):
        return None
    try:
        return msgspec.json.decode(item.error, type=str)
    except msgspec.DecodeError:
        return "failed"


def _usage(usage: _Usage | None) -> Usage | None:
    if usage is None:
        return None
    prompt, completion = count(usage.input_tokens), count(usage.output_tokens)
    cached = (usage.input_tokens_details or _Details()).cached_tokens
    reasoning = (usage.output_tokens_details or _Details()).reasoning_tokens
    total = count(usage.total_tokens) or prompt + completion
    return Usage(prompt, completion, total, count(reasoning), count(cached))
