"""A reply as it arrives: events one by one; or all at once, where it came in one lump; or its raw bytes beside them.

A lump is a reply that is there to its end before any of it could be shown: one JSON body for a stream, or a stream
that something on the way has collected. What arrives decides, never who sent it. Only the first moment is looked
at: a reply that has to be waited for, once begun, flows, and its events are handed on untouched.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from time import monotonic

from chatapp.errors import UpstreamError
from chatapp.events import Raw
from chatapp.providers import ReplyItem
from chatapp.providers.push_decoder import Stepwise
from chatapp.wire.response import UpstreamResponse

FEW_S = 0.02  # for many bytes to come; a busy server finds more at each look, however slowly it is sent
MANY_BYTES = 1000  # more than any model says at once: the end may be near, and a little is waited for it
LUMP_S = 0.1  # for the end to come: nobody notices it, and a gateway sends at once what it has
NEAR_S = 0.02
RAW_REST_S = 2.0  # after the reply's end: raw bytes are whole, but no connection is waited for that stays open

Decode = Callable[[Iterator[bytes]], Iterator[ReplyItem]]


def arriving(reply: UpstreamResponse, decode: Decode) -> Generator[ReplyItem, None, list[ReplyItem]]:
    """Yield what the body says as it comes. Return it instead where all of it is there.

    Raises what the body and its decoder raise, after everything that came before.
    """
    ahead = _Ahead(reply)
    items = decode(ahead.pieces())
    lump = [item for item in [next(items, None)] if item is not None]
    ahead.reads_on = False
    if not ahead.ended:
        yield from lump
        yield from items
        lump = []
    try:
        lump += items
    except UpstreamError:
        yield from lump
        raise
    reply.drain()
    return lump


def beside_raw(reply: UpstreamResponse, decode: Decode) -> Iterator[ReplyItem]:
    """Yield each piece of the body, then what it completes. Raises as `arriving`; the bytes go on to the body's end."""
    content_type = reply.content_type  # stands with the first bytes
    with closing(Stepwise(decode)) as decoder:
        while not decoder.done:
            data, items = _step(decoder, reply.body())
            if data:
                yield Raw(data, content_type)
                content_type = ""
            yield from items
        yield from map(Raw, reply.rest(RAW_REST_S))
        decoder.check()


def _step(decoder: Stepwise[ReplyItem], body: Iterator[bytes]) -> tuple[bytes, list[ReplyItem]]:
    try:
        data = next(body, b"")
    except UpstreamError as error:
        return b"", decoder.end(error)
    return data, decoder.feed(data) if data else decoder.end()


class _Ahead:
    """Reads a body ahead while more of it is there: as long as `reads_on`. `ended`: it did so to the end."""

    def __init__(self, reply: UpstreamResponse) -> None:
        self.reads_on = True
        self.ended = False
        self._reply = reply

    def pieces(self) -> Iterator[bytes]:
        for data in self._reply.body():
            if self.reads_on:
                yield from self._with_what_is_there(data)
            else:
                yield data
        self.ended = True

    def _with_what_is_there(self, data: bytes) -> Iterator[bytes]:
        """The piece and those behind it as one; then whatever ended it early."""
        pieces, count, start = [data], len(data), monotonic()
        failure = None
        try:
            while self._more_is_there(count, monotonic() - start):
                if not (data := next(self._reply.body(), b"")):
                    self.ended = True
                    break
                pieces.append(data)
                count += len(data)
        except UpstreamError as error:
            failure = error
        yield b"".join(pieces)
        if failure is not None:
            raise failure

    def _more_is_there(self, count: int, seconds: float) -> bool:
        many = count >= MANY_BYTES
        return seconds < (LUMP_S if many else FEW_S) and self._reply.goes_on_within(NEAR_S if many else 0.0)
