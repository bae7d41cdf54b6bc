"""The forms in which a reply's body comes, whatever the protocol: fed with its pieces, each cuts
them into JSON frames, whose events the reply knows. No I/O.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import msgspec

from chatapp.errors import EmptyReply, Truncated, UpstreamError
from chatapp.events import StreamEvent
from chatapp.providers.lumps import LARGE_CHARS, SHORT_CHARS, Lumps
from chatapp.providers.read_limits import ReadLimits, held_too_much
from chatapp.providers.reply import Reply
from chatapp.wire.failures import reports_failure
from chatapp.wire.frames import NDJSONDecoder, ServerEvent, SSEDecoder
from chatapp.wire.json_text import UNREADABLE, is_json, parse_loosely
from chatapp.wire.upstream_errors import stream_error

T = TypeVar("T")

BLANK = b"\xef\xbb\xbf \t\r\n"  # includes the bytes of a BOM, which the decoders remove
END_MARK = "[DONE]"  # the last event in several SSE protocols
FAILED = ("error", "exception")  # types of events, in any protocol

_elements = msgspec.json.Decoder(list[msgspec.Raw])
_fields = msgspec.json.Decoder(dict[str, object])


class Body(ABC):
    """One body, until its `reply` is over. `lumps` cuts the texts in it that are no tokens."""

    lump_chars: ClassVar[int] = LARGE_CHARS
    """A text of more characters is no token."""

    def __init__(self, who: str, reply: Reply[Any], limits: ReadLimits) -> None:
        self.reply = reply
        self.lumps = Lumps(self.lump_chars)
        self._who = who
        self._limits = limits

    @abstractmethod
    def take(self, data: bytes) -> Iterator[StreamEvent]:
        """The events that `data` completes. Raises UpstreamError after those that came before."""

    @abstractmethod
    def end(self) -> Iterator[StreamEvent]:
        """The events that the body's end completes. The last frame may lack what ends a frame, but
        nothing else."""

    def explained(self, error: UpstreamError) -> UpstreamError:
        """The error that ends the body, or a better one that the body tells."""
        return error


class WholeBody(Body):
    """A body that came in one piece instead of a stream: one JSON object, or a list of them."""

    lump_chars = SHORT_CHARS

    def __init__(self, who: str, reply: Reply[Any], limits: ReadLimits) -> None:
        super().__init__(who, reply, limits)
        self._whole = bytearray()

    def take(self, data: bytes) -> Iterator[StreamEvent]:
        self._whole += data
        if len(self._whole) > self._limits.max_reply_bytes:
            raise held_too_much(self._who, self._limits.max_reply_bytes)
        return iter(())

    def end(self) -> Iterator[StreamEvent]:
        text = bytes(self._whole).lstrip(BLANK).rstrip()
        self.reply.alone = not text.startswith(b"[")
        for frame in [text] if self.reply.alone else self._listed(text):
            yield from self.reply.events(frame)
            if self.reply.over:
                break

    def _listed(self, text: bytes) -> Iterator[bytes]:
        for element in parse_loosely(_elements, text, self._who, lambda kind: None):
            yield bytes(element)


class _Decoder(Protocol[T]):
    def feed(self, data: bytes) -> list[T]: ...
    def flush(self) -> list[T]: ...


class StreamedBody(Body, Generic[T]):
    """A stream of frames."""

    _decoder: _Decoder[T]

    def __init__(self, who: str, reply: Reply[Any], limits: ReadLimits) -> None:
        super().__init__(who, reply, limits)
        self._came = False
        self._unread_bytes = 0

    @abstractmethod
    def _events(self, frame: T) -> Iterator[StreamEvent]: ...

    @abstractmethod
    def _is_cut(self, frame: T) -> bool:
        """Whether the last frame was broken off in the middle."""

    def take(self, data: bytes) -> Iterator[StreamEvent]:
        if frames := self._decoder.feed(data):
            self._came, self._unread_bytes = True, 0
        else:
            self._unread_bytes += len(data)
            if self._unread_bytes > self._limits.max_reply_bytes:
                raise held_too_much(self._who, self._limits.max_reply_bytes)
        for frame in frames:
            yield from self._events(frame)
            if self.reply.over:
                break

    def end(self) -> Iterator[StreamEvent]:
        for frame in self._decoder.flush():
            if self._is_cut(frame):
                raise Truncated(f"{self._who} broke off its reply in the middle of an event")
            self._came = True
            yield from self._events(frame)
        if not self._came:
            raise EmptyReply(f"{self._who} sent a reply without anything that could be understood")


class EventStream(StreamedBody[ServerEvent]):
    """SSE, up to its end mark.

    Raises Reported for an event that is an error by its type, and for an error in bare JSON after
    the last frame, without `data:`.
    """

    def __init__(self, who: str, reply: Reply[Any], limits: ReadLimits) -> None:
        super().__init__(who, reply, limits)
        self._decoder: SSEDecoder = SSEDecoder(limits.max_line_bytes, limits.max_event_bytes, error_field=True)

    def end(self) -> Iterator[StreamEvent]:
        yield from super().end()
        if not (self.reply.finished or self.reply.over) and (told := self._told_after_the_last()):
            raise stream_error(self._who, told)

    def explained(self, error: UpstreamError) -> UpstreamError:
        told = self._told_after_the_last() if isinstance(error, (Truncated, EmptyReply)) else b""
        return stream_error(self._who, told) if told else error

    def _events(self, event: ServerEvent) -> Iterator[StreamEvent]:
        text = event.data.strip()
        if text == END_MARK:
            self.reply.marked = self.reply.over = True
            return iter(())
        if event.type in FAILED:
            raise stream_error(self._who, text.encode("utf-8", "replace"))
        return self.reply.events(text) if text.startswith("{") else listed_events(text, self.reply)

    def _is_cut(self, event: ServerEvent) -> bool:
        return is_cut(event.data)

    def _told_after_the_last(self) -> bytes:
        """A failure behind the last frame, without `data:`."""
        told = self._decoder.stray
        try:
            return told if reports_failure(_fields.decode(told)) else b""
        except UNREADABLE:
            return b""


class JSONLines(StreamedBody[bytes]):
    """NDJSON, perhaps with the prefixes and the end mark of SSE."""

    def __init__(self, who: str, reply: Reply[Any], limits: ReadLimits) -> None:
        super().__init__(who, reply, limits)
        self._decoder = NDJSONDecoder(limits.max_line_bytes)

    def _events(self, line: bytes) -> Iterator[StreamEvent]:
        if line.startswith(b"{"):
            return self.reply.events(line)
        text = line.decode("utf-8", "replace").removeprefix("data:").strip()
        if text != END_MARK:
            return listed_events(text, self.reply)
        self.reply.marked = True
        return iter(())

    def _is_cut(self, line: bytes) -> bool:
        return is_cut(line.decode("utf-8", "replace"))


def listed_events(text: str, reply: Reply[Any]) -> Iterator[StreamEvent]:
    """The events of the JSON objects in the data of a frame, which may be a list of them. The reply
    notes everything else."""
    if text.startswith("{"):
        yield from reply.events(text)
    elif text.startswith("[") and is_json(text):
        for element in parse_loosely(_elements, text, "the provider", reply.skip):
            if not reply.over:
                yield from listed_events(bytes(element).decode("utf-8", "replace").strip(), reply)
    elif text:
        reply.skip_words(text)


def is_cut(text: str) -> bool:
    text = text.strip()
    return text[:1] in ("{", "[") and text != END_MARK and not is_json(text)
