"""What only the SQLite log promises: durability, several processes, and a store that may fail."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import gevent
import msgspec
import pytest
from drivers import END, append, numbered, read_all
from logs.shared_store import SharedStore
from waiting import BOUND_S, soon

from chatapp.errors import ConfigError, LogError, LogUnavailable, UnknownRun
from chatapp.events import Entry, Raw, TextDelta
from chatapp.logs import Take
from chatapp.logs.sqlite.log import SQLiteLog
from chatapp.logs.sqlite.tuning import Tuning
from chatapp.logs.sqlite.writer import FOLD_SOON_BYTES
from chatapp.sqlite import Checkpointer

OpenLog = Callable[..., SQLiteLog]
SCHEMA_1 = """
CREATE TABLE journal (id INTEGER PRIMARY KEY AUTOINCREMENT, writer TEXT NOT NULL, data BLOB NOT NULL);
CREATE TABLE chunk (run INTEGER, upto INTEGER, events BLOB NOT NULL, PRIMARY KEY (run, upto)) WITHOUT ROWID;
CREATE TABLE run (
    key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, writer TEXT NOT NULL,
    cancelled INTEGER NOT NULL DEFAULT 0, end INTEGER, settled REAL
);
CREATE INDEX run_cancelled ON run (writer) WHERE cancelled = 1;
CREATE INDEX run_unsettled ON run (writer) WHERE settled IS NULL;
CREATE INDEX run_settled ON run (settled) WHERE settled IS NOT NULL;
PRAGMA user_version = 1
"""
QUICK = Tuning(tick_s=0.02, fold_age_s=0.0, sweep_s=0.05)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def open_log(path: Path) -> Iterator[OpenLog]:
    opened: list[SQLiteLog] = []

    def open_log(**options: Any) -> SQLiteLog:
        opened.append(SQLiteLog(path, **options))
        opened[-1].start()
        return opened[-1]

    yield open_log
    for log in opened:
        log.close()


def count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@contextmanager
def write_lock(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def full_disk(log: SQLiteLog) -> Iterator[None]:
    """SQLite's own bound on the file gives the error that a full disk gives."""
    connection = log._store._connection
    (before,) = connection.execute("PRAGMA max_page_count").fetchone()
    connection.execute("PRAGMA max_page_count = 1")  # it becomes the present size
    yield
    connection.execute(f"PRAGMA max_page_count = {before}")


