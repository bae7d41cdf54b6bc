"""How much is done in one turn of the hub, counted: times would depend on the machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

import greenlet
from sqlalchemy import Engine, event

CALLS = ("call", "c_call")
STEPS = 100  # of SQLite's machine, between two calls of its handler


class Done(NamedTuple):
    """`calls` of functions, in Python or in C, and `steps` of SQLite's machine."""

    calls: int
    steps: int

    def exceeds(self, other: "Done") -> bool:
        return self.calls > other.calls or self.steps > other.steps


class Turns:
    """What was done `of` a step, by the greenlet that calls it: `most` between two switches of
    greenlets."""

    def __init__(self, engine: Engine) -> None:
        self.most = Done(0, 0)
        self._calls = self._steps = 0
        event.listen(engine, "connect", self._watch)
        engine.dispose()  # connections that are open

    @contextmanager
    def of(self) -> Iterator[None]:
        self.most, self._calls, self._steps = Done(0, 0), 0, 0
        before = greenlet.settrace(self._switch)
        sys.setprofile(self._call)
        try:
            yield
        finally:
            sys.setprofile(None)
            greenlet.settrace(before)
            self._switch()

    def _call(self, _frame: FrameType, event: str, _argument: object) -> None:
        self._calls += event in CALLS

    def _switch(self, *_: object) -> None:
        self.most = Done(max(self.most.calls, self._calls), max(self.most.steps, self._steps))
        self._calls = self._steps = 0

    def _watch(self, connection: Any, _record: object) -> None:
        def step() -> None:
            self._steps += STEPS

        connection.set_progress_handler(step, STEPS)
