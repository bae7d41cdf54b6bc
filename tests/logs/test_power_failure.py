"""A cut of the power at any write: the log opens, and has at least what reached the disk."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from drivers import BOUND_S
from power import cuts, record

from chatapp.events import TextDelta
from chatapp.logs.sqlite.log import SQLiteLog

pytestmark = pytest.mark.slow

EVENTS = 60
PREFIXES = 60  # of some hundred: more would only take longer

WRITES = f"""
import os, sys
from pathlib import Path
from chatapp.events import TextDelta
from chatapp.logs.sqlite.log import SQLiteLog
from chatapp.logs.sqlite.tuning import Tuning
import gevent

log = SQLiteLog(Path(sys.argv[1]) / "log.db", synchronous=sys.argv[2], tuning=Tuning(tick_s=0.01, fold_age_s=0.03))
log.create("run_1")
for number in range({EVENTS}):
    seq = log.append("run_1", TextDelta(str(number)))
    log.sync("run_1")
    os.write(1, b"durable %d\\n" % seq)
    gevent.sleep(0.004)
os._exit(0)  # as a cut does: nothing is closed
"""


def texts_after(folder: Path) -> int:
    """How many events the log has when it is opened again, which are the first ones."""
    log = SQLiteLog(folder / "log.db")
    try:
        if not log.exists("run_1"):
            return 0
        entries = []
        while part := log.read("run_1", len(entries)):
            entries += part
        assert [entry.event for entry in entries] == [TextDelta(str(number)) for number in range(len(entries))]
        return len(entries)
    finally:
        log.close()
        with closing(sqlite3.connect(folder / "log.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.timeout(12 * BOUND_S)
@pytest.mark.parametrize("synchronous", ["NORMAL", "FULL"])
def test_after_a_cut_at_any_write_the_log_opens_and_has_what_was_promised(tmp_path: Path, synchronous: str) -> None:
    done = record(tmp_path, WRITES, synchronous)
    assert sum(call.name == "durable" for call in done) == EVENTS
    for folder, said, keeps_unsynced in cuts(done, tmp_path, PREFIXES):
        # All that was said, if the system wrote back what it had. After a real cut: with FULL all
        # of it too, with NORMAL what was there at the last fsync.
        promised = said if keeps_unsynced or synchronous == "FULL" else 0
        assert texts_after(folder) >= promised, (folder.name, said)
