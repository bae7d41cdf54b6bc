"""What all providers that speak HTTP share: the call, the form of what comes back, the models.

An adapter says two things about its protocol: the request for a chat, and the meaning of a reply's
JSON frames. Both are pure.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlsplit

from chatapp.cancel import CancelScope
from chatapp.chat import Chat
from chatapp.errors import BadReply, ChatappError
from chatapp.events import RunQueued
from chatapp.hub import let_others_run
from chatapp.providers import ReplyItem, Started
from chatapp.providers.addresses import joined
from chatapp.providers.bodies import Body, EventStream, JSONLines, WholeBody
from chatapp.providers.delivery import deliver
from chatapp.providers.facts import ModelFacts, known_facts
from chatapp.providers.hosted import HostedTools
from chatapp.providers.listed_facts import listed_facts
from chatapp.providers.model_list import ListingTimes, ModelList
from chatapp.providers.read_limits import ReadLimits
from chatapp.providers.reply import Reply
from chatapp.providers.reply_decoder import ReplyDecoder
from chatapp.secret import Secret
from chatapp.settings.tables import ThinkingStyle, ThinkTags
from chatapp.wire.json_text import UNREADABLE
from chatapp.wire.response import UpstreamResponse
from chatapp.wire.upstream import Transport, UpstreamRequest


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

    streamed: ClassVar[type[EventStream | JSONLines]] = EventStream
    """The form of its streams."""

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
    def reply(self) -> Reply[Any]:
        """A reply of its protocol, of which nothing is known yet. Pure."""

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
            decoder = self._decoder(response.content_type, self._tags(chat))
            pause = partial(scope.run, let_others_run)
            reply = deliver(response.read, decoder, pause, response if chat.raw else None)
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

    def read(self, content_type: str, body: Iterable[bytes], tags: ThinkTags = "none") -> Iterator[ReplyItem]:
        """The items of a good response's body, whatever its form. Pure. Raises Truncated if the
        reply is incomplete, Reported if it says that it failed, BadReply.
        """
        pieces = filter(None, body)
        return deliver(lambda: next(pieces, b""), self._decoder(content_type, tags), lambda: None, None)

    def _decoder(self, content_type: str, tags: ThinkTags) -> ReplyDecoder:
        return ReplyDecoder(self.name, partial(self._form, content_type), tags)

    def _form(self, content_type: str, word: bytes) -> Body:
        """How a body is to be read that begins so."""
        if word.startswith(b"<") or "html" in content_type.lower():
            raise BadReply(f"{self.name} answered with a web page; check its base URL, or the gateway in front of it")
        form = WholeBody if word.startswith(self.whole_starts) else self.streamed
        return form(self.name, self.reply(), self._limits)

    def _tags(self, chat: Chat) -> ThinkTags:
        """A template opens no thinking that was switched off."""
        return "leading" if self._think_tags == "implied" and chat.thinking is False else self._think_tags

    def _open(
        self, base_url: str, request: ProviderRequest, scope: CancelScope, total_timeout: float | None = None
    ) -> UpstreamResponse:
        headers = {**request.headers, **(self.authorization(self._key.reveal()) if self._key else {})}
        absolute = UpstreamRequest(joined(base_url, request.path), request.body, headers)
        return self._transport.open(absolute, scope, self.name, total_timeout)

    def _ask_models(self, timeout: float) -> tuple[str, ...]:
        try:
            return self.list_models(timeout)
        except ChatappError:
            return ()
