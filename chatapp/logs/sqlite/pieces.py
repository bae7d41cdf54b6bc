"""How events are kept: as pieces, in msgpack. No SQL, no I/O.

A piece is a stretch of one run's events. A journal row is a list of short pieces, of all the runs
that wrote since the last flush; a chunk is one long piece. Folding joins short pieces into a long
one without decoding them.
"""

from collections.abc import Callable, Sequence
from itertools import chain, groupby, islice, repeat
from operator import attrgetter
from typing import Final, TypeAlias

import msgspec

from chatapp.events import Entry, RunEnd, StreamEvent, decode_events

_ARRAY_32: Final = b"\xdd"  # msgpack: an array. Its length in four bytes and its elements follow


Moment: TypeAlias = tuple[int, float]
"""So many events, and when they came."""


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """Events of the run with the key `run`, at least one; `upto` is the seq of the last.

    `times` says when they came, in their order; it is empty in a row of schema 1.
    """

    run: int
    upto: int
    events: msgspec.Raw
    times: list[Moment] = []

    def entries(self, after: int = 0) -> list[Entry]:
        """Those with seq > `after`."""
        if self.upto <= after:
            return []
        events = decode_events(self.events)
        first = self.upto - len(events) + 1
        skipped = max(after + 1 - first, 0)
        known = chain.from_iterable(repeat(at, count) for count, at in self.times)
        entries = map(Entry, range(first, self.upto + 1), events, chain(known, repeat(0.0)))
        return list(islice(entries, skipped, None))

    def parts(self) -> list[msgspec.Raw]:
        """Its events, each as it was encoded."""
        return _parts_decoder.decode(self.events)

    def moments(self) -> list[Moment]:
        """`times`, also of a row of schema 1."""
        return self.times or [(len(self.parts()), 0.0)]


class _Named(msgspec.Struct):
    event: str


_encoder = msgspec.msgpack.Encoder()
_row_decoder = msgspec.msgpack.Decoder(list[Piece])
_parts_decoder = msgspec.msgpack.Decoder(list[msgspec.Raw])
_name_decoder = msgspec.msgpack.Decoder(_Named)
_times_decoder = msgspec.msgpack.Decoder(list[Moment])


encode_event: Callable[[StreamEvent], bytes] = _encoder.encode
"""Raises TypeError, ValueError or OverflowError for values that msgpack does not know."""


def is_end(encoded: bytes | msgspec.Raw) -> bool:
    """Whether it is a `RunEnd`. Decodes no more than that: another version may have written it."""
    return _name_decoder.decode(encoded).event == RunEnd.__struct_config__.tag


def join(run: int, upto: int, events: Sequence[bytes | msgspec.Raw], times: list[Moment]) -> Piece:
    """A piece of encoded events."""
    return Piece(run, upto, msgspec.Raw(_ARRAY_32 + len(events).to_bytes(4, "big") + b"".join(events)), times)


def times_of(entries: Sequence[Entry]) -> list[Moment]:
    """When they came. Those of one flush share their time, so this is short."""
    if entries[0].at == entries[-1].at:  # they never decrease
        return [(len(entries), entries[0].at)]
    return [(len(list(same)), at) for at, same in groupby(entries, attrgetter("at"))]


def encode_times(times: Sequence[Moment]) -> bytes:
    return _encoder.encode(times)


def decode_times(data: bytes) -> list[Moment]:
    return _times_decoder.decode(data)


encode_row: Callable[[list[Piece]], bytes] = _encoder.encode


def decode_row(data: bytes) -> list[Piece]:
    return _row_decoder.decode(data)