class TestOpening:
    def test_a_folder_that_is_not_there_is_said_at_once(self, tmp_path: Path) -> None:
        with pytest.raises(LogUnavailable, match="no/log.db"):
            SQLiteLog(tmp_path / "no" / "log.db")

    def test_a_file_that_is_something_else_is_left_alone(self, path: Path) -> None:
        path.write_text("not a database, and longer than the header of one " * 10)
        with pytest.raises(LogUnavailable, match="not a database"):
            SQLiteLog(path)

    def test_a_log_of_another_version_is_left_alone(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 99")
        with pytest.raises(ConfigError, match="another version"):
            SQLiteLog(path)

    def test_a_log_of_schema_1_is_read_and_written_on(self, path: Path, open_log: OpenLog) -> None:
        """It knows no times. One run is in chunks and the journal, its writer is gone."""
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(SCHEMA_1)
            events = [msgspec.msgpack.encode([TextDelta(text)]) for text in ("one", "two")]
            connection.execute("INSERT INTO run (id, writer) VALUES ('run_1', 'gone')")
            connection.execute("INSERT INTO chunk VALUES (1, 1, ?)", [events[0]])
            row = msgspec.msgpack.encode([(1, 2, msgspec.Raw(events[1]))])
            connection.execute("INSERT INTO journal (writer, data) VALUES ('gone', ?)", [row])
            connection.commit()
        log, reader = open_log(), open_log()
        for each in (log, reader):
            assert each.read("run_1") == numbered([TextDelta("one")])
            assert each.read("run_1", 1) == numbered([TextDelta("one"), TextDelta("two")])[1:]
        assert log.adopt() == ["run_1"]
        append(log, "run_1", "three", END)
        for each in (log, reader):
            entries = read_all(each, "run_1")
            assert entries == numbered([*map(TextDelta, ("one", "two", "three")), END])
            assert [entry.at > 0 for entry in entries] == [False, False, True, True]

    def test_a_misspelt_setting_is_refused(self, path: Path) -> None:
        with pytest.raises(ConfigError, match="log_synchronous"):
            SQLiteLog(path, synchronous="NONE")  # type: ignore[arg-type]

    def test_it_lets_go_of_everything(self, path: Path) -> None:
        SQLiteLog(path).close()
        files = os.listdir("/proc/self/fd")
        threads = len(os.listdir("/proc/self/task"))
        for starts in (False, True):
            log = SQLiteLog(path)
            if starts:
                log.start()
            log.close()
        assert os.listdir("/proc/self/fd") == files
        soon(lambda: len(os.listdir("/proc/self/task")) <= threads)
        assert [file.name for file in path.parent.rglob("*") if file.is_file()] == [path.name]

    def test_it_can_be_used_without_being_started(self, path: Path, open_log: OpenLog) -> None:
        threads = len(os.listdir("/proc/self/task"))
        with closing(SQLiteLog(path)) as log:
            log.create("run_1")
            entries = append(log, "run_1", "one", "two", END)
            assert read_all(log, "run_1") == entries
            assert len(os.listdir("/proc/self/task")) == threads
        assert read_all(open_log(), "run_1") == entries
        assert not count(path, "journal")

    def test_it_works_in_a_process_that_is_not_patched(self, path: Path) -> None:
        with child(UNPATCHED, path) as process:
            assert process.communicate(timeout=BOUND_S)[0] == "['one', 'two']\n"

    def test_many_processes_may_open_it_at_once(self, path: Path) -> None:
        with ExitStack() as stack:
            processes = [stack.enter_context(child(OPEN, path)) for _ in range(4)]
            assert [process.wait(timeout=BOUND_S) for process in processes] == [0] * 4
        assert count(path, "run") == 4


class TestDurability:
    def test_what_a_reader_sees_is_in_the_file(self, open_log: OpenLog, path: Path) -> None:
        log = open_log()
        log.create("run_1")
        for number in range(1, 30):
            append(log, "run_1", str(number))
            seen = log.read("run_1", number - 1, BOUND_S)
            with closing(sqlite3.connect(path)) as other:
                rows = b"".join(data for (data,) in other.execute("SELECT data FROM journal"))
            assert [entry.seq for entry in seen] == [number]
            assert TextDelta(str(number)) == seen[0].event and b"\xa4text" + bytes([0xA0 + len(str(number))]) in rows
            assert open_log().read("run_1") == log.read("run_1")

    def test_nothing_is_shown_before_it_is_written(self, open_log: OpenLog, path: Path) -> None:
        log = open_log()
        log.create("run_1")
        with write_lock(path):
            append(log, "run_1", "one")
            assert log.read("run_1", wait=0.05) == []
        assert [entry.seq for entry in log.read("run_1", wait=BOUND_S)] == [1]

    def test_an_ended_log_outlives_its_process(self, open_log: OpenLog) -> None:
        log = open_log()
        log.create("run_1")
        entries = append(log, "run_1", "one", "two", END)
        log.close()
        assert read_all(open_log(), "run_1") == entries

    def test_events_on_their_way_are_written_at_close(self, open_log: OpenLog, path: Path) -> None:
        log = open_log()
        log.create("run_1")
        entries = append(log, "run_1", "one", "two")
        log.close()
        assert count(path, "journal") == 0
        assert open_log().read("run_1") == entries


class TestFolding:
    def test_folded_events_read_as_before_and_leave_the_journal(self, open_log: OpenLog, path: Path) -> None:
        log = open_log(tuning=QUICK)
        log.create("run_1")
        entries = []
        for number in range(40):
            entries += append(log, "run_1", *(f"{number}.{part}" for part in range(30)))
            log.sync("run_1")
            if number % 10 == 0:
                soon(lambda: not count(path, "journal"))
        soon(lambda: not count(path, "journal"))
        entries += append(log, "run_1", END)
        for after in range(0, len(entries), 57):
            assert read_all(log, "run_1", after) == read_all(open_log(tuning=QUICK), "run_1", after) == entries[after:]

    def test_a_flood_is_folded_in_pieces_without_waiting_for_a_tick(self, open_log: OpenLog, path: Path) -> None:
        log = open_log(tuning=replace(QUICK, tick_s=60.0, fold_age_s=60.0))
        log.create("run_1")
        entries = []
        for _ in range(24):
            entries += append(log, "run_1", "x" * (FOLD_SOON_BYTES // 4))
            log.sync("run_1")
            assert log._writer._pending_bytes <= 1.5 * FOLD_SOON_BYTES and count(path, "journal") <= 5
        entries += append(log, "run_1", END)
        assert read_all(log, "run_1") == entries

    def test_a_row_stays_while_a_run_in_it_is_not_folded(self, open_log: OpenLog, path: Path) -> None:
        log = open_log()
        for run_id in ("run_1", "run_2"):
            log.create(run_id)
        kept = append(log, "run_1", "kept")
        append(log, "run_2", *map(str, range(500)))  # enough to be folded
        log.sync("run_2")
        soon(lambda: count(path, "chunk"))
        assert open_log().read("run_1") == kept

    def test_memory_keeps_the_newest_alone(self, open_log: OpenLog) -> None:
        log = open_log(tuning=QUICK)
        log.create("run_1")
        for _ in range(20):
            append(log, "run_1", *map(str, range(100)))
            log.sync("run_1")
            soon(lambda: not log._writer._unfolded)
        assert len(log._writer.tails["run_1"].entries) <= 100
        assert log._writer._pending_bytes == 0
        assert [entry.seq for entry in log.read("run_1", 1000)][:1] == [1001]

    def test_memory_keeps_nothing_of_a_burst_once_it_is_folded(self, open_log: OpenLog) -> None:
        log = open_log(tuning=QUICK)
        log.create("run_1")
        entries = append(log, "run_1", *map(str, range(3000)))
        log.sync("run_1")
        soon(lambda: not log._writer._unfolded)
        assert not log._writer.tails["run_1"].entries
        assert list(log.read("run_1", 2990)) == entries[2990:]

    def test_an_ended_run_leaves_the_memory_and_stays_readable(self, open_log: OpenLog) -> None:
        log = open_log(tuning=QUICK)
        log.create("run_1")
        append(log, "run_1", "one", END)
        soon(lambda: not log._writer.tails)
        assert [entry.seq for entry in read_all(log, "run_1")] == [1, 2]
        assert log.read("run_1", 2, wait=3600) == []
        with pytest.raises(UnknownRun):
            log.append("run_1", END)
        soon(lambda: not log._follower.tails)

    def test_large_logs_are_deleted_in_parts(self, open_log: OpenLog, path: Path) -> None:
        log = open_log(tuning=replace(QUICK, expire_chunks=3), retention=0.0)
        for run_id in ("run_1", "run_2"):
            log.create(run_id)
            append(log, run_id, *map(str, range(2000)), END)
            log.sync(run_id)
            log.settle(run_id)
        with pytest.raises(UnknownRun):
            open_log(tuning=QUICK, retention=0.0).read("run_1")  # at once, however much is deleted
        soon(lambda: not any(count(path, table) for table in ("run", "chunk", "journal")))

    def test_the_wal_stays_bounded(self, open_log: OpenLog, path: Path) -> None:
        small = Checkpointer(path, passive_bytes=1 << 20, truncate_bytes=4 << 20, look_s=0.01, pause_s=0.01)
        log = open_log(checkpointer=small)
        log.create("run_1")
        wal = Path(f"{path}-wal")
        for _ in range(3):
            while wal.stat().st_size < 5 << 20:
                log.append("run_1", Raw(b"x" * 500_000))
                log.sync("run_1")
            soon(lambda: append(log, "run_1", "and on") and wal.stat().st_size < 1 << 20)


class TestOtherProcesses(SharedStore):
    HURRIED: ClassVar[dict[str, Any]] = {"tuning": QUICK}

    def test_a_cancel_is_forgotten_once_its_run_is_stopped(self, open_log: OpenLog) -> None:
        first, second = open_log(), open_log()
        cancelled: list[str] = []
        first.listen(cancelled.append)
        first.create("run_1")
        second.cancel("run_1")
        soon(lambda: cancelled)
        append(first, "run_1", END)
        second.cancel("run_1")
        soon(lambda: not first._store.cancelled(first._lock.id))

    def test_a_reader_elsewhere_misses_nothing_that_is_folded_early(self, open_log: OpenLog) -> None:
        writer, reader = open_log(tuning=QUICK), open_log(tuning=QUICK)
        writer.create("run_1")
        reading = gevent.spawn(read_all, reader, "run_1")
        gevent.sleep(0)
        reader._follower._poll_alarm.clear()  # as if this process had been stopped
        entries = append(writer, "run_1", *map(str, range(200)), END)
        soon(lambda: not writer._writer._unfolded)
        reader._follower._poll()
        assert reading.get(timeout=BOUND_S) == entries

    def test_nothing_is_polled_when_nothing_foreign_is_read(self, open_log: OpenLog) -> None:
        writer, reader = open_log(tuning=QUICK), open_log(tuning=QUICK)
        writer.create("run_1")
        append(writer, "run_1", "one")
        writer.sync("run_1")
        assert len(reader.read("run_1")) == 1
        assert reader._follower._poll_alarm.is_set
        soon(lambda: not reader._follower._poll_alarm.is_set)
        assert len(reader.read("run_1")) == 1

    def test_a_settled_log_is_gone_for_all_after_the_retention(self, open_log: OpenLog) -> None:
        writer, reader = open_log(tuning=QUICK, retention=0.2), open_log(tuning=QUICK, retention=0.2)
        writer.create("run_1")
        writer.append("run_1", END)
        assert read_all(reader, "run_1") == [Entry(1, END)]
        writer.settle("run_1")
        for log in (writer, reader):
            soon(lambda log=log: not log.exists("run_1"))  # type: ignore[misc]
            with pytest.raises(UnknownRun):
                log.read("run_1")

    def test_a_second_process_is_followed_and_cancelled(self, open_log: OpenLog, path: Path) -> None:
        log = open_log()
        with child(UNTIL_CANCELLED, path) as process:
            run_id = process.stdout.readline().strip()
            first = log.read(run_id, 0, BOUND_S)
            assert first[0] == Entry(1, TextDelta("0"))
            log.cancel(run_id)
            entries = read_all(log, run_id)
            assert entries[-1].event.reason == "cancelled"
            assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
            assert process.wait(timeout=BOUND_S) == 0

    def test_the_runs_of_a_closed_log_go_to_one_that_asks(self, open_log: OpenLog) -> None:
        left, log = open_log(), open_log()
        left.create("run_1")
        entries = append(left, "run_1", "one", "two")
        assert log.adopt() == []
        left.close()
        assert log.adopt() == ["run_1"]
        entries += append(log, "run_1", END)
        assert read_all(log, "run_1") == entries
        assert log.adopt() == []

    def test_every_reader_is_told_the_same_times(self, open_log: OpenLog) -> None:
        """From memory, the journal and the chunks; here, elsewhere, and once another has adopted the run."""
        left, elsewhere = open_log(), open_log()
        left.create("run_1")
        append(left, "run_1", *"abc")
        left.sync("run_1")
        gevent.sleep(0.02)
        append(left, "run_1", *"de")
        left.sync("run_1")
        times = [entry.at for entry in left.read("run_1")]
        assert times == sorted(times) and len(set(times)) == 2
        assert [entry.at for entry in elsewhere.read("run_1")] == times
        left._writer._write_and_fold_all()
        assert [entry.at for entry in open_log().read("run_1")] == times
        append(left, "run_1", "f")
        left.sync("run_1")
        times = [entry.at for entry in left.read("run_1")]
        left.close()
        assert elsewhere.adopt() == ["run_1"]
        append(elsewhere, "run_1", END)
        for log in (elsewhere, open_log()):
            assert [entry.at for entry in read_all(log, "run_1")][:-1] == times

    def test_readers_stay_with_a_run_that_is_adopted(self, open_log: OpenLog) -> None:
        left, adopter, other = open_log(), open_log(), open_log()
        left.create("run_1")
        entries = append(left, "run_1", "one")
        left.sync("run_1")
        readers = [gevent.spawn(read_all, log, "run_1") for log in (adopter, other)]
        gevent.sleep(0)
        left.close()
        assert adopter.adopt() == ["run_1"]
        entries += append(adopter, "run_1", "two", END)
        assert [reader.get(timeout=BOUND_S) for reader in readers] == [entries] * 2

    def test_a_stopped_process_keeps_its_runs(self, open_log: OpenLog, path: Path) -> None:
        log = open_log()
        with child(UNTIL_CANCELLED, path) as process:
            run_id = process.stdout.readline().strip()
            process.send_signal(signal.SIGSTOP)
            assert log.adopt() == []
            process.kill()
            process.wait(timeout=BOUND_S)
            assert log.adopt() == [run_id]

    def test_kill_9_loses_nothing_that_was_seen(self, open_log: OpenLog, path: Path) -> None:
        for _ in range(4):
            seen, runs = _killed_while_writing(path)
            adopters = [open_log(), open_log()]
            given = [gevent.spawn(adopter.adopt) for adopter in adopters]
            adopted = [list(greenlet.get(timeout=BOUND_S)) for greenlet in given]
            assert sorted(adopted[0] + adopted[1]) == sorted(runs)
            assert set(adopted[0]).isdisjoint(adopted[1])
            for adopter, run_ids in zip(adopters, adopted, strict=True):
                for run_id in run_ids:
                    last = adopter.append(run_id, END)
                    entries = read_all(adopters[0], run_id)
                    assert entries == read_all(adopters[1], run_id)
                    assert [entry.seq for entry in entries] == list(range(1, last + 1))
                    assert [entry.event.text for entry in entries[:-1]] == [str(seq) for seq in range(1, last)]
                    assert seen[run_id] < last
                    adopter.settle(run_id)
            for adopter in adopters:
                adopter.close()
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not list(path.with_name("log.db-writers").iterdir())


class TestTrouble:
    def test_a_file_that_is_held_delays_and_loses_nothing(self, open_log: OpenLog, path: Path) -> None:
        log = open_log()
        log.create("run_1")
        reader = gevent.spawn(read_all, log, "run_1")
        entries = append(log, "run_1", "before")
        log.sync("run_1")
        with write_lock(path):
            for number in range(40):
                entries += append(log, "run_1", str(number))
                gevent.sleep(0.005)
            assert log.read("run_1") == entries[:1]
        entries += append(log, "run_1", END)
        assert reader.get(timeout=BOUND_S) == entries

    def test_a_file_that_is_held_for_long_ends_no_run(
        self, open_log: OpenLog, path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        log = open_log(tuning=Tuning(patience_s=0.05))
        log.create("run_1")
        with write_lock(path):
            entries = append(log, "run_1", "one")
            synced = gevent.spawn(log.sync, "run_1")
            soon(lambda: "has held the event log" in caplog.text)
            assert log.read("run_1", wait=0.01) == []
            log.ping()
            entries += append(log, "run_1", END)
            assert not synced.dead
        assert read_all(log, "run_1") == entries
        synced.get(timeout=BOUND_S)

    def test_a_run_that_begins_while_the_file_is_held_goes_on_once_it_is_free(
        self, open_log: OpenLog, path: Path
    ) -> None:
        log, elsewhere = open_log(tuning=Tuning(create_patience_s=0.01)), open_log()
        with write_lock(path):
            log.create("run_1")
            with pytest.raises(LogError):
                log.create("run_1")
            reader = gevent.spawn(read_all, log, "run_1")
            entries = append(log, "run_1", "one", END)
            assert log.exists("run_1") and not elsewhere.exists("run_1")
            assert log.read("run_1") == []
        assert reader.get(timeout=BOUND_S) == entries
        assert read_all(elsewhere, "run_1") == entries

    def test_a_run_that_another_process_took_meanwhile_is_not_written_twice(
        self, open_log: OpenLog, path: Path
    ) -> None:
        log, elsewhere = open_log(tuning=Tuning(create_patience_s=0.01)), open_log()
        with write_lock(path):
            log.create("run_1")
            append(log, "run_1", "mine")
            synced = gevent.spawn(log.sync, "run_1")
            gevent.sleep(0)
            log._writer._flush_alarm.clear()  # as if this process had been stopped
        elsewhere.create("run_1")
        entries = append(elsewhere, "run_1", END)
        log._writer._flush()
        with pytest.raises(UnknownRun):
            synced.get(timeout=BOUND_S)
        assert read_all(log, "run_1") == entries
        assert log._writer._pending_bytes == 0

    def test_too_much_that_waits_is_refused(self, open_log: OpenLog, path: Path) -> None:
        log = open_log(tuning=Tuning(max_pending_bytes=1000))
        log.create("run_1")
        with write_lock(path):
            log.append("run_1", Raw(b"x" * 2000))
            with pytest.raises(LogUnavailable, match="falling behind"):
                append(log, "run_1", "one too many")

    @pytest.mark.parametrize("take", [None, lambda offered: True], ids=["wakes", "takes"])
    def test_a_full_disk_is_said_to_all_and_healed_in_order(self, open_log: OpenLog, take: Take | None) -> None:
        log = open_log(tuning=Tuning(repair_s=0.02))
        log.create("run_1")
        before = append(log, "run_1", "before")
        log.sync("run_1")
        with full_disk(log):
            reader = gevent.spawn(log.read, "run_1", 1, BOUND_S, take)
            gevent.sleep(0)
            large = append(log, "run_1", Raw(b"x" * 100_000))
            calls: list[Callable[[], object]] = [
                lambda: reader.get(timeout=BOUND_S),
                lambda: log.sync("run_1"),
                lambda: append(log, "run_1", "lost"),
                lambda: log.read("run_1", 1),
                lambda: log.ping(),
            ]
            for call in calls:
                with pytest.raises(LogUnavailable, match="full"):
                    call()
            assert log.read("run_1") == before
            assert open_log().read("run_1") == before
        soon(lambda: log.ping() is None, LogUnavailable)
        entries = [*before, *large, *append(log, "run_1", END)]
        assert read_all(log, "run_1") == entries

    @pytest.mark.parametrize("take", [None, lambda offered: True], ids=["wakes", "takes"])
    def test_a_store_that_cannot_be_read_is_said_to_those_who_follow(
        self, open_log: OpenLog, monkeypatch: pytest.MonkeyPatch, take: Take | None
    ) -> None:
        writer, reader = open_log(), open_log()
        writer.create("run_1")
        reading = gevent.spawn(reader.read, "run_1", 0, BOUND_S, take)
        gevent.sleep(0)

        def fail() -> int:
            raise sqlite3.OperationalError("disk I/O error")

        with monkeypatch.context() as broken:
            broken.setattr(reader._store, "version", fail)
            with pytest.raises(LogUnavailable, match="I/O"):
                reading.get(timeout=BOUND_S)
        append(writer, "run_1", "one")
        assert len(soon(lambda: reader.read("run_1", 0, BOUND_S), LogUnavailable)) == 1


# Programs that run beside the test, with the log's path as their argument.

UNPATCHED = """
import sys
from pathlib import Path
import gevent
import msgspec
from chatapp.events import TextDelta
from chatapp.logs.sqlite.log import SQLiteLog

log = SQLiteLog(Path(sys.argv[1]))
log.start()
log.create("run_1")
reader = gevent.spawn(lambda: [*log.read("run_1", 0, 5), *log.read("run_1", 1, 5)])
log.append("run_1", TextDelta("one"))
log.sync("run_1")
log.append("run_1", TextDelta("two"))
print([entry.event.text for entry in reader.get()])
log.close()
"""

OPEN = """
import os, sys
from pathlib import Path
from chatapp.logs.sqlite.log import SQLiteLog

log = SQLiteLog(Path(sys.argv[1]))
log.create(f"run_{os.getpid()}")
log.close()
"""

UNTIL_CANCELLED = """
from gevent import monkey
monkey.patch_all()
import sys
from pathlib import Path
import gevent
import msgspec
from chatapp.events import RunEnd, TextDelta, Timing, Usage
from chatapp.ids import new_id
from chatapp.logs.sqlite.log import SQLiteLog

log = SQLiteLog(Path(sys.argv[1]))
log.start()
cancelled = []
log.listen(cancelled.append)
run_id = new_id("run")
log.create(run_id)
print(run_id, flush=True)
number = 0
while not cancelled:
    log.append(run_id, TextDelta(str(number)))
    number += 1
    gevent.sleep(0.002)
log.append(run_id, RunEnd("cancelled", Usage(), Timing()))
log.close()
"""

FOR_EVER = """
from gevent import monkey
monkey.patch_all()
import os, sys
from pathlib import Path
import gevent
import msgspec
from chatapp.events import TextDelta
from chatapp.ids import new_id
from chatapp.logs.sqlite.log import SQLiteLog

def write(run_id):
    seq = 0
    while True:
        seq = log.append(run_id, TextDelta(str(seq + 1)))
        gevent.sleep(0.0005)

def read(run_id):
    seq = 0
    while True:
        seq = log.read(run_id, seq, 5)[-1].seq
        os.write(1, f"{run_id} {seq}\\n".encode())

log = SQLiteLog(Path(sys.argv[1]))
log.start()
runs = [new_id("run") for _ in range(5)]
for run_id in runs:
    log.create(run_id)
gevent.joinall([gevent.spawn(job, run_id) for run_id in runs for job in (write, read)])
"""


@contextmanager
def child(program: str, path: Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    with process:
        yield process
        process.kill()


def _killed_while_writing(path: Path) -> tuple[dict[str, int], list[str]]:
    """For each run the last seq that a reader saw before the process was killed."""
    seen: dict[str, int] = {}
    lines = 0
    with child(FOR_EVER, path) as process:
        while line := process.stdout.readline():
            run_id, seq = line.split()
            assert int(seq) > seen.get(run_id, 0)
            seen[run_id] = int(seq)
            lines += 1
            if lines == 500:
                process.kill()
    assert len(seen) == 5
    return seen, list(seen)
