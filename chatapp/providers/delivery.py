"""Delivers a reply as it arrives, all at once if it was buffered, or with its raw bytes.

A buffered reply has arrived to its end before any of it could be shown: one JSON body instead of a
stream, or a stream that something on the way has collected. The bytes that arrive decide, never
their sender. Only the first moment is looked at: a reply that makes us wait, once it has begun, is
a stream, and its events are passed on untouched.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from time import monotonic

from chatapp.errors import UpstreamError
from chatapp.events import Raw
from chatapp.providers import ReplyItem
from chatapp.providers.push_decoder import PushDecoder
from chatapp.wire.response import UpstreamResponse

AHEAD_S = 0.02  # to read ahead; a busy server finds more at each look, however slowly it is sent
LARGE_BYTES = 1000  # larger than any model's chunk: probably a buffered reply, so wait for its end
BUFFERED_S = 0.1  # to wait for that end: too short to notice, and a gateway sends at once what it has
PAUSE_S = 0.02  # the longest pause within a buffered reply
RAW_REST_S = 2.0  # raw bytes go on to the body's end, but a connection that stays open is not waited for

Decode = Callable[[Iterator[bytes]], Iterator[ReplyItem]]


def deliver(response: UpstreamResponse, decode: Decode) -> Generator[ReplyItem, None, list[ReplyItem]]:
    """Yield what the body says as it arrives. If the reply was buffered, return it instead.

    Raises what the body and its decoder raise, after yielding everything that came before.
    """
    ahead = _ReadAhead(response)
    items = decode(ahead.pieces())
    buffered = [item for item in [next(items, None)] if item is not None]
    ahead.reads_on = False
    if not ahead.ended:
        yield from buffered
        yield from items
        buffered = []
    try:
        buffered += items
    except UpstreamError:
        yield from buffered
        raise
    response.drain()
    return buffered


def deliver_with_raw(response: UpstreamResponse, decode: Decode) -> Iterator[ReplyItem]:
    """Yield each piece of the body, then what it completes, and go on to the body's end.

    Raises as `deliver`.
    """
    content_type = response.content_type  # goes with the first bytes
    with closing(PushDecoder(decode)) as decoder:
        while not decoder.done:
            data, items = _step(decoder, response.body())
            if data:
                yield Raw(data, content_type)
                content_type = ""
            yield from items
        yield from map(Raw, response.rest(RAW_REST_S))
        decoder.check()


def _step(decoder: PushDecoder[ReplyItem], body: Iterator[bytes]) -> tuple[bytes, list[ReplyItem]]:
    try:
        data = next(body, b"")
    except UpstreamError as error:
        return b"", decoder.end(error)
    return data, decoder.feed(data) if data else decoder.end()


class _ReadAhead:
    """Reads a body ahead while `reads_on` and more has arrived. `ended`: it read to the end."""

    def __init__(self, response: UpstreamResponse) -> None:
        self.reads_on = True
        self.ended = False
        self._response = response

    def pieces(self) -> Iterator[bytes]:
        for data in self._response.body():
            if self.reads_on:
                yield from self._with_arrived(data)
            else:
                yield data
        self.ended = True

    def _with_arrived(self, data: bytes) -> Iterator[bytes]:
        """The piece, joined with those that have arrived since. Raises their error after them."""
        pieces, count, start = [data], len(data), monotonic()
        failure = None
        try:
            while self._has_more(count, monotonic() - start):
                if not (data := next(self._response.body(), b"")):
                    self.ended = True
                    break
                pieces.append(data)
                count += len(data)
        except UpstreamError as error:
            failure = error
        yield b"".join(pieces)
        if failure is not None:
            raise failure

    def _has_more(self, count: int, seconds: float) -> bool:
        large = count >= LARGE_BYTES
        return seconds < (BUFFERED_S if large else AHEAD_S) and self._response.goes_on_within(PAUSE_S if large else 0.0)
