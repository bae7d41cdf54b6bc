"""Delivers a reply as its body comes. Nothing is held back, joined or paced here."""

from collections.abc import Callable, Iterator

from chatapp.errors import UpstreamError
from chatapp.events import Raw
from chatapp.providers import ReplyItem
from chatapp.providers.reply_decoder import ReplyDecoder
from chatapp.wire.response import UpstreamResponse

RAW_REST_S = 2.0  # raw bytes go on to the body's end, but a connection that stays open is not waited for
TURN_BYTES = 4096  # decoded in one go: in a flood of tiny frames others have their turns


def deliver(
    read: Callable[[], bytes], decoder: ReplyDecoder, pause: Callable[[], object], raw_of: UpstreamResponse | None
) -> Iterator[ReplyItem]:
    """What each piece of a body completes. `read` gives the next piece, none at its end. With
    `raw_of`, whose `read` it is then, each piece itself comes before that, and they go on to the
    body's end. `pause` is called after much that says nothing.

    Raises what the body and its decoder raise, after all that came before.
    """
    content_type = raw_of.content_type if raw_of else ""  # goes with the first bytes
    try:
        while not decoder.done:
            try:
                data = read()
            except UpstreamError as error:
                if not (yield from decoder.broken_off(error)):
                    raise
                break
            if raw_of and data:
                yield Raw(data, content_type)
                content_type = ""
            if not data:
                yield from decoder.end()
            elif len(data) <= TURN_BYTES:
                yield from decoder.feed(data)
            else:
                yield from _in_turns(data, decoder, pause)
    except UpstreamError:
        yield from _raw_rest(raw_of)
        raise
    yield from _raw_rest(raw_of)


def _in_turns(data: bytes, decoder: ReplyDecoder, pause: Callable[[], object]) -> Iterator[ReplyItem]:
    for at in range(0, len(data), TURN_BYTES):
        silent = True
        for item in decoder.feed(data[at : at + TURN_BYTES]):
            silent = False
            yield item
        if silent:  # whoever takes the items pauses at these
            pause()


def _raw_rest(raw_of: UpstreamResponse | None) -> Iterator[Raw]:
    return map(Raw, raw_of.rest(RAW_REST_S)) if raw_of else iter(())
