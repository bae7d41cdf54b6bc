"""A long run holds its text, and nothing for each event, in memory."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from drivers import NoApprovals, ScriptedProvider, Step, a_chat
from waiting import soon

from chatapp.cancel import CancelScope
from chatapp.events import TextDelta
from chatapp.generation.run import Run
from chatapp.generation.tool_loop import ToolLoop
from chatapp.logs.sqlite.log import SQLiteLog
from chatapp.logs.sqlite.tuning import Tuning
from chatapp.providers import Finished, Provider
from chatapp.tools.toolbox import Limits, Toolbox

SHORT, LONG = 1_000, 30_000
WORD_CHARS = 7
PAUSE_EVENTS = 250


class Memory:
    """What is held after SHORT events, and after LONG ones."""

    def __init__(self, log: SQLiteLog) -> None:
        self._log = log
        self.held: list[int] = []

    def steps(self) -> Iterator[Step]:
        for number in range(1, LONG + 1):
            yield TextDelta(f"w{number:05} ")
            if number % PAUSE_EVENTS == 0:
                yield lambda scope: scope.run(gevent.sleep, 0.001)
            if number in (SHORT, LONG):
                yield self._look
        yield Finished("stop")

    def _look(self, scope: CancelScope) -> None:
        self._log.sync("run")
        soon(lambda: not self._log._writer._unfolded)
        self.held.append(tracemalloc.get_traced_memory()[0])


@pytest.mark.parametrize("with_tools", [False, True])
def test_a_long_run_holds_no_more_than_its_text(tmp_path: Path, with_tools: bool) -> None:
    log = SQLiteLog(tmp_path / "log.db", tuning=Tuning(tick_s=0.005, fold_age_s=0.01))
    log.create("run")
    memory = Memory(log)
    provider: Provider = ScriptedProvider(memory.steps())
    if with_tools:
        provider = ToolLoop(provider, Toolbox("run", {}, Limits(8, 5.0, 1000, 60.0), NoApprovals()))
    run = Run("run", "trace", provider, a_chat(), log)
    tracemalloc.start()
    try:
        assert run.generate().reason == "stop"
    finally:
        tracemalloc.stop()
        log.close()
    assert len(run.transcript.content) == LONG * WORD_CHARS
    short, long = memory.held
    assert long - short < 5 * LONG * WORD_CHARS  # a string for each event would take twice as much
