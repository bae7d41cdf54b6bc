"""Turns a decoder inside out: one that pulls the pieces of a body becomes one that is fed. No I/O.

Decoders are written the natural way, as generators over a body. If the raw bytes are shown too,
each piece must be passed on before the next is waited for, even if it decodes to nothing yet. So
the decoder runs in a greenlet, and waiting for the next piece is a switch to the reader. This costs
8 KiB for each reply and less than a microsecond for each piece, so only such replies use it.
"""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

from chatapp.errors import UpstreamError

T = TypeVar("T")


class PushDecoder(Generic[T]):
    """Give it pieces with `feed`, then `end`, until it is `done`. Its maker closes it."""

    def __init__(self, decode: Callable[[Iterator[bytes]], Iterator[T]]) -> None:
        self.done = False
        self._decode = decode
        self._items: list[T] = []
        self._error: UpstreamError | None = None
        self._greenlet = greenlet(self._run)

    def feed(self, data: bytes) -> list[T]:
        """What the piece completes, even if it then fails: see `check`."""
        return self._resume(data)

    def end(self, error: UpstreamError | None = None) -> list[T]:
        """Tell it that the body has ended.

        An error is raised inside the decoder, where it waits.
        """
        return self._resume(error or b"")

    def check(self) -> None:
        """Raise what the decoder raised, once: a kept error would keep its frames alive."""
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            del error

    def close(self) -> None:
        if not self.done:
            self._greenlet.parent = getcurrent()
            self._greenlet.throw(GreenletExit)

    def _resume(self, piece: bytes | UpstreamError) -> list[T]:
        self._greenlet.parent = getcurrent()  # another greenlet may read on
        self._greenlet.switch(piece)
        items, self._items = self._items, []
        return items

    def _run(self, first: bytes | UpstreamError) -> None:
        try:
            for item in self._decode(self._pieces(first)):
                self._items.append(item)
        except UpstreamError as error:
            self._error = error
        finally:
            self.done = True

    def _pieces(self, piece: bytes | UpstreamError) -> Iterator[bytes]:
        while piece:
            if isinstance(piece, UpstreamError):
                raise piece
            yield piece
            piece = self._greenlet.parent.switch()  # type: ignore[union-attr]  # the greenlet that resumed it
