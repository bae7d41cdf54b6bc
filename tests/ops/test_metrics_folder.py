"""The folder of a server's figures: its own, and gone after it, even if it was killed."""

import os
import tempfile
from pathlib import Path

import pytest

from chatapp.ops import metrics_folder


@pytest.fixture(autouse=True)
def in_a_folder_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv(metrics_folder.VARIABLE, "")
    monkeypatch.setattr(metrics_folder, "_held", [])


def test_each_server_has_an_empty_folder_of_its_own() -> None:
    first = metrics_folder.make()
    second = metrics_folder.make()
    assert first.is_dir() and second.is_dir() and first != second  # the first one's server lives
    assert os.environ[metrics_folder.VARIABLE] == str(second)
    metrics_folder.remove()
    assert first.is_dir() and not second.exists()


def test_what_a_killed_server_left_is_removed_at_the_next_start() -> None:
    left = metrics_folder.make()
    os.close(metrics_folder._held.pop())  # as the kernel does
    kept = metrics_folder.make()
    assert not left.exists() and kept.is_dir()


def test_of_a_worker_that_ended_only_the_gauges_are_forgotten() -> None:
    folder = metrics_folder.make()
    for name in ("gauge_livesum_7.db", "gauge_livesum_8.db", "counter_7.db"):
        (folder / name).touch()
    metrics_folder.forget(7)
    assert {path.name for path in folder.glob("*.db")} == {"gauge_livesum_8.db", "counter_7.db"}
