"""What two logs on one store promise each other, as two workers or hosts have them. Each store that
can be shared inherits these; `open_log` opens one log more."""

from collections.abc import Callable
from typing import Any, ClassVar

import gevent
from drivers import END, append, read_all
from waiting import BOUND_S, soon

from chatapp.events import Entry
from chatapp.logs import EventLog


class SharedStore:
    HURRIED: ClassVar[dict[str, Any]] = {}
    """Options with which a log does soon what it otherwise does in time."""

    def test_two_logs_follow_and_cancel_each_other(self, open_log: Callable[..., EventLog]) -> None:
        first, second = open_log(), open_log()
        cancelled: list[str] = []
        first.listen(cancelled.append)
        first.create("run_1")
        entries = append(first, "run_1", "one")
        reader = gevent.spawn(read_all, second, "run_1")
        for number in range(20):
            entries += append(first, "run_1", f"more {number}")
            gevent.sleep(0.003)
        second.cancel("run_1")
        soon(lambda: cancelled)
        entries += append(first, "run_1", END)
        assert reader.get(timeout=BOUND_S) == entries
        assert set(cancelled) == {"run_1"}
        second.cancel("run_1")  # it has ended

    def test_many_readers_elsewhere_begin_anywhere(self, open_log: Callable[..., EventLog]) -> None:
        writer, reader = open_log(**self.HURRIED), open_log(**self.HURRIED)
        run_ids = [f"run_{number}" for number in range(10)]
        written: dict[str, list[Entry]] = {run_id: [] for run_id in run_ids}
        readers = {}
        for run_id in run_ids:
            writer.create(run_id)
        for step in range(30):
            for run_id in run_ids:
                written[run_id] += append(writer, run_id, *[f"{step}.{part}" for part in range(40)])
            readers |= {
                (run_id, step, after): gevent.spawn(read_all, reader, run_id, after)
                for run_id, after in [(run_ids[step % 10], 0), (run_ids[step % 7], step * 40)]
            }
            gevent.sleep(0.01)
        for run_id in run_ids:
            written[run_id] += append(writer, run_id, END)
        for (run_id, _, after), greenlet in readers.items():
            assert greenlet.get(timeout=BOUND_S) == written[run_id][after:]
