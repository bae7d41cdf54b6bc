"""A run for one reader in the same thread, without log or server. It waits while the reader does.

Run and reader are two greenlets that switch to each other, so they need neither gevent's patches
nor a hub. If the run itself waits in a hub, as a pause of the mock does, that is its own affair.
"""

from collections.abc import Generator
from typing import Any, cast

from gevent import GreenletExit, getcurrent
from greenlet import greenlet

from chatapp.chat import Chat
from chatapp.events import StreamEvent
from chatapp.generation.run import Run
from chatapp.ids import new_id
from chatapp.providers import Provider
from chatapp.trace import new_trace_id


class InlineRun:
    """A run's log that keeps nothing: the code that iterates gets each event as it is written."""

    def __init__(self) -> None:
        self._seq = 0
        self._reader: Any = None

    def events(self, provider: Provider, chat: Chat) -> Generator[StreamEvent, None, None]:
        """From `RunStart` to `RunEnd`. Closing it closes the provider's iterator."""
        run = Run(new_id("run"), new_trace_id(), provider, chat, self)
        writer = greenlet(lambda: self._write(run))
        try:
            while event := self._next(writer):
                yield event
        finally:
            if not writer.dead:
                writer.parent = getcurrent()
                writer.throw(GreenletExit)  # inside `append`: so the provider's iterator is closed

    def append(self, run_id: str, event: StreamEvent) -> int:
        self._seq += 1
        self._reader.switch(event)
        return self._seq

    def _next(self, writer: greenlet) -> StreamEvent | None:
        self._reader = writer.parent = getcurrent()
        return cast(StreamEvent | None, writer.switch())

    def _write(self, run: Run) -> None:
        run.append(run.generate())
