"""How events are kept: as pieces, in msgpack. No SQL, no I/O.

A piece is a stretch of one run's events. A journal row is a list of short pieces, of all the runs
that wrote since the last flush; a chunk is one long piece. Folding joins short pieces into a long
one without decoding them.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from chatapp.events import Entry, RunEnd, StreamEvent, decode_events

_ARRAY_32: Final = b"\xdd"  # msgpack: an array. Its length in four bytes and its elements follow


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """Events of the run with the key `run`, at least one; `upto` is the seq of the last."""

    run: int
    upto: int
    events: msgspec.Raw

    def entries(self, after: int = 0) -> list[Entry]:
        """Those with seq > `after`."""
        if self.upto <= after:
            return []
        events = decode_events(self.events)
        first = self.upto - len(events) + 1
        skipped = max(after + 1 - first, 0)
        return [Entry(seq, event) for seq, event in enumerate(events[skipped:], first + skipped)]

    def parts(self) -> list[msgspec.Raw]:
        """Its events, each as it was encoded."""
        return _parts_decoder.decode(self.events)


class _Named(msgspec.Struct):
    event: str


_encoder = msgspec.msgpack.Encoder()
_row_decoder = msgspec.msgpack.Decoder(list[Piece])
_parts_decoder = msgspec.msgpack.Decoder(list[msgspec.Raw])
_name_decoder = msgspec.msgpack.Decoder(_Named)


def encode_event(event: StreamEvent) -> bytes:
    """Raises TypeError, ValueError or OverflowError for values that msgpack does not know."""
    return _encoder.encode(event)


def is_end(encoded: bytes | msgspec.Raw) -> bool:
    """Whether it is a `RunEnd`. Decodes no more than that: another version may have written it."""
    return _name_decoder.decode(encoded).event == RunEnd.__struct_config__.tag


def join(run: int, upto: int, events: Sequence[bytes | msgspec.Raw]) -> Piece:
    """A piece of encoded events."""
    return Piece(run, upto, msgspec.Raw(_ARRAY_32 + len(events).to_bytes(4, "big") + b"".join(events)))


def encode_row(pieces: Iterable[Piece]) -> bytes:
    return _encoder.encode(list(pieces))


def decode_row(data: bytes) -> list[Piece]:
    return _row_decoder.decode(data)
