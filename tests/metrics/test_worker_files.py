"""Figures of several workers: the dead ones count on, in one file, and no damaged file costs a scrape."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from chatapp.metrics import worker_files
from chatapp.metrics.worker_files import WorkerFiles

KEY = mmap_key("chatapp_runs", "chatapp_runs_total", ["outcome"], ["stop"], "Runs.")
BUCKET = json.dumps(["chatapp_run_seconds", "chatapp_run_seconds_bucket", {"le": "1.0"}, "Seconds."])


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def write(folder: Path, kind: str, pid: int, key: str, value: float) -> Path:
    path = folder / f"{kind}_{pid}.db"
    values = MmapedDict(str(path))
    values.write_value(key, value, 0.0)
    values.close()
    return path


def read(folder: Path, name: str) -> float:
    samples = [sample for metric in WorkerFiles(folder).collect() for sample in metric.samples]
    return sum(sample.value for sample in samples if sample.name == name)


@pytest.mark.parametrize("begins_anew", [False, True])
def test_a_pid_that_is_used_again_while_its_file_is_taken_for_a_dead_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begins_anew: bool
) -> None:
    """Its new worker has opened the file that it found, or begins one of its own a moment later."""
    pid = dead_pid()
    path = write(tmp_path, "counter", pid, KEY, 2.0)
    mine = None if begins_anew else MmapedDict(str(path))
    looks = iter([False])

    def lives(_: int) -> bool:
        if next(looks, True):
            if begins_anew and not path.exists():
                write(tmp_path, "counter", pid, KEY, 5.0)
            return True
        return False

    monkeypatch.setattr(worker_files, "_lives", lives)
    assert read(tmp_path, "chatapp_runs_total") == (7.0 if begins_anew else 2.0)
    if mine is not None:
        mine.write_value(KEY, 7.0, 0.0)
        mine.close()
    assert read(tmp_path, "chatapp_runs_total") == 7.0


def test_a_file_system_without_hard_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid, looks = dead_pid(), iter([False])
    path = write(tmp_path, "counter", pid, KEY, 2.0)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(worker_files, "_lives", lambda _: next(looks, True))
    assert read(tmp_path, "chatapp_runs_total") == 2.0
    assert path.exists()


class Killed(BaseException):
    """The worker is no more."""


def killed_at(step: int, change: Callable[..., Any], steps: list[None]) -> Callable[..., Any]:
    """The change of a file, unless it is the one before which the worker is killed."""

    def change_or_die(*arguments: Any, **more: Any) -> Any:
        steps.append(None)
        if len(steps) == step:
            raise Killed
        return change(*arguments, **more)

    return change_or_die


def test_the_dead_count_on_in_one_file(tmp_path: Path) -> None:
    write(tmp_path, "counter", os.getpid(), KEY, 1.0)
    for _ in range(2):  # the second scrape joins to what the first has joined
        gone = [write(tmp_path, kind, dead_pid(), key, 2.0) for kind, key in (("counter", KEY), ("histogram", BUCKET))]
        before = read(tmp_path, "chatapp_runs_total")
        assert not any(path.exists() for path in gone)
        assert read(tmp_path, "chatapp_runs_total") == before
    assert before == 5.0 and read(tmp_path, "chatapp_run_seconds_bucket") == 4.0
    names = {path.name for path in tmp_path.glob("*.db")}
    assert names == {f"counter_{os.getpid()}.db", "counter_0.db", "histogram_0.db"}


@pytest.mark.parametrize("step", range(1, 19))
def test_a_joining_that_is_killed_counts_nothing_twice(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "counter", 0, KEY, 1.0)
    for _ in range(2):
        write(tmp_path, "counter", dead_pid(), KEY, 2.0)
    with monkeypatch.context() as patched, suppress(Killed):
        steps: list[None] = []
        for change in ("rename", "write_text", "replace", "unlink"):
            patched.setattr(Path, change, killed_at(step, getattr(Path, change), steps))
        read(tmp_path, "chatapp_runs_total")
    assert read(tmp_path, "chatapp_runs_total") == 5.0
    assert {path.name for path in tmp_path.iterdir()} == {"counter_0.db", "scrape.lock"}


@pytest.mark.parametrize("step", range(1, 10))
def test_a_worker_that_gets_the_pid_of_a_dead_one_counts_for_itself(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the joining of the dead one's figures was killed."""
    pid = dead_pid()
    write(tmp_path, "counter", pid, KEY, 2.0)
    with monkeypatch.context() as patched, suppress(Killed):
        steps: list[None] = []
        for change in ("rename", "write_text", "replace", "unlink"):
            patched.setattr(Path, change, killed_at(step, getattr(Path, change), steps))
        read(tmp_path, "chatapp_runs_total")
    own = tmp_path / f"counter_{pid}.db"
    values = MmapedDict(str(own))  # goes on in a file that is there
    values.write_value(KEY, values.read_value(KEY)[0] + 3.0, 0.0)
    values.close()
    monkeypatch.setattr("chatapp.metrics.worker_files._lives", pid.__eq__)
    for _ in range(2):
        assert read(tmp_path, "chatapp_runs_total") == 5.0
    assert own.exists()


def test_a_damaged_file_costs_its_own_figures_alone(tmp_path: Path) -> None:
    write(tmp_path, "counter", os.getpid(), KEY, 1.0)
    (tmp_path / f"counter_{dead_pid()}.db").write_bytes(b"")
    (tmp_path / f"histogram_{dead_pid()}.db").write_bytes(b"\xff\x00\x00\x00\x00\x00\x00\x00\x90\x00\x00\x00cut off")
    assert read(tmp_path, "chatapp_runs_total") == 1.0


def test_a_file_that_has_just_been_made_is_not_read(tmp_path: Path) -> None:
    (tmp_path / f"counter_{os.getpid()}.db").touch()
    assert read(tmp_path, "chatapp_runs_total") == 0.0
