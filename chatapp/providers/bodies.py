"""What a body's frames hold, whatever the protocol. Pure."""

from collections.abc import Iterator
from typing import Any

import msgspec

from chatapp.providers.reply import Reply
from chatapp.wire.frames import ServerEvent, SSEDecoder
from chatapp.wire.json_text import is_json, parse_loosely

END_MARK = "[DONE]"  # the last event in several SSE protocols
ERROR_BYTES = 16_384  # the most of an error after the last frame

_elements = msgspec.json.Decoder(list[msgspec.Raw])


def objects(text: str, reply: Reply[Any]) -> Iterator[str | bytes]:
    """The JSON objects in the data of a frame: usually itself. The reply notes everything else."""
    if text.startswith("{"):
        yield text
    elif text.startswith("[") and is_json(text):
        for element in parse_loosely(_elements, text, "the provider", reply.skip):
            yield from objects(bytes(element).decode("utf-8", "replace").strip(), reply)
    elif text:
        reply.skip_words(text)


def is_cut(text: str | bytes) -> bool:
    """Whether the last frame was broken off in the middle."""
    text = (text.decode("utf-8", "replace") if isinstance(text, bytes) else text).strip()
    return text[:1] in ("{", "[") and text != END_MARK and not is_json(text)


class Remembering:
    """A decoder that remembers what follows the body's last line that begins with a brace: nothing,
    in a body of frames."""

    def __init__(self, decoder: SSEDecoder) -> None:
        self._feed = decoder.feed
        self.flush = decoder.flush
        self._held = b""
        self._at_line_start = False

    def feed(self, data: bytes) -> list[ServerEvent]:
        start = max(data.rfind(b"\n{"), data.rfind(b"\r{"))
        if start >= 0:
            self._held = data[start + 1 :]
        elif self._at_line_start and data.startswith(b"{"):
            self._held = data
        elif self._held:
            self._held = (self._held + data)[: ERROR_BYTES + 1]
        self._at_line_start = data.endswith((b"\n", b"\r"))
        return self._feed(data)

    @property
    def last_object(self) -> bytes:
        """Empty if there is none, or one that is too long for an error."""
        return b"" if len(self._held) > ERROR_BYTES else self._held.strip()
