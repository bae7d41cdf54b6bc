"""Bytes to frames and back: SSE and NDJSON.

It owns the syntax of the wire and nothing else: no I/O, no clock, no JSON, no idea of what a frame
means. Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, sections 9.2.5 and
9.2.6.

Decoders split bytes, never text: `str.splitlines` also breaks at U+2028, U+0085 and others, which
occur in real answers. A line is decoded only when it is whole, so a character that the network cut
in two survives. UTF-8 never hides a newline inside a character, so the result is the same as if the
whole stream were decoded.
"""

from codecs import BOM_UTF8

import msgspec

from chatapp.errors import FrameTooLarge

# No blank line after the comment: it would end an empty event, and two widely used clients hand out
# that empty event as soon as any frame of the stream carried an `id:`.
HEARTBEAT = b":\n"

# A picture of 8 MB comes in one line of 11 MB, as base64. The size of the whole reply bounds what a
# stream holds, too.
MAX_LINE_BYTES = 16 << 20
MAX_EVENT_BYTES = 16 << 20

MAX_ERROR_BYTES = 16_384  # only a word of it is needed

# The rules set no limit, but int() raises beyond 4300 digits. 15 digits are 30,000 years; longer
# values are ignored.
_MAX_RETRY_DIGITS = 15


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A frame to send. None leaves the line out. `retry` is in milliseconds.

    An empty `id` makes the client forget the last one.
    """

    data: str
    event: str | None = None
    id: str | None = None
    retry: int | None = None


class ServerEvent(msgspec.Struct, frozen=True, gc=False):
    """A received event. `type` is "message" if the stream names none."""

    type: str
    data: str
    last_event_id: str


def encode(frame: Frame, id: str | None = None) -> bytes:
    """The frame's bytes: `event:`, `id:`, `retry:`, at least one `data:` line, a blank line.

    `id` replaces the frame's own. CR and CRLF in `data` become LF; a lone surrogate becomes U+FFFD.
    Raises ValueError for a line end or NUL in `event` or `id`, and for a negative `retry`: a bug or
    an attack (a forged frame), never a model's doing.
    """
    data, event, id = frame.data, frame.event, frame.id if id is None else id
    if "\n" in data or "\r" in data:
        data = data.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\ndata: ")
    text = f"data: {data}\n\n"
    if frame.retry is not None:
        text = f"retry: {_digits(frame.retry)}\n{text}"
    # isprintable is a quick check that passes every ordinary value, but also fails harmless ones.
    if id is not None:
        text = f"id: {id if id.isprintable() else _one_line(id)}\n{text}"
    if event is not None:
        text = f"event: {event if event.isprintable() else _one_line(event)}\n{text}"
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _well_formed(text).encode()


def _digits(retry: int) -> str:
    if retry < 0:
        raise ValueError("retry is negative")
    return str(int(retry))


def _one_line(value: str) -> str:
    if "\n" in value or "\r" in value or "\0" in value:
        raise ValueError("a line end or NUL in an event or id field")
    return value


def _well_formed(text: str) -> str:
    """Join surrogate pairs and replace lone ones by U+FFFD, as JavaScript's toWellFormed does.

    Half a pair remains of an emoji whose JSON escape was cut in two. It must not end the stream.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class _LineBuffer:
    """Cuts a stream at LF and holds the unfinished line. Its work is linear in what it is fed."""

    def __init__(self, max_line_bytes: int) -> None:
        self._max = max_line_bytes
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, without their LF."""
        may_be_long = len(self._held) + len(data) > self._max
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines and self._held:
            lines[0] = self.rest() + lines[0]
        self._held += rest
        if may_be_long and max(len(self._held), max(map(len, lines), default=0)) > self._max:
            raise FrameTooLarge(f"the provider sent a line of more than {self._max} bytes (setting max_line_bytes)")
        return lines

    @property
    def held(self) -> bytes:
        """The unfinished line."""
        return bytes(self._held)

    def rest(self) -> bytes:
        """Take the unfinished line out."""
        rest = bytes(self._held)
        self._held.clear()
        return rest


class SSEDecoder:
    """Decodes one stream. However its bytes are cut into pieces, the events are the same.

    `retry` is the last valid value in milliseconds, None before. Not usable after FrameTooLarge.

    `error_field`: a field `error`, which the rules ignore, is the data of an event of that type.
    Some servers report their failures so.
    """

    def __init__(
        self,
        max_line_bytes: int = MAX_LINE_BYTES,
        max_event_bytes: int = MAX_EVENT_BYTES,
        *,
        error_field: bool = False,
    ) -> None:
        self.retry: int | None = None
        self._lines = _LineBuffer(max_line_bytes)
        self._max_event_bytes = max_event_bytes
        self._error_field = error_field
        self._at_start = True
        self._after_cr = False
        self._type = ""
        self._last_event_id = ""
        self._data: list[bytes] = []
        self._event_bytes = 0
        self._stray = b""

    @property
    def stray(self) -> bytes:
        """The lines after the last `data:` that are no fields, from one on that begins with a
        brace: an error in bare JSON. Empty if they are too long for one."""
        whole = self._stray + b"\n" + self._lines.held
        return whole.strip() if whole.startswith((b"{", b"\n{")) and len(whole) <= MAX_ERROR_BYTES else b""

    def feed(self, data: bytes) -> list[ServerEvent]:
        """The events that `data` completes.

        Raises FrameTooLarge; events that the same piece completed before are lost.
        """
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" in data:
            # A CR ends its line at once, without waiting for an LF in the next piece.
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return self._parse(self._lines.feed(data))

    def flush(self) -> list[ServerEvent]:
        """At the body's end: the event that lacks only its blank line, or its last newline.

        The WHATWG rules discard it, and so do browsers; but some providers end bodies this way,
        with the finish chunk in it. A body that was cut in the middle of an event looks the same:
        the caller must be able to tell.
        """
        return self._parse([self._lines.rest(), b""])

    def _parse(self, lines: list[bytes]) -> list[ServerEvent]:
        if self._at_start and lines:
            lines[0] = lines[0].removeprefix(BOM_UTF8)
            self._at_start = False
        events: list[ServerEvent] = []
        for line in lines:
            if not line:
                if self._data or (self._error_field and self._type == "error"):
                    text = b"\n".join(self._data).decode("utf-8", "replace")
                    events.append(ServerEvent(self._type or "message", text, self._last_event_id))
                    self._data.clear()
                    self._event_bytes = 0
                self._type = ""
                continue
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"data":
                self._event_bytes += len(line)
                if self._event_bytes > self._max_event_bytes:
                    raise FrameTooLarge(
                        f"the provider sent an event of more than {self._max_event_bytes} bytes (setting max_event_bytes)"
                    )
                self._data.append(value)
                if self._stray:
                    self._stray = b""
            elif name == b"event":
                self._type = value.decode("utf-8", "replace")
            elif name == b"error" and self._error_field:
                self._type = "error"
                self._data.append(value[:MAX_ERROR_BYTES])
            elif name == b"id":
                if b"\0" not in value:
                    self._last_event_id = value.decode("utf-8", "replace")
            elif name == b"retry" and value.isdigit() and len(value) <= _MAX_RETRY_DIGITS:
                self.retry = int(value)
            elif line.startswith(b"{"):
                self._stray = line[: MAX_ERROR_BYTES + 1]
            elif self._stray:
                self._stray = (self._stray + b"\n" + line)[: MAX_ERROR_BYTES + 1]
        return events


class NDJSONDecoder:
    """Decodes one stream of lines, each one JSON text.

    Drops empty lines, and white space around a line.
    """

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._lines = _LineBuffer(max_line_bytes)

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes. Raises FrameTooLarge."""
        return [line for raw in self._lines.feed(data) if (line := raw.strip())]

    def flush(self) -> list[bytes]:
        """At the body's end: the line that lacks its newline."""
        return [line] if (line := self._lines.rest().strip()) else []
