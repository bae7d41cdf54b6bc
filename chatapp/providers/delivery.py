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
    read: Callable[[], bytes], decoder: ReplyDecoder, raw_of: UpstreamResponse | None = None
) -> Iterator[ReplyItem]:
    """What each piece of a body completes, which `read` gives: none at its end. With `raw_of`, the
    body's response, each piece itself comes before that, and they go on to the body's end.

    Raises what the body and its decoder raise, after all that came before.
    """
    content_type = raw_of.content_type if raw_of else ""  # goes with the first bytes
    while not decoder.done:
        try:
            data = read()
        except UpstreamError as error:
            yield from decoder.end(error)
            continue
        if raw_of and data:
            yield Raw(data, content_type)
            content_type = ""
        if not data:
            yield from decoder.end()
        for at in range(0, len(data), TURN_BYTES):
            yield from decoder.feed(data[at : at + TURN_BYTES])
    if raw_of:
        yield from map(Raw, raw_of.rest(RAW_REST_S))
    decoder.check()
