"""A cut of the power at any write: strace records what a process does to its files, and the trace is
replayed up to each prefix. What was written after the last fsync of a file may be lost there.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

STRACE = shutil.which("strace")
CALLS = "openat,close,pwrite64,ftruncate,fdatasync,fsync,unlink,write"


class Call(NamedTuple):
    name: str
    file: str = ""
    data: bytes = b""
    at: int = 0


def record(folder: Path, script: str, *arguments: str) -> list[Call]:
    """What a process that runs this script wrote into the folder that is its first argument, and
    what it said was durable, in one order."""
    if STRACE is None:
        pytest.skip("strace is not installed: apt-get install strace")
    trace, live = folder / "trace", folder / "live"
    live.mkdir()
    tracing = [STRACE, "-f", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-o", str(trace)]
    subprocess.run(
        [*tracing, sys.executable, "-c", script, str(live), *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=60,
    )
    return calls(trace.read_text(), live)


def calls(trace: str, live: Path) -> list[Call]:
    files: dict[str, str] = {}
    found: list[Call] = []
    for line in whole_lines(trace):
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


def whole_lines(trace: str) -> Iterator[str]:
    """A call that another thread's came between stands in two lines, and counts where it ended."""
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        thread = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>")
        elif resumed := re.match(r"\d+ +<\.\.\. \w+ resumed>", line):
            yield begun.pop(thread) + line[resumed.end() :]
        else:
            yield line


def replay(done: list[Call], folder: Path, keeps_unsynced: bool) -> int:
    """Make the files as the disk may have them after these calls. Without the unsynced writes, each
    file is as of its last fsync. Return the last number that was said to be durable."""
    folder.mkdir()
    said = 0
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
    left = files if keeps_unsynced else on_disk
    for name, data in left.items():
        if not name.endswith("-shm"):  # made anew from the WAL
            (folder / name).write_bytes(data)
    return said


def cuts(done: list[Call], folder: Path, count: int, first: int = 0) -> Iterator[tuple[Path, int, bool]]:
    """About so many cuts, evenly over the calls from the `first` on: the files as they may be then,
    the last number that was said to be durable, and whether the disk has what was not synced."""
    for number in range(first, len(done) + 1, max(1, (len(done) - first) // count)):
        for keeps_unsynced in (False, True):
            cut = folder / f"{number}-{keeps_unsynced}"
            yield cut, replay(done[:number], cut, keeps_unsynced), keeps_unsynced
            shutil.rmtree(cut)
