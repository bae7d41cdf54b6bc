"""The commands in this process: options, exit codes, what needs no server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from chatapp.ops.cli.main import main
from chatapp.storage.folder import DataFolder


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and no variable of ours."""
    for name in [*os.environ]:
        if name.startswith("CHATAPP_") or name in ("HOST", "PORT", "WEB_CONCURRENCY"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str, input: str | None = None, **env: str) -> Result:
    return CliRunner().invoke(main, words, input=input, env=env)


def every(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from every(below, (*path, name))


@pytest.mark.parametrize("path", list(every(main)), ids=" ".join)
def test_every_command_has_help_and_every_last_one_has_examples(path: tuple[str, ...]) -> None:
    shown = run(*path, "--help")
    assert shown.exit_code == 0 and "Usage:" in shown.output
    is_group = "Commands:" in shown.output
    assert is_group or "Examples:" in shown.output or path == ("settings",)


def test_serve_pays_for_no_other_command() -> None:
    code = "import sys, chatapp.ops.cli.main; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"rich", "prompt_toolkit", "requests", "sqlalchemy", "flask", "gevent"} & set(loaded)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str) -> None:
    shown = run("completion", shell)
    assert shown.exit_code == 0 and "_CHATAPP_COMPLETE" in shown.output


def test_an_unknown_shell_is_refused() -> None:
    assert run("completion", "tcsh").exit_code == 2


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORT", "abc"), ("PORT", "99999999"), ("HOST", "999.1.1.1"), ("WEB_CONCURRENCY", "x"), ("CHATAPP_PORT", "80")],
)
def test_a_start_with_a_bad_variable_ends_with_one_line(variable: str, value: str) -> None:
    refused = run("serve", **{variable: value})
    assert refused.exit_code == 1
    assert refused.output.startswith(f"Error: {variable}: ") and refused.output.count("\n") == 1


def test_config_show_says_where_each_value_comes_from(place: Path) -> None:
    (place / "chatapp.toml").write_text('heartbeat_s = 3.0\n[providers.p]\ntype = "mock"\n')
    shown = run("config", "show", "--json", CHATAPP_PACE_S="0", CHATAPP_SECRET_KEY="s3cret")
    values = json.loads(shown.output)
    assert values["heartbeat_s"] == {"value": 3.0, "source": "chatapp.toml"}
    assert values["pace_s"] == {"value": 0.0, "source": "CHATAPP_PACE_S"}
    assert values["drain_s"] == {"value": 20.0, "source": "default"}
    assert values["secret_key"] == {"value": "…", "source": "CHATAPP_SECRET_KEY"}
    assert values["providers"]["source"] == "chatapp.toml"


def test_config_show_prints_a_table_without_secrets(place: Path) -> None:
    (place / "chatapp.toml").write_text('[providers.p]\ntype = "openai"\napi_key_env = "P_KEY"\n')
    shown = run("config", "show", CHATAPP_DATABASE_URL="postgresql://me:s3cret@host/db", P_KEY="k3y")
    assert "s3cret" not in shown.output and "k3y" not in shown.output
    assert "[providers.p]" in shown.output and "api_key_env = P_KEY" in shown.output
    changed = run("config", "show", "--changed", CHATAPP_PACE_S="0").output
    assert "pace_s" in changed and "drain_s" not in changed


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        ("", 0, "good"),
        ("hartbeat_s = 3", 2, "hartbeat_s"),
        ("heartbeat_s = -1", 2, "heartbeat_s"),
        ("heartbeat_s", 2, "TOML"),
        ('[providers.p]\ntype = "openai"\napi_key_env = "P_KEY"', 1, "P_KEY"),
        ('[providers.p]\ntype = "mock"\nfallback = ["q"]', 1, "providers.p.fallback"),
        ('default_provider = "q"', 1, "default_provider"),
        ('tool_modules = ["no_such_module"]', 1, "no_such_module"),
        ('[agents.a]\nfactory = "no_such_module:x"', 1, "agents.a.factory"),
        ('[mcp_servers.m]\nurl = "http://127.0.0.1:1"\napi_key_env = "M_KEY"', 1, "M_KEY"),
    ],
)
def test_config_check_names_what_is_wrong(place: Path, text: str, code: int, named: str) -> None:
    (place / "chatapp.toml").write_text(text)
    checked = run("config", "check")
    assert checked.exit_code == code and named in checked.output


