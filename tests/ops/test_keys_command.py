"""`chatapp keys`: the key alone on standard output, once."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatapp.ops.cli.main import main

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHATAPP_DATA", str(tmp_path / "deep" / "var"))
    return lambda *words: CliRunner().invoke(main, ["keys", *words])


def test_the_key_alone_is_printed(run: Run) -> None:
    made = run("create", "bob")
    assert made.exit_code == 0 and len(made.stdout.split()) == 1 and made.stdout.startswith("chatapp_")
    listed = run("list").stdout
    assert "bob" in listed and made.stdout.strip() not in listed


@pytest.mark.parametrize("when", ["30d", "12h", "5s", "2w", "2999-12-31", "2999-12-31T10:00+02:00"])
def test_it_ends_when_it_is_told_to(run: Run, when: str) -> None:
    assert run("create", "bob", "--expires", when, "--role", "admin").exit_code == 0
    assert "live until" in run("list").stdout and "admin" in run("list").stdout


@pytest.mark.parametrize("when", ["2001-01-01", "0d", "soon", "-1d", "30", "99999999d"])
def test_nonsense_times_are_refused(run: Run, when: str) -> None:
    refused = run("create", "bob", "--expires", when)
    assert refused.exit_code == 2 and not refused.stdout
    assert when in refused.stderr


def test_a_name_that_is_none_is_refused(run: Run) -> None:
    refused = run("create", "b b")
    assert refused.exit_code == 2 and "NAME" in refused.stderr and not refused.stdout


def test_all_keys_of_a_name_are_revoked_or_one_by_its_id(run: Run) -> None:
    for name in ("bob", "bob", "eve"):
        run("create", name)
    key_id = next(line.split()[0] for line in run("list").stdout.splitlines() if "eve" in line)
    assert "2 keys" in run("revoke", "bob").stdout
    assert run("revoke", key_id).exit_code == 0
    again = run("revoke", "bob")
    assert again.exit_code == 1 and "NAME" in again.stderr
    assert run("list").stdout.count("revoked") == 3


def test_an_expired_key_is_shown_as_such(run: Run) -> None:
    run("create", "bob", "--expires", "1s")
    deadline = time.monotonic() + 10
    while "expired" not in run("list").stdout:
        assert time.monotonic() < deadline
