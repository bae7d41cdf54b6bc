"""What a body's frames hold, whatever the protocol. Pure."""

from collections.abc import Iterator
from typing import Any

import msgspec

from chatapp.providers.reply import Reply
from chatapp.wire.json_text import is_json, parse_loosely

END_MARK = "[DONE]"  # the last event in several SSE protocols

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
