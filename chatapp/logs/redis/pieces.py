"""How events are kept: as pieces, in msgpack. A piece is a stretch of one run's events, and an
entry of its stream whose id is `<seq of the last>-0`. No I/O."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from chatapp.events import Entry, StreamEvent


class Piece(NamedTuple):
    """The events `first` to `upto`, encoded; `ends`: the last is the `RunEnd`. `size` is in bytes,
    of the events alone."""

    first: int
    upto: int
    ends: bool
    size: int
    data: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[float, list[StreamEvent]])


def encode_event(event: StreamEvent) -> bytes:
    """Raises TypeError, ValueError or OverflowError for values that msgpack does not know."""
    return _encoder.encode(event)


def join(upto: int, ends: bool, at: float, events: Sequence[bytes]) -> Piece:
    """A piece of encoded events that came `at`, in seconds since the epoch."""
    data = _encoder.encode((at, [msgspec.Raw(event) for event in events]))
    return Piece(upto - len(events) + 1, upto, ends, sum(map(len, events)), data)


def entries_of(upto: int, data: bytes, after: int = 0) -> list[Entry]:
    """The entries of a stored piece with seq > `after`."""
    at, events = _decoder.decode(data)
    first = upto - len(events) + 1
    skipped = max(after + 1 - first, 0)
    return [Entry(seq, event, at) for seq, event in enumerate(events[skipped:], first + skipped)]
