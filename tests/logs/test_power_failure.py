"""A cut of the power at any write: the log opens, and has at least what reached the disk.

strace records what a writing process does to the log's files, and the trace is replayed up to each
prefix. What was written after the last fsync of a file may be lost there, in whole or in part.
"""

import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from drivers import BOUND_S

from chatapp.events import TextDelta
from chatapp.logs.sqlite.log import SQLiteLog

pytestmark = pytest.mark.slow

STRACE = shutil.which("strace")
CALLS = "openat,close,pwrite64,ftruncate,fdatasync,fsync,unlink,write"
EVENTS = 60
PREFIXES = 60  # of some hundred: more would only take longer

WRITES = f"""
import os, sys
from pathlib import Path
from chatapp.events import TextDelta
from chatapp.logs.sqlite.log import SQLiteLog
from chatapp.logs.sqlite.tuning import Tuning
import gevent

log = SQLiteLog(Path(sys.argv[1]), synchronous=sys.argv[2], tuning=Tuning(tick_s=0.01, fold_age_s=0.03))
log.create("run_1")
for number in range({EVENTS}):
    seq = log.append("run_1", TextDelta(str(number)))
    log.sync("run_1")
    os.write(1, b"durable %d\\n" % seq)
    gevent.sleep(0.004)
os._exit(0)  # as a cut does: nothing is closed
"""


class Call(NamedTuple):
    name: str
    file: str = ""
    data: bytes = b""
    at: int = 0


def record(folder: Path, synchronous: str) -> list[Call]:
    """What the process wrote, and what it said was durable, in one order."""
    if STRACE is None:
        pytest.skip("strace is not installed: apt-get install strace")
    trace, live = folder / "trace", folder / "live"
    live.mkdir()
    tracing = [STRACE, "-f", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-o", str(trace)]
    subprocess.run(
        [*tracing, sys.executable, "-c", WRITES, str(live / "log.db"), synchronous],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=60,
    )
    return calls(trace.read_text(), live)


def calls(trace: str, live: Path) -> list[Call]:
    files: dict[str, str] = {}
    found: list[Call] = []
    for line in trace.splitlines():
        match = re.match(r"\d+ +(\w+)\((.*)\) += (-?\d+)", line)
        if match is None or match[3].startswith("-"):
            continue
        name, given, result = match.groups()
        text = b"".join(bytes.fromhex(quoted.replace("\\x", "")) for quoted in re.findall(r'"([^"]*)"', given))
        fd = given.split(",")[0].strip()
        if name == "openat":
            path = Path(text.decode("utf-8", "replace"))
            files[result] = path.name if path.parent == live else ""
        elif name == "close":
            files.pop(fd, None)
        elif name == "write" and fd == "1" and text.startswith(b"durable"):
            found.append(Call("durable", at=int(text.split()[1])))
        elif name == "unlink" and Path(text.decode()).parent == live:
            found.append(Call("unlink", Path(text.decode()).name))
        elif file := files.get(fd, ""):
            number = int(given.rpartition(",")[2]) if name in ("pwrite64", "ftruncate") else 0
            found.append(Call(name, file, text if name == "pwrite64" else b"", number))
    return found


def replay(done: list[Call], folder: Path, keeps_unsynced: bool) -> tuple[int, int]:
    """Make the files as the disk may have them after these calls. Without the unsynced writes, each
    file is as of its last fsync. Return the last seq that was said to be durable, and the last that
    was so when a WAL was synced."""
    folder.mkdir()
    said = synced = 0
    files: dict[str, bytearray] = {}
    on_disk: dict[str, bytes] = {}
    for call in done:
        match call.name:
            case "durable":
                said = call.at
            case "pwrite64":
                content = files.setdefault(call.file, bytearray())
                content.extend(bytes(max(0, call.at + len(call.data) - len(content))))
                content[call.at : call.at + len(call.data)] = call.data
            case "ftruncate":
                content = files.setdefault(call.file, bytearray())
                del content[call.at :]
                content.extend(bytes(call.at - len(content)))
            case "unlink":
                files.pop(call.file, None)
                on_disk.pop(call.file, None)
            case "fdatasync" | "fsync" if call.file in files:
                on_disk[call.file] = bytes(files[call.file])
                synced = said
    left = files if keeps_unsynced else on_disk
    for name, data in left.items():
        if not name.endswith("-shm"):  # made anew from the WAL
            (folder / name).write_bytes(data)
    return said, synced


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
    done = record(tmp_path, synchronous)
    assert sum(call.name == "durable" for call in done) == EVENTS
    step = max(1, len(done) // PREFIXES)
    for number in range(0, len(done) + 1, step):
        for keeps_unsynced in (False, True):
            folder = tmp_path / f"{number}-{keeps_unsynced}"
            said, synced = replay(done[:number], folder, keeps_unsynced)
            # All that was said, if the system wrote back what it had. After a real cut: with FULL all
            # of it too, with NORMAL what was there at the last fsync.
            promised = said if keeps_unsynced or synchronous == "FULL" else 0
            assert texts_after(folder) >= min(promised, said), (number, keeps_unsynced, said, synced)
            shutil.rmtree(folder)
