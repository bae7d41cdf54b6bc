"""Delivers a reply as it arrives: nothing is held back, joined or paced here.

If the raw bytes are asked for, each piece of the body goes on before the events that it completes.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

from chatapp.cancel import CancelScope
from chatapp.errors import UpstreamError
from chatapp.events import Raw, ReasoningDelta, TextDelta
from chatapp.hub import ITEM_WORK, TURN_WORK, let_others_run
from chatapp.providers import ReplyItem
from chatapp.providers.push_decoder import PushDecoder
from chatapp.wire.response import UpstreamResponse

RAW_REST_S = 2.0  # raw bytes go on to the body's end, but a connection that stays open is not waited for

Decode = Callable[[Iterator[bytes]], Iterator[ReplyItem]]


def deliver(response: UpstreamResponse, decode: Decode) -> Iterator[ReplyItem]:
    """What the body says, as it arrives. Raises what the body and its decoder raise."""
    yield from decode(response.body())
    response.drain()


def deliver_with_raw(response: UpstreamResponse, decode: Decode) -> Iterator[ReplyItem]:
    """Yield each piece of the body, then what it completes, and go on to the body's end.

    Raises as `deliver`, after yielding everything that came before.
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


def in_turns(items: Iterable[ReplyItem], scope: CancelScope) -> Iterator[ReplyItem]:
    """The items. If many are there at once, the other greenlets have their turns in between."""
    work = 0
    for item in items:
        yield item
        work += ITEM_WORK
        if isinstance(item, (TextDelta, ReasoningDelta)):
            work += len(item.text)
        if work > TURN_WORK:
            scope.run(let_others_run)
            work = 0


def _step(decoder: PushDecoder[ReplyItem], body: Iterator[bytes]) -> tuple[bytes, list[ReplyItem]]:
    try:
        data = next(body, b"")
    except UpstreamError as error:
        return b"", decoder.end(error)
    return data, decoder.feed(data) if data else decoder.end()
