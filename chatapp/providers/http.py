"""What all providers that speak HTTP share: the call, the form of what comes back, the list of models.

An adapter beside this file says three things of its protocol: the request for a chat, the meaning of a streamed body,
the meaning of a whole one. All three are pure. What arrives decides how it is read, not which provider sent it: a
server that ignores `stream` answers in one piece, a gateway answers with a web page.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from threading import Lock
from time import monotonic
from typing import ClassVar, Protocol, TypeAlias, TypeVar

import gevent

from chatapp.cancel import CancelScope
from chatapp.chat import Chat
from chatapp.errors import BadReply, ChatappError, Truncated
from chatapp.events import StreamEvent
from chatapp.providers import Finished, ReplyItem, Started
from chatapp.providers.delivery import arriving, beside_raw
from chatapp.providers.pacing import spread
from chatapp.wire.frames import NDJSONDecoder, ServerEvent, SSEDecoder
from chatapp.wire.json_text import UNREADABLE, is_json
from chatapp.wire.response import UpstreamResponse
from chatapp.wire.upstream import Upstream, UpstreamRequest

T = TypeVar("T")
ReplyItems: TypeAlias = Iterator[StreamEvent | Finished]

MODELS_TIMEOUT_S = 2.0  # somebody waits for the page meanwhile
MODELS_KEPT_S = 60.0
FAILURE_KEPT_S = 10.0
BLANK = b"\xef\xbb\xbf \t\r\n"  # the bytes of a BOM too: the decoders take it off
END_MARK = "[DONE]"  # what several SSE protocols send last


class Secret:
    """A key: whatever prints, logs or dumps its holder does not show it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


class HTTPProvider(ABC):
    """A provider behind an `Upstream`.

    `base_url` may be a function, for an address that is only known once something runs: it is called with the
    scope of each reply, and may wait in it.
    """

    models_path: ClassVar[str]
    """Where it lists its models, below the base URL."""

    whole_starts: ClassVar[tuple[bytes, ...]] = (b"{", b"[")
    """How a body begins that came in one piece instead of a stream. No SSE line begins so."""

    def __init__(
        self,
        name: str,
        upstream: Upstream,
        base_url: str | Callable[[CancelScope], str],
        *,
        api_key: str | None = None,
        models: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.upstream = upstream
        self._base_url = base_url
        self._key = Secret(api_key) if api_key else None
        self._models = tuple(models)
        self._listed: tuple[str, ...] = ()
        self._listed_until = 0.0
        self._listing = Lock()

    @abstractmethod
    def request(self, chat: Chat) -> UpstreamRequest:
        """What asks for the chat's reply as a stream: a path below the base URL, no key. Pure."""

    @abstractmethod
    def decode(self, body: Iterable[bytes]) -> ReplyItems:
        """The events of a streamed body, then one Finished, as soon as each is complete. Pure.

        Raises Truncated where the body ends without an end, Reported where it tells of an error, BadReply.
        """

    def decode_whole(self, body: bytes) -> ReplyItems:
        """The same of a body that came in one piece. Pure."""
        return self.decode((body,))

    @abstractmethod
    def decode_models(self, body: bytes) -> Iterable[str]:
        """The models in the answer to `models_path`. Pure; raises what msgspec raises."""

    def authorization(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"}

    def check(self, chat: Chat) -> None:
        self.request(chat)

    def stream(self, chat: Chat, scope: CancelScope) -> Generator[ReplyItem, None, None]:
        base_url = self._base_url if isinstance(self._base_url, str) else self._base_url(scope)
        with self._open(base_url, self.request(chat), scope) as reply:
            yield Started()
            decode = partial(self.read, reply.content_type)
            if chat.raw:
                yield from beside_raw(reply, decode)
                return
            lump = yield from arriving(reply, decode)
        start = monotonic()
        for due, item in spread(lump, self.upstream.pace_s):
            if (early := start + due - monotonic()) > 0:
                scope.run(gevent.sleep, early)
            yield item

    def models(self) -> Sequence[str]:
        if self._models or not isinstance(self._base_url, str):
            return self._models
        with self._listing:  # whoever comes while one asks waits for its answer
            if monotonic() >= self._listed_until:
                self._listed = self._ask_models(self._base_url)
                self._listed_until = monotonic() + (MODELS_KEPT_S if self._listed else FAILURE_KEPT_S)
            return self._listed

    def read(self, content_type: str, body: Iterable[bytes]) -> ReplyItems:
        """What the body of a good answer says, whatever its form. Pure."""
        pieces = iter(body)
        start = b""
        while not start.lstrip(BLANK) and (data := next(pieces, b"")):
            start += data
        word = start.lstrip(BLANK)
        if not word:
            raise Truncated(f"{self.name} answered with nothing")
        if word.startswith(b"<") or "html" in content_type.lower():
            raise BadReply(f"{self.name} answered with a web page: a gateway stands between, or the address is wrong")
        body = chain((start,), pieces)
        yield from self.decode_whole(b"".join(body)) if word.startswith(self.whole_starts) else self.decode(body)

    def server_events(self, body: Iterable[bytes]) -> Iterator[ServerEvent]:
        """The frames of an SSE body. The last may lack the blank line after it, but nothing else."""
        decoder = SSEDecoder(self.upstream.max_line_bytes, self.upstream.max_event_bytes)
        return self._complete(decoder, body, lambda event: event.data)

    def lines(self, body: Iterable[bytes]) -> Iterator[bytes]:
        """The lines of an NDJSON body. The last may lack its newline."""
        return self._complete(NDJSONDecoder(self.upstream.max_line_bytes), body, lambda line: line)

    def _open(
        self, base_url: str, request: UpstreamRequest, scope: CancelScope, total_timeout: float | None = None
    ) -> UpstreamResponse:
        headers = self.authorization(self._key.reveal()) if self._key else {}
        request = replace(request, url=base_url.rstrip("/") + request.url, headers={**request.headers, **headers})
        return self.upstream.open(request, scope, self.name, total_timeout)

    def _complete(self, decoder: "_Decoder[T]", body: Iterable[bytes], text: Callable[[T], str | bytes]) -> Iterator[T]:
        came = False
        for data in body:
            frames = decoder.feed(data)
            came = came or bool(frames)
            yield from frames
        for frame in decoder.flush():
            if text(frame) != END_MARK and not is_json(text(frame)):
                raise Truncated(f"{self.name} ended its reply in the middle of a word")
            came = True
            yield frame
        if not came:
            raise BadReply(f"{self.name} sent nothing of its protocol")

    def _ask_models(self, base_url: str) -> tuple[str, ...]:
        try:
            with self._open(base_url, UpstreamRequest(self.models_path), CancelScope(), MODELS_TIMEOUT_S) as reply:
                return tuple(self.decode_models(b"".join(reply.body())))
        except (ChatappError, *UNREADABLE):
            return ()


class _Decoder(Protocol[T]):
    def feed(self, data: bytes) -> list[T]: ...
    def flush(self) -> list[T]: ...
