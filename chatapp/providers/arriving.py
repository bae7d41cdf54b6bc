"""A reply as its pieces arrive: raw bytes beside what they decode to; and whether it flows, or came in one lump.

A lump is a reply that is there to its end before any of it could be shown: one JSON body for a stream, or a stream
that something on the way has collected. What arrives decides, never who sent it. Only the first moment is looked
at: a reply that has to be waited for, once begun, flows, and its events are handed on untouched.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from time import monotonic

from chatapp.chat import ReplyItem
from chatapp.errors import UpstreamError
from chatapp.events import Raw
from chatapp.providers.pacing import length
from chatapp.providers.stepwise import Stepwise
from chatapp.upstream import Reply

FEW_S = (
    0.02  # after the first event, for more to come than any model says at once; a busy server finds more at each look
)
MANY_CHARS = 100  # which is this: the end may be near, and a little is waited for it
LUMP_S = 0.1  # for the end to come: nobody notices it, and a gateway sends at once what it has
NEAR_S = 0.03
RAW_REST_S = 2.0  # after the reply's end: raw bytes are whole, but no connection is waited for that stays open


def arriving(
    reply: Reply, decode: Callable[[Iterator[bytes]], Iterator[ReplyItem]], *, raw: bool, paced: bool
) -> Generator[ReplyItem, None, list[ReplyItem]]:
    """Yield what each piece of the body brings; with `raw`, the piece itself first. Return a lump instead, if `paced`.

    Raises what the body and its decoder raise, after everything that came before.
    """
    lump: _Lump | None = _Lump(reply) if paced else None
    content_type = reply.content_type  # stands with the first bytes
    with closing(Stepwise(decode)) as decoder:
        while not decoder.done:
            data, items = _step(decoder, reply.body())
            if raw and data:
                yield Raw(data, content_type)
                content_type = ""
            if lump is not None:
                items = lump.take(items, decoder.done)
                lump = lump if lump.holds else None
            yield from items
        if raw:
            yield from map(Raw, reply.rest(RAW_REST_S))
        if decoder.failed:
            yield from lump.items if lump is not None else ()
            decoder.check()
    reply.drain()
    return lump.items if lump is not None else []


def _step(decoder: Stepwise[ReplyItem], body: Iterator[bytes]) -> tuple[bytes, list[ReplyItem]]:
    try:
        data = next(body, b"")
    except UpstreamError as error:
        return b"", decoder.end(error)
    return data, decoder.feed(data) if data else decoder.end()


class _Lump:
    """Holds items back as long as they may be all that comes. `holds` until it turned out that the reply flows."""

    def __init__(self, reply: Reply) -> None:
        self.items: list[ReplyItem] = []
        self.holds = True
        self._reply = reply
        self._since: float | None = None

    def take(self, items: list[ReplyItem], done: bool) -> list[ReplyItem]:
        """More came; `done`: to the end. Returns what is to be handed on: nothing, or everything."""
        self.items += items
        if not self.items or done:
            return []
        self._since = self._since or monotonic()
        many = length(self.items) >= MANY_CHARS
        late = monotonic() >= self._since + (LUMP_S if many else FEW_S)
        self.holds = not late and self._reply.goes_on_within(NEAR_S if many else 0.0)
        return [] if self.holds else self.items
