"""How much of a reply is read."""

from dataclasses import dataclass

from chatapp.errors import ReplyTooLarge
from chatapp.wire.frames import MAX_EVENT_BYTES, MAX_LINE_BYTES

MAX_REPLY_BYTES = 32 << 20  # held at a time; a reply of 128,000 tokens is half a MB of text


@dataclass(frozen=True)
class ReadLimits:
    """Limits on reading a reply. `max_reply_bytes`: what is held of it, without the form around the
    text of a stream."""

    max_line_bytes: int = MAX_LINE_BYTES
    max_event_bytes: int = MAX_EVENT_BYTES
    max_reply_bytes: int = MAX_REPLY_BYTES


def held_too_much(who: str, max_reply_bytes: int) -> ReplyTooLarge:
    return ReplyTooLarge(f"{who} sent a reply of more than {max_reply_bytes} bytes (setting max_reply_bytes)")
