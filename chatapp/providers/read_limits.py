"""How much of a reply is read."""

from dataclasses import dataclass

from chatapp.providers.reply import MAX_REPLY_BYTES
from chatapp.wire.frames import MAX_EVENT_BYTES, MAX_LINE_BYTES


@dataclass(frozen=True)
class ReadLimits:
    """Limits on reading a reply. `max_reply_bytes`: what is held of it, without the form around the
    text of a stream."""

    max_line_bytes: int = MAX_LINE_BYTES
    max_event_bytes: int = MAX_EVENT_BYTES
    max_reply_bytes: int = MAX_REPLY_BYTES
