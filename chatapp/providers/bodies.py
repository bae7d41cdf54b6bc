"""What a body's frames hold, whatever the protocol. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from chatapp.providers.reply import Reply
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


class Remembered:
    """Passes a body on and remembers its last bytes."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body
        self._held = b""

    def __iter__(self) -> Iterator[bytes]:
        for data in self._body:
            self._held = (self._held + data)[-ERROR_BYTES:]
            yield data

    @property
    def last_object(self) -> bytes:
        """What follows the last line that begins with a brace."""
        start = max(self._held.rfind(b"\n{"), self._held.rfind(b"\r{"))
        return self._held[start + 1 :].strip()