def test_the_key_of_chat_is_no_unknown_setting() -> None:
    assert run("config", "check", CHATAPP_KEY="k3y").exit_code == 0


def test_runs_says_that_there_is_no_database_and_makes_none(place: Path) -> None:
    refused = run("runs", "list")
    assert refused.exit_code == 1 and "there is no database" in refused.output
    assert not list(place.iterdir())


def test_upgrade_makes_the_database_and_runs_is_empty(place: Path) -> None:
    assert run("db", "upgrade").exit_code == 0
    assert json.loads(run("runs", "list", "--json").output) == []
    missing = run("runs", "show", "msg_1")
    assert missing.exit_code == 1 and "msg_1" in missing.output
    assert run("runs", "replay", "msg_1", "--dialect", "no").exit_code == 2


@pytest.mark.parametrize("words", [("backup", "b.tar"), ("restore", "b.tar")])
def test_other_databases_have_tools_of_their_own(place: Path, words: tuple[str, ...]) -> None:
    (place / "b.tar").touch()
    refused = run("db", *words, CHATAPP_DATABASE_URL="postgresql+psycopg://me:s3cret@host/db")
    assert refused.exit_code == 2 and "pg_" in refused.output and "s3cret" not in refused.output


def test_nothing_is_asked_without_a_terminal(place: Path) -> None:
    assert run("db", "upgrade").exit_code == 0
    assert run("db", "backup", "b.tar").exit_code == 0
    before = (place / "b.tar").read_bytes()
    refused = run("db", "backup", "b.tar", input="y\n")
    assert refused.exit_code == 2 and "--yes" in refused.output and (place / "b.tar").read_bytes() == before
    refused = run("db", "restore", "b.tar", input="y\n")
    assert refused.exit_code == 2 and "--yes" in refused.output
    assert run("db", "backup", "b.tar", "--yes").exit_code == run("db", "restore", "b.tar", "--yes").exit_code == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "127.0.0.1:{port}/x", "ftp://here", "http://", ":x"])
def test_a_probe_without_a_server_exits_2_with_a_sentence(url: str, closed_port: int) -> None:
    refused = run("probe", url.format(port=closed_port))
    assert refused.exit_code == 2 and refused.output.startswith("Error: ") and refused.output.count("\n") == 1


def test_a_chat_without_a_server_or_a_question_fails_with_a_sentence(closed_port: int) -> None:
    refused = run("chat", "hi", "--url", f"http://127.0.0.1:{closed_port}")
    assert refused.exit_code == 1 and "nothing listens there" in refused.output
    assert run("chat", input="  \n").exit_code == 2


def test_a_database_goes_back_to_an_older_version_and_forth() -> None:
    newest = run("db", "upgrade").output.split()[-1].rstrip(".")
    for older in ("0013", "0001"):
        assert run("db", "downgrade", older, "--yes").exit_code == 0
        assert newest in run("db", "upgrade").output


def test_a_database_goes_back_to_no_unknown_revision_and_under_no_server(place: Path) -> None:
    run("db", "upgrade")
    unknown = run("db", "downgrade", "9999", "--yes")
    assert unknown.exit_code == 2 and "expected one of 0001, " in unknown.output
    server = DataFolder(place / "var")
    server.use()
    in_use = run("db", "downgrade", "0001", "--yes")
    assert in_use.exit_code == 2 and "stop it first" in in_use.output
    server.close()
