"""`chatapp usage`, over what runs left in the data folder."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatapp.app import create_app
from chatapp.ops.cli.main import main
from chatapp.settings import Settings


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a server that answered once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHATAPP_DATA", str(tmp_path))
    app = create_app(Settings(data=tmp_path, log_url="memory:"), start=False)
    asked = app.test_client().post("/ask/stream", json={"question": "hi", "provider": "mock", "model": "words"})
    assert asked.text
    asked.close()
    app.extensions["chatapp"].drain(0)
    app.extensions["chatapp"].close()
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["usage", *words])


@pytest.mark.usefixtures("data")
def test_what_a_run_used_is_summed_up() -> None:
    (row,) = json.loads(run("--json", "--group-by", "owner,model").stdout)
    assert (row["owner"], row["model"], row["runs"], row["day"]) == ("local", "words", 1, None)
    assert row["completion"] > 0
    assert "words" in run("--owner", "local").stdout and "words" not in run("--owner", "bob").stdout


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("words", [("--group-by", "colour"), ("--from", "soon")])
def test_nonsense_is_refused_by_name(words: tuple[str, str]) -> None:
    refused = run(*words)
    assert refused.exit_code == 2 and words[1] in refused.stderr
