"""A reply's body on one side, its items on the other: which form the body has, how it may end, and
what is made of texts that hold more than one thing. No I/O.

A server that ignores `stream` answers in one piece, and a gateway with a web page: so the bytes
that arrive decide how they are read, not the provider that sent them.
"""

from collections.abc import Callable, Iterable, Iterator

from chatapp.errors import Truncated, UpstreamError
from chatapp.providers import ReplyItem
from chatapp.providers.bodies import BLANK, Body
from chatapp.providers.lumps import Lumps
from chatapp.providers.reply import Items
from chatapp.providers.think_tags import TaggedThinking
from chatapp.settings.tables import ThinkTags

BLANK_BYTES = 65_536  # before the first byte that says anything; more are an empty reply


class ReplyDecoder:
    """Give it the pieces of a body with `feed`, then `end`, until it is `done`; then `check` it.

    `form` tells by the body's first bytes how it is to be read; it may raise BadReply.
    """

    def __init__(self, who: str, form: Callable[[bytes], Body], tags: ThinkTags = "none") -> None:
        self.done = False
        self._who = who
        self._form = form
        self._body: Body | None = None
        self._start = b""
        self._thinking = TaggedThinking(tags)
        self._lumps = Lumps()
        self._is_plain = False  # short texts are what they seem
        self._error: UpstreamError | None = None

    def feed(self, data: bytes) -> Iterable[ReplyItem]:
        """What the piece completes, even if the reply fails then; nothing once it is done. To be
        taken before the next."""
        items: Items = []
        if self.done:
            return items
        try:
            body = self._body
            if body is None:
                if (body := self._begun(data)) is None:
                    return items
                data, self._start = self._start, b""
            body.reply.only_tokens = True
            body.take(data, items)
            if body.reply.over:
                self._finish(body, items)
        except UpstreamError as error:
            self._fail(error, items)
        if self._is_plain and body is not None and body.reply.only_tokens:  # nearly always
            return items
        return self._shaped(items)

    def end(self, error: UpstreamError | None = None) -> Iterable[ReplyItem]:
        """What the body's end completes. It ended with an error, or well."""
        items: Items = []
        try:
            if error is not None:
                raise error
            if self._body is None:
                raise Truncated(f"{self._who} sent an empty reply")
            self._body.end(items)
            self._finish(self._body, items)
        except UpstreamError as caught:
            self._fail(caught, items)
        return self._shaped(items)

    def check(self) -> None:
        """Raise what the reply failed with, once: a kept error would keep its frames alive."""
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            del error

    def _begun(self, data: bytes) -> Body | None:
        """The body, once its first byte that says anything has come."""
        self._start += data
        if word := self._start.lstrip(BLANK):
            self._body = self._form(word)
            self._lumps = Lumps(self._body.lump_chars)
        elif len(self._start) >= BLANK_BYTES:
            raise Truncated(f"{self._who} sent an empty reply")
        return self._body

    def _finish(self, body: Body, items: Items) -> None:
        self.done = True
        try:
            body.reply.finish(items)
        except UpstreamError as error:
            self._error = error

    def _fail(self, error: UpstreamError, items: Items) -> None:
        if self._body is not None:
            error = self._body.explained(error)
            if self._body.reply.forgives(error):
                return self._finish(self._body, items)
        self.done, self._error = True, error

    def _shaped(self, items: Items) -> Iterator[ReplyItem]:
        yield from self._thinking.separated(self._lumps.cut(items))
        if self._error is not None:
            yield from self._thinking.rest()
        self._is_plain = self._thinking.is_over
