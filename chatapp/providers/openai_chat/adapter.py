"""OpenAI's chat completions, as spoken by OpenAI and by most others.

It knows the shape of the protocol and the oddities that were seen in it, whoever sends them.
Sources: https://platform.openai.com/docs/api-reference/chat/streaming, the documentation of the
others, and recordings.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property

import msgspec
from msgspec import UNSET

from chatapp.chat import Chat
from chatapp.errors import BadReply
from chatapp.events import CitedSource, File, NativePiece, ReasoningDelta, StreamEvent, TextDelta, Usage
from chatapp.providers import Finished
from chatapp.providers.http import HTTPProvider, ProviderRequest
from chatapp.providers.openai_chat.frames import (
    CHUNK,
    NUMBERS,
    PART,
    CallPiece,
    Choice,
    Chunk,
    Details,
    Function,
    Message,
    Model,
    Models,
    Numbers,
    Part,
)
from chatapp.providers.openai_chat.media import Pages, beside
from chatapp.providers.openai_chat.parts import arguments_of, is_known, part_events, reasoning_of
from chatapp.providers.openai_chat.reasoning_details import ReasoningDetails
from chatapp.providers.openai_chat.request import PROTOCOL, Quirks, request_body
from chatapp.providers.reply import Reply, Told
from chatapp.providers.tool_calls import ProviderToolCalls, ToolCallAssembler
from chatapp.wire.json_text import NOTHING, count, is_something, parse_loosely, parse_value
from chatapp.wire.upstream_errors import stream_error

RAN = {"status": "completed"}  # all that is told of a call that the provider made
# Types of calls that the provider has made itself, such as xAI's `web_search_call`. Those that are
# to be made have many names.
RAN_BY_PROVIDER = re.compile(r"(?!function|tool|custom|client)\w+_(call|tool)", re.IGNORECASE).fullmatch
AZURE = ".openai.azure.com"


class OpenAIChat(HTTPProvider):
    default_base_url = "https://api.openai.com/v1"
    models_path = "/models"

    @cached_property
    def _quirks(self) -> Quirks:
        return Quirks.of(self.host, self.thinking)

    def authorization(self, key: str) -> dict[str, str]:
        return {"api-key": key} if self.host.endswith(AZURE) else super().authorization(key)

    def request(self, chat: Chat) -> ProviderRequest:
        return ProviderRequest("/chat/completions", request_body(chat, self.name, self._quirks))

    def reply(self) -> "_Reply":
        return _Reply(self.name, self.max_reply_bytes)

    def decode_models(self, body: bytes) -> Iterable[str]:
        models = msgspec.json.decode(body, type=Models | list[Model])
        return [model.id for model in (models if isinstance(models, list) else models.data)]


class _Reply(Reply[Chunk]):
    frame = CHUNK

    def __init__(self, who: str, max_bytes: int) -> None:
        super().__init__(who, max_bytes)
        self._details = ReasoningDetails()
        self._extra: object = None  # the turn's `extra_content`
        self._sealed: set[str] = set()  # the ids of calls that have an `extra_content`
        self._usage: Numbers | None = None
        self._stop_sequence = ""
        self._tool_calls = ToolCallAssembler(who, self.skip)
        self._served = ProviderToolCalls(who)
        self._ran: set[str] = set()  # the ids of its calls, which a whole message repeats
        self._told: dict[type[TextDelta | ReasoningDelta], Told] = {ReasoningDelta: Told(), TextDelta: Told()}
        self._has_deltas = False
        self._pages = Pages()
        self._beside: set[CitedSource | File] = set()

    def knows(self, chunk: Chunk) -> bool:
        if chunk.choices:
            return True
        may_fail = chunk.object == "error" or is_something(chunk.code) or is_something(chunk.message)
        is_ours = is_something(chunk.usage) or (chunk.object or "").startswith("chat.completion")
        return not may_fail and (is_ours or chunk.choices is not None)

    def take(self, chunk: Chunk) -> Iterator[StreamEvent]:
        if chunk.error is not NOTHING and is_something(chunk.error):
            self.finished = self.finished and not chunk.choices  # OpenRouter takes its finish back
            raise stream_error(self._who, bytes(chunk.error))
        if not (chunk.citations is chunk.search_results is chunk.web_search is chunk.search_info is UNSET):
            self._pages.take(chunk)  # hardly ever
        if chunk.base_resp and chunk.base_resp.status_code:
            raise stream_error(self._who, str(chunk.base_resp.status_code).encode())
        if chunk.x_groq:
            self._raise_if(chunk.x_groq.error)
            self._take_usage(chunk.x_groq.usage)
        for choice in chunk.choices or ():
            if choice.index:
                continue  # of several choices only the first counts
            if choice.error is not NOTHING:  # most chunks have only a delta: each call here is one for each token
                self._raise_if(choice.error)
            if choice.delta is not None:
                yield from self._events(choice.delta)
            if choice.message is not None or choice.delta is None:
                yield from self._whole_message(choice)
            if choice.finish_reason:
                self._finish(choice.finish_reason)
                self._stop_sequence = choice.stop_sequence
            if choice.usage is not NOTHING:
                self._take_usage(choice.usage)
        if chunk.usage is not NOTHING:
            self._take_usage(chunk.usage)

    def rest(self) -> Iterator[StreamEvent]:
        yield from self._pages.end()
        yield from self._tool_calls.end(cut_off=self._reason == "length")
        yield from self._last_piece()

    def _last_piece(self) -> Iterator[NativePiece]:
        details = self._details.whole if self._tool_calls or self._details.sealed else None
        members = {"reasoning_details": details, "extra_content": self._extra}
        told: list[object] = [{name: value} for name, value in members.items() if value]
        if self._reason == "stop" and (told or self._sealed) and not self._tool_calls.renamed:
            yield NativePiece(PROTOCOL, self._who, told, whole=True)

    def end(self) -> Finished:
        return Finished(self._ending, _usage(self._usage or Numbers()), stop_sequence=self._stop_sequence)

    def _raise_if(self, error: msgspec.Raw) -> None:
        if is_something(error):
            raise stream_error(self._who, bytes(error))

    def _events(self, delta: Message) -> list[StreamEvent]:
        self._has_deltas = True
        if delta.error is not NOTHING:
            self._raise_if(delta.error)
        events: list[StreamEvent] = []
        for event in self._texts(delta):
            if isinstance(event, (TextDelta, ReasoningDelta)):
                self._told[type(event)].add(event.text)
                events.append(event)
            else:
                events += self._once(event)
        if delta.tool_calls or delta.function_call:
            events += self._fragments(delta)
        return events

    def _fragments(self, delta: Message) -> Iterator[StreamEvent]:
        for fragment in delta.tool_calls or ():
            made = self._tool(fragment.index, fragment.id, fragment.type, fragment.function or Function())
            yield from self._with_extra(fragment.index, fragment, made)
        if delta.function_call and not delta.tool_calls:  # the older field: one call, without an id
            yield from self._tool("function_call", None, None, delta.function_call)

    def _whole_message(self, choice: Choice) -> Iterator[StreamEvent]:
        """What a message says that stands for deltas, or repeats them."""
        if choice.message is None:
            self.skip("choice without a message")
        elif choice.delta is None or choice.finish_reason:
            self._raise_if(choice.message.error)
            yield from self._late_events(choice.message)

    def _late_events(self, message: Message) -> Iterator[StreamEvent]:
        """Those of a whole message that no delta brought. Perplexity sends one with each delta."""
        said = self._texts(message)
        for kind, told in self._told.items():
            whole = "".join(event.text for event in said if isinstance(event, kind))
            if late := told.missing(whole, repeats=self._has_deltas):
                told.add(late)
                yield kind(late)
        for event in said:
            if isinstance(event, (CitedSource, File)):
                yield from self._once(event)
        for place, call in enumerate(message.tool_calls or ()):
            index = call.index if call.index is not None else place
            yield from self._with_extra(index, call, self._whole_tool(index, call))
        if message.function_call and not message.tool_calls:
            yield from self._whole_tool("function_call", CallPiece(function=message.function_call))

    def _once(self, found: CitedSource | File) -> Iterator[StreamEvent]:
        """A whole message repeats what its deltas said."""
        if found not in self._beside:
            self._beside.add(found)
            yield found

    def _texts(self, message: Message) -> list[ReasoningDelta | TextDelta | CitedSource | File]:
        texts: list[ReasoningDelta | TextDelta | CitedSource | File] = []
        says_thoughts = message.reasoning_content or message.reasoning or message.reasoning_details is not NOTHING
        if says_thoughts and (reasoning := reasoning_of(message)):
            texts.append(ReasoningDelta(reasoning))
        if message.reasoning_details is not NOTHING and is_something(message.reasoning_details):
            self._details.take(message.reasoning_details, self._who)
        if message.extra_content is not NOTHING and is_something(message.extra_content):
            self._extra = parse_value(bytes(message.extra_content), self._who)
        if isinstance(message.content, list):
            texts += self._parts(message.content)
        elif message.content:
            texts.append(TextDelta(message.content))
        if message.refusal:
            self._is_refusal = True
            texts.append(TextDelta(message.refusal))
        if message.annotations is not UNSET or message.images is not UNSET:
            texts += beside(message)
        return texts

    def _with_extra(self, index: int | None, call: CallPiece, events: Iterable[StreamEvent]) -> Iterator[StreamEvent]:
        """The events of a call, after what its provider wants back with it: Gemini's signature."""
        made = list(events)
        id = self._tool_calls.id_of(index, call.id)
        if is_something(call.extra_content) and id not in self._sealed:
            self._sealed.add(id)
            told = {"tool_call": id, "extra_content": parse_value(bytes(call.extra_content), self._who)}
            yield NativePiece(PROTOCOL, self._who, [told])
        yield from made

    def _parts(self, parts: list[msgspec.Raw]) -> Iterator[ReasoningDelta | TextDelta | CitedSource | File]:
        """Content as an array (Mistral): thinking and text, in order."""
        for raw in map(bytes, parts):
            if raw.startswith((b"{", b'"')):
                part = parse_loosely(PART, raw, self._who, self.skip)
                if isinstance(part, Part) and not is_known(part):
                    self.skip(f"part {part.type}")
                yield from part_events(part)
            elif raw != b"null":
                self.skip("part of another form")

    def _tool(
        self, index: int | str | None, id: str | None, type: str | None, function: Function
    ) -> Iterator[StreamEvent]:
        if RAN_BY_PROVIDER(type or ""):
            yield from self._provider_call(id, type or "", function)
            return
        yield from self._tool_calls.take(index, id, function.name, arguments_of(function))

    def _whole_tool(self, index: int | str, call: CallPiece) -> Iterator[StreamEvent]:
        function = call.function or Function()
        if RAN_BY_PROVIDER(call.type or ""):
            yield from self._provider_call(call.id, call.type or "", function)
            return
        yield from self._tool_calls.take_whole(index, call.id, function.name, arguments_of(function))

    def _provider_call(self, id: str | None, type: str, function: Function) -> Iterator[StreamEvent]:
        """A call that the provider has made itself (xAI): `type` is such as `web_search_call`."""
        if (id or type) not in self._ran:
            self._ran.add(id or type)
            self._served.call(id or "", function.name or type.removesuffix("_call"), arguments_of(function))
            yield from self._served.result(id or "", RAN)

    def _take_usage(self, raw: msgspec.Raw) -> None:
        """Ignore a usage of another form, which is then estimated: it must not cost the reply."""
        if is_something(raw):
            with suppress(BadReply):
                self._usage = parse_loosely(NUMBERS, bytes(raw), self._who, lambda kind: None)


def _usage(usage: Numbers) -> Usage | None:
    if usage.prompt_tokens is None and usage.completion_tokens is None:
        return None
    prompt, completion = count(usage.prompt_tokens), count(usage.completion_tokens)
    details = usage.completion_tokens_details or Details()
    cached = (usage.prompt_tokens_details or Details()).cached_tokens
    return Usage(
        prompt,
        completion,
        count(usage.total_tokens) or prompt + completion,
        count(details.reasoning_tokens),
        count(cached or usage.prompt_cache_hit_tokens or usage.cached_tokens),
    )
