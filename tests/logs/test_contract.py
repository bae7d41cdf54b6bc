"""What `EventLog` promises, asked of every log."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import gevent
import pytest
from drivers import END, append, read_all
from gevent import get_hub, getcurrent
from gevent.event import Event
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import Redis, redis_server
from waiting import BOUND_S, soon

from chatapp.cancel import CancelScope
from chatapp.errors import LogError, LogUnavailable, UnknownRun
from chatapp.events import Entry, TextDelta, ToolResult
from chatapp.ids import new_id
from chatapp.logs import EventLog, LogObserver, Take
from chatapp.logs.memory import MemoryLog
from chatapp.logs.redis.log import RedisLog
from chatapp.logs.redis.tuning import Tuning as RedisTuning
from chatapp.logs.sqlite.log import SQLiteLog
from chatapp.logs.sqlite.tuning import Tuning

MakeLog = Callable[..., EventLog]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", pytest.param("redis", marks=pytest.mark.slow)])
def make_log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeLog]:
    made: list[EventLog] = []

    def make(retention: float = 3600.0, observer: LogObserver | None = None) -> EventLog:
        match request.param:
            case "redis":
                server = request.getfixturevalue("redis")
                server.command("FLUSHALL")
                tuning = RedisTuning(sweep_s=0.05)
                log: EventLog = RedisLog(server.url, retention=retention, observer=observer, tuning=tuning)
            case "sqlite":
                path, own = tmp_path / "log.db", Tuning(sweep_s=0.05)
                log = SQLiteLog(path, retention=retention, observer=observer, tuning=own)
            case _:
                log = MemoryLog(retention, observer)
        log.start()
        made.append(log)
        return log

    yield make
    for log in made:
        log.close()


@pytest.fixture
def log(make_log: MakeLog) -> EventLog:
    return make_log()


def texts(count: int) -> list[TextDelta]:
    return [TextDelta(f"word {number}") for number in range(1, count + 1)]


def write(log: EventLog, count: int, *, end: bool = True) -> tuple[str, list[Entry]]:
    """A run with so many texts, durable; and what its log should hold."""
    run_id = new_id("run")
    log.create(run_id)
    entries = append(log, run_id, *texts(count), *([END] if end else []))
    log.sync(run_id)
    return run_id, entries


class Spy:
    """A reader in a greenlet of its own."""

    def __init__(
        self, log: EventLog, run_id: str, after: int = 0, wait: float = BOUND_S, take: Take | None = None
    ) -> None:
        self.scope = CancelScope()
        self.greenlet = gevent.spawn(self.scope.run, log.read, run_id, after, wait, take)
        gevent.sleep(0)  # it waits now

    def result(self) -> list[Entry]:
        return list(self.greenlet.get(timeout=2 * BOUND_S))


class Stopped(Exception):
    pass


def test_seq_counts_from_one_without_a_gap(log: EventLog) -> None:
    run_id, entries = write(log, 100)
    assert [entry.seq for entry in entries] == list(range(1, 102))
    assert read_all(log, run_id) == entries


def test_a_log_exists_from_its_creation_on(log: EventLog) -> None:
    assert not log.exists("run_1")
    log.create("run_1")
    assert log.exists("run_1")


def test_a_new_log_can_be_read_and_is_empty(log: EventLog) -> None:
    log.create("run_1")
    assert log.read("run_1") == []


def test_a_run_has_one_log(log: EventLog) -> None:
    log.create("run_1")
    with pytest.raises(LogError):
        log.create("run_1")


def test_nothing_comes_after_the_end(log: EventLog) -> None:
    run_id, entries = write(log, 1)
    with pytest.raises(LogError):
        log.append(run_id, TextDelta("late"))
    assert read_all(log, run_id) == entries


def test_an_observer_is_told_of_every_event_that_is_kept(make_log: MakeLog) -> None:
    told: list[tuple[int, float]] = []

    class Observer:
        def flushed(self, events: int, seconds: float) -> None:
            told.append((events, seconds))

    write(make_log(observer=Observer()), 20)
    assert sum(events for events, _ in told) == 21 and all(seconds >= 0 for _, seconds in told)


def test_what_cannot_be_kept_is_refused_and_leaves_no_gap(log: EventLog) -> None:
    log.create("run_1")
    for unfit in (10**30, "\ud800", object()):
        with pytest.raises((TypeError, ValueError, OverflowError)):
            log.append("run_1", ToolResult("call_1", unfit))
    assert log.append("run_1", TextDelta("fine")) == 1
    log.sync("run_1")
    assert log.read("run_1") == [Entry(1, TextDelta("fine"))]


def test_an_unknown_run_is_said_to_be_unknown(log: EventLog) -> None:
    for call in (log.read, log.cancel, lambda run_id: log.append(run_id, END)):
        with pytest.raises(UnknownRun):
            call("run_nobody_made")


def test_settling_a_log_that_is_gone_is_no_error(log: EventLog) -> None:
    log.settle("run_nobody_made")


def test_sync_returns_once_all_can_be_read(log: EventLog) -> None:
    run_id, entries = write(log, 10, end=False)
    assert log.read(run_id) == entries


@pytest.mark.parametrize("end", [True, False])
def test_reading_from_any_position_gives_the_suffix(log: EventLog, end: bool) -> None:
    run_id, entries = write(log, 20, end=end)
    for after in range(len(entries) + 1):
        assert log.read(run_id, after) == entries[after:]


def test_a_long_log_comes_in_contiguous_parts(log: EventLog) -> None:
    run_id, entries = write(log, 5000)
    assert len(log.read(run_id)) < 5000
    assert read_all(log, run_id) == entries
    assert read_all(log, run_id, after=3333) == entries[3333:]


def test_a_waiting_reader_gets_what_comes(log: EventLog) -> None:
    run_id, _ = write(log, 3, end=False)
    reader = Spy(log, run_id, after=3)
    assert not reader.greenlet.dead
    log.append(run_id, END)
    assert reader.result() == [Entry(4, END)]


@pytest.mark.parametrize("refused", [2, 4, 6])
def test_what_comes_while_a_reader_sleeps_is_taken_or_returned(log: EventLog, refused: int) -> None:
    run_id, entries = write(log, 1, end=False)
    seen: list[Entry] = []
    taken = 0

    def take(offered: Sequence[Entry]) -> bool:
        nonlocal taken
        assert getcurrent() is get_hub()
        if offered[-1].seq >= refused:
            return False
        seen.extend(offered)
        taken += 1
        return True

    reader = gevent.spawn(log.read, run_id, 1, BOUND_S, take)
    gevent.sleep(0)
    for number in range(2, 7):
        entries += append(log, run_id, TextDelta(f"word {number}"))
        log.sync(run_id)
        gevent.sleep(0)
    seen += reader.get(timeout=2 * BOUND_S)
    assert taken == refused - 2
    assert seen + list(log.read(run_id, seen[-1].seq)) == entries[1:]


def test_a_reader_that_sleeps_raises_what_it_raised_in_the_hub(log: EventLog) -> None:
    run_id, _ = write(log, 1, end=False)

    def take(offered: Sequence[Entry]) -> bool:
        raise Stopped

    reader = gevent.spawn(log.read, run_id, 1, BOUND_S, take)
    gevent.sleep(0)
    log.append(run_id, TextDelta("word 2"))
    with pytest.raises(Stopped):
        reader.get(timeout=2 * BOUND_S)
    assert [entry.seq for entry in log.read(run_id, 1, BOUND_S)] == [2]


def test_a_reader_that_was_stopped_takes_nothing_more(log: EventLog) -> None:
    run_id, _ = write(log, 1, end=False)
    taken: list[Entry] = []
    reader = Spy(log, run_id, after=1, take=lambda offered: taken.extend(offered) or True)
    reader.scope.cancel(Stopped)
    log.append(run_id, TextDelta("word 2"))  # its wake-up is on its way behind the stop
    with pytest.raises(Stopped):
        reader.result()
    log.sync(run_id)
    gevent.sleep(0)
    assert not taken


def test_a_reader_that_takes_all_in_its_sleep_hears_that_the_log_closes(log: EventLog) -> None:
    run_id, _ = write(log, 1, end=False)
    taken: list[Entry] = []
    reader = Spy(log, run_id, after=1, take=lambda offered: taken.extend(offered) or True)
    entries = append(log, run_id, TextDelta("word 2"))
    log.sync(run_id)
    soon(lambda: taken == entries)
    log.close()
    with pytest.raises(LogUnavailable, match="closed"):
        reader.result()


def test_a_reader_that_sleeps_wakes_when_its_time_is_over(log: EventLog) -> None:
    run_id, _ = write(log, 1, end=False)
    taken: list[Entry] = []
    reader = gevent.spawn(log.read, run_id, 1, 0.2, lambda offered: taken.extend(offered) or True)
    gevent.sleep(0)
    entries = append(log, run_id, TextDelta("word 2"))
    assert taken + list(reader.get(timeout=BOUND_S)) == entries


def test_a_reader_that_is_ahead_is_not_given_what_it_has(log: EventLog) -> None:
    run_id, _ = write(log, 1, end=False)
    reader = Spy(log, run_id, after=2)
    log.append(run_id, TextDelta("two"))
    log.sync(run_id)
    assert not reader.greenlet.dead
    log.append(run_id, END)
    assert reader.result() == [Entry(3, END)]


def test_a_wait_ends_with_nothing_when_its_time_is_over(log: EventLog) -> None:
    log.create("run_1")
    assert log.read("run_1", wait=0.02) == []


def test_nobody_waits_on_a_log_that_has_ended(log: EventLog) -> None:
    run_id, entries = write(log, 3)
    with gevent.Timeout(BOUND_S):
        assert log.read(run_id, after=len(entries), wait=3600) == []


def test_all_readers_of_a_run_see_the_same(log: EventLog) -> None:
    run_id, entries = write(log, 1, end=False)
    readers = [gevent.spawn(read_all, log, run_id) for _ in range(50)]
    for event in [*texts(20), END]:
        entries += append(log, run_id, event)
        gevent.sleep(0)
    assert [reader.get(timeout=BOUND_S) for reader in readers] == [entries] * 50


def test_a_reader_can_be_thrown_out_of_its_wait(log: EventLog) -> None:
    log.create("run_1")
    stays, leaves = Spy(log, "run_1"), Spy(log, "run_1")
    leaves.scope.cancel(Stopped)
    with pytest.raises(Stopped):
        leaves.result()
    log.append("run_1", END)
    assert stays.result() == [Entry(1, END)]


@pytest.mark.parametrize("woken_first", [True, False])
def test_a_late_wake_up_does_not_reach_a_reader_that_left(log: EventLog, woken_first: bool) -> None:
    log.create("run_1")
    scope, elsewhere, go_on = CancelScope(), Event(), Event()

    def read_then_do_something_else() -> bool:
        with pytest.raises(Stopped):
            while True:
                scope.run(log.read, "run_1", 10, BOUND_S)
        elsewhere.set()
        return go_on.wait(BOUND_S)

    reader = gevent.spawn(read_then_do_something_else)
    gevent.sleep(0)
    for step in range(5):  # a flush meets the cancel before, in and after the same turn of the loop
        log.append("run_1", TextDelta(str(step)))
        if woken_first:
            log.sync("run_1")
        scope.cancel(Stopped)
    assert elsewhere.wait(BOUND_S)
    log.sync("run_1")
    gevent.sleep(0.01)
    assert not reader.dead
    go_on.set()
    assert reader.get(timeout=BOUND_S) is True


def test_a_cancel_reaches_the_owner_in_the_hub(log: EventLog) -> None:
    cancelled: list[tuple[str, bool]] = []
    log.listen(lambda run_id: cancelled.append((run_id, getcurrent() is get_hub())))
    log.create("run_1")
    log.cancel("run_1")
    log.cancel("run_1")
    gevent.sleep(0)
    assert set(cancelled) == {("run_1", True)}


def test_cancelling_what_has_ended_is_no_error_and_reaches_nobody(log: EventLog) -> None:
    log.listen(lambda run_id: pytest.fail("it had ended"))
    run_id, _ = write(log, 1)
    log.cancel(run_id)
    gevent.sleep(0)


def test_a_settled_log_goes_after_the_retention(make_log: MakeLog) -> None:
    log = make_log(retention=0.1)
    kept, entries = write(log, 3)
    gone, _ = write(log, 3)
    log.settle(gone)
    assert log.read(gone) == entries
    soon(lambda: not log.exists(gone))
    with pytest.raises(UnknownRun):
        log.read(gone)
    assert log.read(kept) == entries


def test_the_runs_of_a_living_process_are_not_adopted(log: EventLog) -> None:
    write(log, 3, end=False)
    assert log.adopt() == []


def test_a_log_that_works_says_so(log: EventLog) -> None:
    log.ping()


def test_closing_wakes_the_readers_and_refuses_what_comes(log: EventLog) -> None:
    log.create("run_1")
    reader = Spy(log, "run_1")
    log.close()
    log.close()
    with pytest.raises(LogUnavailable):
        reader.result()
    calls: list[Callable[[], object]] = [
        lambda: log.create("run_2"),
        lambda: log.append("run_1", END),
        lambda: log.read("run_1"),
        lambda: log.cancel("run_3"),
        lambda: log.settle("run_1"),
        lambda: log.adopt(),
        lambda: log.ping(),
    ]
    for call in calls:
        with pytest.raises(LogUnavailable):
            call()


RUNS = 3
steps = st.one_of(
    st.tuples(st.just("append"), st.integers(0, RUNS - 1)),
    st.tuples(st.just("read"), st.integers(0, RUNS - 1), st.integers(0, 20)),
    st.tuples(st.just("sync"), st.integers(0, RUNS - 1)),
    st.tuples(st.just("turn")),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=40))
def test_however_appends_and_reads_interleave_each_run_is_read_in_order(log: EventLog, script: list[tuple]) -> None:  # type: ignore[type-arg]
    runs = [new_id("run") for _ in range(RUNS)]
    appended: list[list[Entry]] = [[] for _ in runs]
    for run_id in runs:
        log.create(run_id)
    for step in script:
        match step:
            case ("append", run):
                appended[run] += append(log, runs[run], f"{run}: {len(appended[run])}")
            case ("read", run, after):
                seen = list(log.read(runs[run], after))
                assert seen == appended[run][after : after + len(seen)]
            case ("sync", run):
                log.sync(runs[run])
                assert log.read(runs[run]) == appended[run]
            case _:
                gevent.sleep(0)
    for run_id, entries in zip(runs, appended, strict=True):
        log.append(run_id, END)
        assert read_all(log, run_id) == [*entries, Entry(len(entries) + 1, END)]


def test_entries_carry_the_time_of_their_arrival(make_log: MakeLog) -> None:
    log, before = make_log(), time.time()
    run_id, _ = write(log, 3, end=False)
    gevent.sleep(0.02)
    between = time.time()
    append(log, run_id, "later", END)
    log.sync(run_id)
    entries = read_all(log, run_id)
    assert all(before <= entry.at <= between for entry in entries[:3])
    assert all(between <= entry.at <= time.time() for entry in entries[3:])
    assert [entry.at for entry in read_all(log, run_id, 2)] == [entry.at for entry in entries[2:]]
