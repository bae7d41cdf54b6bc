"""Delivers a reply with its raw bytes: each piece of the body goes on before the events that it
completes. Nothing is held back, joined or paced here.
"""

from collections.abc import Callable, Iterator
from contextlib import closing

from chatapp.errors import UpstreamError
from chatapp.events import Raw
from chatapp.providers import ReplyItem
from chatapp.providers.push_decoder import PushDecoder
from chatapp.wire.response import UpstreamResponse

RAW_REST_S = 2.0  # raw bytes go on to the body's end, but a connection that stays open is not waited for

Decode = Callable[[Iterator[bytes]], Iterator[ReplyItem]]


def deliver_with_raw(response: UpstreamResponse, decode: Decode) -> Iterator[ReplyItem]:
    """Yield each piece of the body, then what it completes, and go on to the body's end.

    Raises what the body and its decoder raise, after yielding everything that came before.
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
