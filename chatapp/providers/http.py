"""What all providers that speak HTTP share: the call, the form of what comes back, the models.

An adapter says three things about its protocol: the request for a chat, the meaning of a streamed
body, and the meaning of a whole one. All three are pure. The bytes that arrive decide how they are
read, not the provider that sent them: a server that ignores `stream` answers in one piece, and a
gateway answers with a web page.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, ClassVar, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from chatapp.cancel import CancelScope
from chatapp.chat import Chat
from chatapp.errors import BadReply, ChatappError, EmptyReply, Truncated
from chatapp.events import RunQueued
from chatapp.providers import ReplyItem, Started
from chatapp.providers.addresses import joined
from chatapp.providers.bodies import END_MARK, is_cut, objects
from chatapp.providers.delivery import deliver_with_raw
from chatapp.providers.facts import ModelFacts, known_facts
from chatapp.providers.hosted import HostedTools
from chatapp.providers.listed_facts import listed_facts
from chatapp.providers.lumps import SHORT_CHARS, cut_lumps
from chatapp.providers.model_list import ListingTimes, ModelList
from chatapp.providers.read_limits import ReadLimits, held_too_much
from chatapp.providers.reply import Reply, ReplyItems
from chatapp.providers.think_tags import separated
from chatapp.secret import Secret
from chatapp.settings.tables import ThinkingStyle, ThinkTags
from chatapp.wire.failures import reports_failure
from chatapp.wire.frames import NDJSONDecoder, SSEDecoder
from chatapp.wire.json_text import UNREADABLE, parse_loosely
from chatapp.wire.response import UpstreamResponse
from chatapp.wire.upstream import Transport, UpstreamRequest
from chatapp.wire.upstream_errors import stream_error

T = TypeVar("T")

BLANK = b"\xef\xbb\xbf \t\r\n"  # includes the bytes of a BOM, which the decoders remove
FAILED = ("error", "exception")  # types of events, in any protocol
BLANK_BYTES = 65_536  # before the first byte that says anything; more are an empty reply

_elements = msgspec.json.Decoder(list[msgspec.Raw])
_fields = msgspec.json.Decoder(dict[str, object])


@dataclass(frozen=True)
class ProviderRequest:
    """A POST of `body` as JSON, or a GET if there is none.

    `path` is below the base URL; no key in `headers`.
    """

    path: str
    body: dict[str, object] | None = None
    headers: dict[str, str] = field(default_factory=dict)


class HTTPProvider(ABC):
    """A provider behind a transport.

    `base_url` may be a function, for an address that is known only once a server runs. It is called
    with the scope of each reply and may wait in it. `is_busy` tells of the server at that address
    whether a further reply has to wait for its turn.
    """

    default_base_url: ClassVar[str]

    default_thinking: ClassVar[ThinkingStyle] = "none"
    """How its requests switch thinking on and off, unless the configuration says otherwise."""

    protocol: ClassVar[str] = ""
    """Of the tools that it runs itself; empty if it runs none that a client may ask for."""

    models_path: ClassVar[str]
    """Where it lists its models, below the base URL."""

    whole_starts: ClassVar[tuple[bytes, ...]] = (b"{", b"[")
    """How a body begins that came in one piece instead of a stream. No SSE line begins so."""

    def __init__(
        self,
        name: str,
        transport: Transport,
        base_url: str | Callable[[CancelScope], str] | None = None,
        *,
        api_key: Secret | None = None,
        models: Sequence[str] = (),
        thinking: ThinkingStyle | None = None,
        think_tags: ThinkTags = "leading",
        hosted_tools: Sequence[str] | None = None,
        limits: ReadLimits | None = None,
        listing: ListingTimes | None = None,
        is_busy: Callable[[str, CancelScope], bool] = lambda base_url, scope: False,
    ) -> None:
        self.name = name
        self.thinking = thinking or self.default_thinking
        self.base_url = self.default_base_url if base_url is None else base_url
        self._think_tags = think_tags
        self._hosted = HostedTools(self.protocol, hosted_tools)
        self._transport = transport
        self._key = api_key
        self._models = tuple(models)
        self._limits = limits or ReadLimits()
        self._is_busy = is_busy
        self._listed_facts: dict[str, ModelFacts] = {}
        self._listed = ModelList(self._ask_models, listing or ListingTimes())

    @property
    def host(self) -> str:
        """Its server's name; empty if that is known only once it runs."""
        return (urlsplit(self.base_url).hostname or "") if isinstance(self.base_url, str) else ""

    @property
    def max_reply_bytes(self) -> int:
        return self._limits.max_reply_bytes

    @abstractmethod
    def request(self, chat: Chat) -> ProviderRequest:
        """The request for the chat's reply as a stream. Pure."""

    @abstractmethod
    def decode(self, body: Iterable[bytes]) -> ReplyItems:
        """Yield the events of a streamed body, each as soon as it is complete, then one Finished.

        Pure. Raises Truncated if the reply is incomplete, Reported if it says that it failed,
        BadReply.
        """

    def decode_whole(self, body: bytes) -> ReplyItems:
        """The same for a body that came in one piece. Pure."""
        return self.decode((body,))

    @abstractmethod
    def decode_models(self, body: bytes) -> Iterable[str]:
        """The models in the response to `models_path`. Pure; raises what msgspec raises."""

    def authorization(self, key: str) -> dict[str, str]:
        """The headers that carry the key."""
        return {"Authorization": f"Bearer {key}"}

    def check(self, chat: Chat) -> None:
        self.request(self._hosted.fitted(chat))

    def stream(self, chat: Chat, scope: CancelScope) -> Generator[ReplyItem, None, None]:
        base_url = self.base_url if isinstance(self.base_url, str) else self.base_url(scope)
        if queued := self._is_busy(base_url, scope):
            yield RunQueued()
        with self._open(base_url, self.request(self._hosted.fitted(chat)), scope) as response:
            yield Started()
            if queued:
                yield RunQueued(waiting=False)
            decode = partial(self._read_apart, response.content_type, self._tags(chat))
            reply = deliver_with_raw(response, decode) if chat.raw else decode(response.body())
            yield from self._hosted.told(reply, chat)
            response.drain()

    def models(self) -> Sequence[str]:
        return self._models or self._listed.get()

    def facts(self, model: str) -> ModelFacts:
        """What its name and the provider's list tell of a model."""
        return self._listed_facts.get(model, ModelFacts()).over(known_facts(self.thinking, model))

    def list_models(self, timeout: float) -> tuple[str, ...]:
        """Ask for the list now; empty if something would have to be started for it. Raises
        UpstreamError."""
        if not isinstance(self.base_url, str):
            return ()
        with self._open(self.base_url, ProviderRequest(self.models_path), CancelScope(), timeout) as response:
            body = b"".join(response.body())
            self._listed_facts = listed_facts(body)
            try:
                return tuple(self.decode_models(body))
            except UNREADABLE:
                raise BadReply(f"{self.name} lists its models in an unknown form; check its base URL") from None

    def read(self, content_type: str, body: Iterable[bytes]) -> ReplyItems:
        """The events of a good response's body, whatever its form, with lumps cut. Pure. Waits for
        the beginning of the body, which tells its form."""
        pieces = iter(body)
        start = b""
        while not start.lstrip(BLANK) and len(start) < BLANK_BYTES and (data := next(pieces, b"")):
            start += data
        word = start.lstrip(BLANK)
        if not word:
            raise Truncated(f"{self.name} sent an empty reply")
        if word.startswith(b"<") or "html" in content_type.lower():
            raise BadReply(f"{self.name} answered with a web page; check its base URL, or the gateway in front of it")
        body = chain((start,), pieces)
        if word.startswith(self.whole_starts):
            return cut_lumps(self.decode_whole(self._whole(body)), SHORT_CHARS)
        return cut_lumps(self.decode(body))

    def _whole(self, body: Iterable[bytes]) -> bytes:
        whole = bytearray()
        for data in body:
            whole += data
            self._check_size(len(whole))
        return bytes(whole)

    def _check_size(self, size: int) -> None:
        if size > self.max_reply_bytes:
            raise held_too_much(self.name, self.max_reply_bytes)

    def _read_apart(self, content_type: str, tags: ThinkTags, body: Iterable[bytes]) -> Iterator[ReplyItem]:
        return separated(self.read(content_type, body), tags)

    def _tags(self, chat: Chat) -> ThinkTags:
        """A template opens no thinking that was switched off."""
        return "leading" if self._think_tags == "implied" and chat.thinking is False else self._think_tags

    def frames(self, body: Iterable[bytes], reply: Reply[Any]) -> Iterator[str | bytes]:
        """The JSON objects of an SSE body, up to its end mark; the reply notes everything else. The
        last frame may lack the blank line after it, but nothing else.

        Raises Reported for an event that is an error by its type, and for an error in bare JSON
        after the last frame, without `data:`.
        """
        limits = self._limits
        decoder = SSEDecoder(limits.max_line_bytes, limits.max_event_bytes, error_field=True)
        try:
            for event in self._complete(decoder, body, lambda event: event.data):
                text = event.data.strip()
                if text == END_MARK:
                    reply.marked = True
                    return
                if event.type in FAILED:
                    raise stream_error(self.name, text.encode("utf-8", "replace"))
                if text.startswith("{"):
                    yield text
                elif text:
                    yield from objects(text, reply)
        except (Truncated, EmptyReply):
            self._raise_if_failed(decoder.stray)
            raise
        if not reply.finished:
            self._raise_if_failed(decoder.stray)

    def read_whole(self, body: bytes, reply: Reply[Any]) -> ReplyItems:
        """The items of a body that came in one piece: one JSON object, or a list of them."""
        text = body.lstrip(BLANK).rstrip()
        return reply.read(self._whole_elements(text) if text.startswith(b"[") else [text])

    def _whole_elements(self, text: bytes) -> Iterator[bytes]:
        for element in parse_loosely(_elements, text, self.name, lambda kind: None):
            yield bytes(element)

    def _raise_if_failed(self, text: bytes) -> None:
        try:
            fields = _fields.decode(text)
        except UNREADABLE:
            return
        if reports_failure(fields):
            raise stream_error(self.name, text)

    def lines(self, body: Iterable[bytes]) -> Iterator[bytes]:
        """The lines of an NDJSON body. The last may lack its newline."""
        return self._complete(NDJSONDecoder(self._limits.max_line_bytes), body, lambda line: line)

    def _open(
        self, base_url: str, request: ProviderRequest, scope: CancelScope, total_timeout: float | None = None
    ) -> UpstreamResponse:
        headers = {**request.headers, **(self.authorization(self._key.reveal()) if self._key else {})}
        absolute = UpstreamRequest(joined(base_url, request.path), request.body, headers)
        return self._transport.open(absolute, scope, self.name, total_timeout)

    def _complete(self, decoder: "_Decoder[T]", body: Iterable[bytes], text: Callable[[T], str | bytes]) -> Iterator[T]:
        came, unread_bytes = False, 0
        for data in body:
            if frames := decoder.feed(data):
                came, unread_bytes = True, 0
                yield from frames
            else:
                unread_bytes += len(data)
                self._check_size(unread_bytes)
        for frame in decoder.flush():
            if is_cut(text(frame)):
                raise Truncated(f"{self.name} broke off its reply in the middle of an event")
            came = True
            yield frame
        if not came:
            raise EmptyReply(f"{self.name} sent a reply without anything that could be understood")

    def _ask_models(self, timeout: float) -> tuple[str, ...]:
        try:
            return self.list_models(timeout)
        except ChatappError:
            return ()


class _Decoder(Protocol[T]):
    def feed(self, data: bytes) -> list[T]: ...
    def flush(self) -> list[T]: ...
