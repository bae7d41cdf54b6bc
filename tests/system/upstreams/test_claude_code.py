"""Claude Code, unchanged, in sessions of several turns: it runs its own tools, and the model is another's."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

NPM = Path(sys.prefix) / "npm"
CLAUDE = NPM / "node_modules/.bin/claude"
MODEL = "acme/m"


class Session:
    """One folder, in which Claude Code is asked again and again."""

    def __init__(self, home: Path, url: str) -> None:
        self.folder = home / "project"
        self.folder.mkdir()
        self._env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_AUTH_TOKEN": "anything",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "HTTPS_PROXY": "http://127.0.0.1:9",  # no way to the world
            "NO_PROXY": "127.0.0.1",
        }

    def ask(self, prompt: str, *options: str, **env: str) -> list[Any]:
        """The lines that it prints: what the model and the tools said, and the result."""
        form = ("--output-format", "stream-json", "--verbose", "--allowedTools", "Bash,Read")
        done = subprocess.run(
            [str(CLAUDE), "-p", "--model", MODEL, *form, *options, "--", prompt],
            env=self._env | env,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert lines and lines[-1]["type"] == "result" and not lines[-1]["is_error"], done.stdout + done.stderr
        assert {line["message"]["model"] for line in lines if line["type"] == "assistant"} == {MODEL}
        assert list(lines[-1]["modelUsage"]) == [MODEL]
        return lines


@pytest.fixture
def session(serve: Callable[..., Any], upstream: Any, wire: Any, tmp_path: Path) -> Callable[..., Session]:
    """`session(reply, …)`: one over a provider that gives these replies, one by one."""
    if not CLAUDE.exists():
        pytest.skip("Claude Code is not installed: `make test` installs it with npm")

    def begin(*replies: bytes) -> Session:
        for reply in replies:
            upstream.script("m", wire.head() + reply)
        return Session(tmp_path, serve().url)

    return begin


def call(number: int, name: str, **arguments: Any) -> bytes:
    function = {"name": name, "arguments": json.dumps(arguments)}
    calls = [{"index": 0, "id": f"c{number}", "type": "function", "function": function}]
    deltas: list[Any] = [({"tool_calls": calls}, None), ({}, "tool_calls")]
    frames = [{"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]} for delta, reason in deltas]
    return b"".join(b"data: %b\n\n" % json.dumps(frame).encode() for frame in frames) + b"data: [DONE]\n\n"


def bodies(upstream: Any) -> list[Any]:
    return [body for path, _, body in upstream.requests if path.endswith("/chat/completions")]


def test_it_runs_its_tools_and_goes_on_in_a_second_turn(
    session: Callable[..., Session], upstream: Any, wire: Any
) -> None:
    claude = session(
        call(1, "Bash", command="echo hello > note.txt", description="Write a note"),
        call(2, "Bash", command="cat note.txt", description="Read it"),
        wire.chunk("It says hello.") + wire.DONE,
        wire.chunk("Hello again.") + wire.DONE,
    )
    first = claude.ask("Write a note")
    assert (claude.folder / "note.txt").read_text() == "hello\n"
    assert first[-1]["result"] == "It says hello." and first[-1]["num_turns"] == 3
    assert claude.ask("And again?", "--continue")[-1]["result"] == "Hello again."
    *_, third, fourth = bodies(upstream)
    assert [m["content"] for m in third["messages"] if m["role"] == "tool"][1] == "hello"
    roles = [m["role"] for m in fourth["messages"] if m["role"] != "system"]
    assert roles == ["user", "assistant", "tool", "assistant", "tool", "assistant", "user"]
    assert upstream.asked("m") == 4  # nothing was refused and asked again


def test_it_finds_its_deferred_tools_and_calls_one(session: Callable[..., Session], upstream: Any, wire: Any) -> None:
    claude = session(
        call(1, "ToolSearch", query="select:CronList", max_results=1),
        call(2, "CronList"),
        wire.chunk("None.") + wire.DONE,
    )
    assert claude.ask("Which jobs are there?", ENABLE_TOOL_SEARCH="true")[-1]["result"] == "None."
    before, after, last = ({tool["function"]["name"] for tool in body["tools"]} for body in bodies(upstream))
    assert "ToolSearch" in before and after - before == {"CronList"} and last == after
    assert bodies(upstream)[-1]["messages"][-1]["content"] == "No scheduled jobs."
