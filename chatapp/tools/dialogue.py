"""What a running call tells its owner, and asks.

All questions of one call together wait no longer than one approval may.
"""

import time
from collections.abc import Callable, Iterator, Mapping

import gevent
import msgspec

from chatapp.cancel import CancelScope
from chatapp.errors import DatabaseUnavailable
from chatapp.events import ToolProgress, ToolQuestion
from chatapp.ids import new_id
from chatapp.tools import UserInput, UserInputs
from chatapp.tools.time_limit import TimeLimit

LOOK_S, MAX_LOOK_S = 0.25, 2.0  # the first and the longest pause between two looks for a decision
LOOK_GROWTH = 1.2  # from pause to pause: hundreds of waiting calls must not keep a core busy

Told = Callable[[UserInput], None]


class TakenBack(Exception):
    """Ends the wait for what the owner says."""


class Dialogue:
    """The owner of one call, as its tool sees it (`CallOwner`). `close` it when the call is over.

    Without `inputs` there is no owner to ask, and each question is cancelled. `limit` does not run
    while the owner is asked.
    """

    def __init__(
        self,
        run_id: str,
        call_id: str,
        inputs: UserInputs | None,
        wait_s: float,
        limit: TimeLimit,
        report: Callable[[ToolQuestion | ToolProgress], None],
    ) -> None:
        self._run_id = run_id
        self._call_id = call_id
        self._inputs = inputs
        self._left = wait_s
        self._limit = limit
        self._report = report
        self._open: dict[str, tuple[ToolQuestion, CancelScope]] = {}
        self._waiting_since = 0.0

    def progress(self, done: float, total: float | None, message: str) -> None:
        self._report(ToolProgress(self._call_id, done, total, message))

    def ask(self, message: str, schema: Mapping[str, object], told: Told) -> Callable[[], None]:
        if self._inputs is None:
            told(UserInput("cancelled"))
            return lambda: None
        if not self._open:
            self._waiting_since = time.time()
        expires = self._waiting_since + max(self._left, 0.0)
        asked = ToolQuestion(self._call_id, new_id("question"), "asked", expires, message, dict(schema))
        scope = CancelScope()
        self._open[asked.id] = asked, scope
        self._limit.pause()
        self._report(asked)
        gevent.spawn(self._wait, self._inputs, asked, scope, told)
        return lambda: self._end(asked.id, "cancelled")

    def close(self) -> None:
        for id in list(self._open):
            self._end(id, "cancelled")

    def _wait(self, inputs: UserInputs, asked: ToolQuestion, scope: CancelScope, told: Told) -> None:
        pauses = looks()
        try:
            while not (said := self._said(inputs, asked)):
                scope.run(gevent.sleep, next(pauses))
            scope.check()
        except TakenBack:
            return
        self._end(asked.id, said.state)
        told(said)

    def _said(self, inputs: UserInputs, asked: ToolQuestion) -> UserInput | None:
        try:
            if time.time() < asked.expires:
                return inputs.said(self._run_id, asked.id)
            return inputs.say(self._run_id, asked.id, UserInput("expired"))
        except DatabaseUnavailable:
            return None  # the next look asks again

    def _end(self, id: str, state: str) -> None:
        """The question is over, for whatever reason comes first."""
        if id not in self._open:
            return
        asked, scope = self._open.pop(id)
        scope.cancel(TakenBack)
        if not self._open:
            self._left -= time.time() - self._waiting_since
        self._limit.resume()
        self._report(msgspec.structs.replace(asked, state=state, message="", schema={}))


def looks() -> Iterator[float]:
    """Seconds to wait before each look for a decision. Short at first: a quick one acts at once."""
    pause = LOOK_S
    while True:
        yield pause
        pause = min(pause * LOOK_GROWTH, MAX_LOOK_S)
