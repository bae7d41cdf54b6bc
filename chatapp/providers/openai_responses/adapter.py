"""OpenAI's Responses API, as spoken by OpenAI, Azure, xAI, OpenRouter, LM Studio and llama.cpp.

A reply is a sequence of output items: reasoning, messages, function calls, calls that the provider
runs itself. Each grows by deltas and is repeated whole at its end; the last event repeats all.
Source: https://platform.openai.com/docs/api-reference/responses-streaming, and recordings.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from chatapp.chat import Chat
from chatapp.errors import BadReply
from chatapp.events import NativePiece, ReasoningDelta, RunQueued, StreamEvent, TextDelta, ToolInputDelta, Usage
from chatapp.providers import Finished
from chatapp.providers.finish_reasons import finish_reason
from chatapp.providers.http import HTTPProvider, ProviderRequest
from chatapp.providers.openai_responses.frames import (
    EVENT,
    ITEM,
    KIND,
    Details,
    Event,
    Item,
    Models,
    Numbers,
    Piece,
    Response,
)
from chatapp.providers.openai_responses.items import ItemTexts, Key, is_served
from chatapp.providers.openai_responses.media import TextPlaces, pages, picture
from chatapp.providers.openai_responses.request import PROTOCOL, TAKE_DOCUMENTS, request_body
from chatapp.providers.openai_responses.whole_items import arguments_of, failure_of, goes_back, key_of, ran
from chatapp.providers.reply import Reply
from chatapp.providers.thinking import STYLES
from chatapp.providers.tool_calls import ProviderToolCalls, ToolCallAssembler
from chatapp.wire.json_text import count, is_something, json_data, parse_arguments, parse_loosely, parse_value
from chatapp.wire.upstream_errors import stream_error

SERVED = (
    "web_search_call",
    "file_search_call",
    "x_search_call",
    "collections_search_call",
    "attachment_search_call",
    "code_execution_call",
    "view_image_call",
    "view_x_video_call",
    "custom_tool_call",  # xAI's, see `is_served`
)
"""Calls that OpenAI and xAI make themselves."""

KNOWN = frozenset(
    {
        *SERVED,
        *("message", "reasoning", "function_call"),
        *("image_generation_call", "search_results"),
        *("mcp_call", "mcp_list_tools", "code_interpreter_call", "shell_call", "shell_call_output"),
    }
)


class OpenAIResponses(HTTPProvider):
    protocol = PROTOCOL
    default_base_url = "https://api.openai.com/v1"
    default_thinking = "responses"
    models_path = "/models"

    def request(self, chat: Chat) -> ProviderRequest:
        takes_documents = self.host.endswith(TAKE_DOCUMENTS)
        return ProviderRequest("/responses", request_body(chat, self.name, STYLES[self.thinking], takes_documents))

    def reply(self) -> "_Reply":
        return _Reply(self.name, self.max_reply_bytes)

    def decode_models(self, body: bytes) -> Iterable[str]:
        return [model.id for model in msgspec.json.decode(body, type=Models).data]


class _Reply(Reply[Event]):
    frame = EVENT

    def __init__(self, who: str, max_bytes: int) -> None:
        super().__init__(who, max_bytes)
        self._usage: Numbers | None = None
        self._tool_calls = ToolCallAssembler(who, self.skip)
        self._served = ProviderToolCalls(who)
        self._texts = ItemTexts()
        self._places = TextPlaces()
        self._items: list[tuple[Item, bytes]] = []
        self._told: set[object] = set()  # items that are in a piece of the turn
        self._sealed = self._queued = False
        self._done_ids: set[str] = set()
        self._done_types: dict[int, str] = {}  # by index

    def knows(self, event: Event) -> bool:
        return event.type.startswith("response.") or (event.type == "" and event.output is not None)

    def take(self, event: Event) -> Iterator[StreamEvent]:
        if is_something(event.error):
            raise stream_error(self._who, bytes(event.error))
        key = event.output_index if event.output_index is not None else event.item_id
        part = (event.content_index if event.content_index is not None else event.summary_index) or 0
        refusal = event.type.startswith("response.refusal") or (event.part and event.part.type == "refusal")
        self._is_refusal = self._is_refusal or bool(refusal)
        match event.type:
            case "response.queued":
                self._queued = True
                yield RunQueued()
            case "response.in_progress" if self._queued:
                self._queued = False
                yield RunQueued(waiting=False)
            case "response.output_text.delta" | "response.refusal.delta" if isinstance(event.delta, str):
                yield from self._grown(key, part, self._texts.add("text", key, part, event.delta))
            case "response.reasoning_summary_text.delta" if isinstance(event.delta, str):
                yield from self._texts.add("summary", key, part, event.delta)
            case "response.reasoning_text.delta" if isinstance(event.delta, str):
                yield from self._texts.add("thinking", key, part, event.delta)
            case "response.output_text.done" | "response.refusal.done":
                yield from self._grown(
                    key, part, self._texts.end_part("text", key, part, event.text or event.refusal or "")
                )
            case "response.content_part.done" if event.part and event.part.type in ("output_text", "refusal"):
                yield from self._grown(key, part, self._texts.end_part("text", key, part, event.part.said))
                yield from self._places.cited((key, part), event.part.annotations)
            case "response.reasoning_summary_text.done":
                yield from self._texts.end_part("summary", key, part, event.text or "")
            case "response.reasoning_text.done":
                yield from self._texts.end_part("thinking", key, part, event.text or "")
            case "response.function_call_arguments.delta" if isinstance(event.delta, str):
                yield from self._tool_calls.take(key, None, None, event.delta)
            case "response.function_call_arguments.done":
                yield from self._tool_calls.take_whole(key, None, None, arguments_of(event.arguments))
            case "response.output_text.annotation.added":
                yield from self._places.cited((key, part), event.annotation)
            case "response.output_item.added":
                yield from self._begin(event.output_index, bytes(event.item))
            case "response.output_item.done":
                yield from self._done(event.output_index, bytes(event.item))
            case "response.completed" | "response.incomplete":
                yield from self._take_whole(event.response or Response())
                self.finished = self.over = True
            case "response.failed" | "response.error":
                raise stream_error(self._who, bytes((event.response or event).error))
            case "" if event.output is not None:
                yield from self._take_whole(event)
                self.finished = event.status in ("completed", "incomplete")
                self.marked = event.status is None

    def rest(self) -> Iterator[StreamEvent]:
        yield from self._tool_calls.end(cut_off=self._reason == "length")
        if self._reason == "stop" and (self._tool_calls or self._sealed) and not self._tool_calls.renamed:
            yield self._piece(whole=True)

    def end(self) -> Finished:
        return Finished(self._ending, _usage(self._usage))

    def _grown(self, key: Key, part: int, events: Iterable[TextDelta | ReasoningDelta]) -> Iterator[StreamEvent]:
        """The events of a part of the text, whose place annotations refer to."""
        for event in events:
            if isinstance(event, TextDelta):
                self._places.grew((key, part), event.text)
            yield event

    def _take_whole(self, response: Response) -> Iterator[StreamEvent]:
        """A response with all of its items: those that have not come yet, come now."""
        if response.status == "failed" or is_something(response.error):
            raise stream_error(self._who, bytes(response.error))
        self._usage = response.usage or self._usage
        if response.status == "incomplete" or response.incomplete_details:
            reason = response.incomplete_details and response.incomplete_details.reason
            self._reason = "content_filter" if finish_reason(reason or "") == "content_filter" else "length"
        for index, raw in enumerate(response.output or ()):
            item = self._parse(bytes(raw))
            if item and not self._is_done(index, item):
                yield from self._done(index, bytes(raw))
        yield from self._places.uncited(response.citations)

    def _parse(self, raw: bytes) -> Item | None:
        """The item; None if it is of a kind that we do not know, whatever its fields are."""
        try:
            kind = parse_loosely(KIND, raw, self._who, lambda field: None)
            if kind.type in KNOWN:
                return parse_loosely(ITEM, raw, self._who, self.skip)
            return Item(type=kind.type, encrypted_content=kind.encrypted_content)
        except BadReply:
            self.skip("item of another form")
            return None

    def _is_done(self, index: int, item: Item) -> bool:
        if item.id in self._done_ids or item.call_id in self._done_ids:
            return True
        if item.type == "message":
            return self._texts.has_told("text", [text.said for text in item.content or ()])
        return self._done_types.get(index) == item.type and not item.call_id

    def _begin(self, index: int | None, raw: bytes) -> Iterator[ToolInputDelta]:
        item = self._parse(raw)
        if item and item.type == "function_call":
            yield from self._tool_calls.take(key_of(index, item), item.call_id, item.name, "")

    def _done(self, index: int | None, raw: bytes) -> Iterator[StreamEvent]:
        if (item := self._parse(raw)) is None:
            return
        if item.type not in KNOWN and not item.encrypted_content:
            self.skip(f"item {item.type}")
        self._items.append((item, raw))
        if item.encrypted_content and (item.id or raw) not in self._told:
            self._sealed = True
            yield self._piece()
        self._done_ids |= {id for id in (item.id, item.call_id) if id}
        if index is not None:
            self._done_types[index] = item.type
        key = key_of(index, item)
        match item.type:
            case "message":
                yield from self._end_message(key, item.content or [])
            case "reasoning":
                yield from self._texts.end("summary", key, [text.said for text in item.summary or ()])
                yield from self._texts.end("thinking", key, [text.said for text in item.content or ()])
            case "function_call":
                yield from self._tool_calls.take_whole(key, item.call_id, item.name, arguments_of(item.arguments))
            case "custom_tool_call" if not is_served(item.name, item.call_id):  # its input may be any text
                text = json_data({"input": item.input})
                yield from self._tool_calls.take_whole(key, item.call_id, item.name, text)
            case "image_generation_call":
                if is_something(item.result):
                    yield picture(item.result, item.output_format)
            case "search_results":  # Perplexity's
                yield from pages(item.results)
            case _:
                yield from self._serve(item)

    def _end_message(self, key: Key, parts: Sequence[Piece]) -> Iterator[StreamEvent]:
        late = self._texts.end("text", key, [text.said for text in parts])
        if self._places.has_begun(key):
            yield from self._grown(key, 0, late)
        else:
            for part, text in enumerate(parts):
                self._places.grew((key, part), text.said)
            yield from late
        for part, text in enumerate(parts):
            yield from self._places.cited((key, part), text.annotations)

    def _serve(self, item: Item) -> Iterator[StreamEvent]:
        """A call that the provider has made, with its result or with all that is told of it."""
        id = item.call_id or item.id or ""
        match item.type:
            case "mcp_call":
                self._served.call(id, item.name or "", arguments_of(item.arguments), "mcp")
                yield from self._served.result(id, self._value(item.output), failure_of(item))
            case "code_interpreter_call":
                self._served.call(id, "code_interpreter", json_data({"code": item.code}))
                yield from self._served.result(id, self._value(item.outputs) or ran(item), failure_of(item))
            case "shell_call":
                self._served.call(id, "shell", bytes(item.action).decode("utf-8", "replace"))
            case "shell_call_output":
                yield from self._served.result(id, self._value(item.output))
            case _ if item.type in SERVED:
                self._served.call(id, item.name or item.type.removesuffix("_call"), self._asked(item))
                yield from self._served.result(id, self._value(item.results) or ran(item), failure_of(item))

    def _asked(self, item: Item) -> str:
        if item.arguments or item.input:
            return arguments_of(item.arguments) or item.input or ""
        action = self._value(item.action)
        return json_data(action if isinstance(action, dict) else {"queries": self._value(item.queries)})

    def _value(self, raw: msgspec.Raw) -> object:
        return parse_value(bytes(raw), self._who) if is_something(raw) else None

    def _piece(self, whole: bool = False) -> NativePiece:
        """The items that no piece has yet. One that was told twice is one."""
        wanted = {item.id or item.call_id or raw: raw for item, raw in self._items if goes_back(item)}
        left = {key: raw for key, raw in wanted.items() if key not in self._told}
        self._told.update(left)
        return NativePiece(PROTOCOL, self._who, [parse_arguments(raw, self._who) for raw in left.values()], whole)


def _usage(usage: Numbers | None) -> Usage | None:
    if usage is None:
        return None
    prompt, completion = count(usage.input_tokens), count(usage.output_tokens)
    cached = (usage.input_tokens_details or Details()).cached_tokens
    reasoning = (usage.output_tokens_details or Details()).reasoning_tokens
    total = count(usage.total_tokens) or prompt + completion
    return Usage(prompt, completion, total, count(reasoning), count(cached))
