"""A reply's body on one side, its items on the other: which form the body has, how it may end, and
what is made of texts that hold more than one thing. No I/O.

A server that ignores `stream` answers in one piece, and a gateway with a web page: so the bytes
that arrive decide how they are read, not the provider that sent them.
"""

from collections.abc import Callable, Generator, Iterable, Iterator

from chatapp.errors import Truncated, UpstreamError
from chatapp.events import ReasoningDelta, TextDelta
from chatapp.providers import ReplyItem
from chatapp.providers.bodies import BLANK, Body
from chatapp.providers.think_tags import TaggedThinking
from chatapp.settings.tables import ThinkTags

BLANK_BYTES = 65_536  # before the first byte that says anything; more are an empty reply


class ReplyDecoder:
    """Give it the pieces of a body with `feed`, then `end` it or tell that it was `broken_off`,
    until it is `done`. What a call gives is decoded as it is taken: to the end, before the next.

    Each raises an UpstreamError if the reply failed, after what came before. `form` tells by the
    body's first bytes how it is to be read; it may raise BadReply.
    """

    def __init__(self, who: str, form: Callable[[bytes], Body], tags: ThinkTags = "none") -> None:
        self.done = False
        self._who = who
        self._form = form
        self._body: Body | None = None
        self._start = b""
        self._thinking = TaggedThinking(tags)
        self._is_plain = False  # a short text is what it seems

    def feed(self, data: bytes) -> Iterator[ReplyItem]:
        """What the piece completes; nothing once it is done."""
        if self.done:
            return
        try:
            if (body := self._body) is None:
                if (body := self._begun(data)) is None:
                    return
                data, self._start = self._start, b""
            for event in body.take(data):
                short = isinstance(event, (TextDelta, ReasoningDelta)) and len(event.text) <= body.lump_chars
                if short and self._is_plain:  # nearly always
                    yield event
                else:
                    yield from self._shaped(body, (event,))
        except UpstreamError as error:
            if not (yield from self.broken_off(error)):
                raise
            return
        if body.reply.over:
            yield from self._finish(body)

    def end(self) -> Iterator[ReplyItem]:
        """What the body's end completes."""
        try:
            if (body := self._body) is None:
                raise Truncated(f"{self._who} sent an empty reply")
            yield from self._shaped(body, body.end())
        except UpstreamError as error:
            if not (yield from self.broken_off(error)):
                raise
            return
        yield from self._finish(body)

    def broken_off(self, error: UpstreamError) -> Generator[ReplyItem, None, bool]:
        """What is left when the body, or the reply in it, ended with this error. Returns whether
        the reply is complete all the same; if not, the error stands: raise it."""
        body = self._body
        if body is not None and body.reply.forgives(body.explained(error)):
            yield from self._finish(body)
            return True
        yield from self._thinking.rest()
        if body is not None and body.explained(error) is not error:
            raise body.explained(error) from None
        return False

    def _begun(self, data: bytes) -> Body | None:
        """The body, once its first byte that says anything has come."""
        self._start += data
        if word := self._start.lstrip(BLANK):
            self._body = self._form(word)
        elif len(self._start) >= BLANK_BYTES:
            raise Truncated(f"{self._who} sent an empty reply")
        return self._body

    def _finish(self, body: Body) -> Iterator[ReplyItem]:
        self.done = True
        try:
            yield from self._shaped(body, body.reply.finish())
        except UpstreamError:
            yield from self._thinking.rest()
            raise

    def _shaped(self, body: Body, items: Iterable[ReplyItem]) -> Iterator[ReplyItem]:
        yield from self._thinking.separated(body.lumps.cut(items))
        self._is_plain = self._thinking.is_over
