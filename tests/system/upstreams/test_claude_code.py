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
MODEL = "other/m"

Reply = str | tuple[str, dict[str, Any]]


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


@pytest.fixture(params=["openai", "anthropic"])
def session(
    request: Any, serve: Callable[..., Any], upstream: Any, wire: Any, tmp_path: Path
) -> Callable[..., Session]:
    """`session(reply, …)`: one over a provider that gives these replies, one by one. Each is a text, or a tool's name
    and its arguments."""
    if not CLAUDE.exists():
        pytest.skip("Claude Code is not installed: `make test` installs it with npm")
    say = {"openai": say_openai, "anthropic": say_anthropic}[request.param]

    def begin(*replies: Reply) -> Session:
        for number, reply in enumerate(replies):
            upstream.script("m", wire.head() + say(reply, f"c{number}"))
        provider = f'[providers.other]\ntype = "{request.param}"\nbase_url = "{upstream.url}"\nmodels = ["m"]'
        return Session(tmp_path, serve(provider).url)

    return begin


def say_openai(reply: Reply, id: str) -> bytes:
    delta: dict[str, Any] = {"content": reply}
    if not isinstance(reply, str):
        function = {"name": reply[0], "arguments": json.dumps(reply[1])}
        delta = {"tool_calls": [{"index": 0, "id": id, "type": "function", "function": function}]}
    last = {"index": 0, "delta": {}, "finish_reason": "stop" if isinstance(reply, str) else "tool_calls"}
    chunks = [{"choices": [{"index": 0, "delta": delta}]}, {"choices": [last]}]
    return b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks) + b"data: [DONE]\n\n"


def say_anthropic(reply: Reply, id: str) -> bytes:
    block: dict[str, Any] = {"type": "text", "text": ""}
    delta: dict[str, Any] = {"type": "text_delta", "text": reply}
    if not isinstance(reply, str):
        block = {"type": "tool_use", "id": id, "name": reply[0], "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(reply[1])}
    reason = "end_turn" if isinstance(reply, str) else "tool_use"
    usage = {"input_tokens": 1, "output_tokens": 1}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "m", "model": "m", "role": "assistant", "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage},
        {"type": "message_stop"},
    ]
    return b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)


def tools_of(body: Any) -> set[str]:
    return {tool["function"]["name"] if "function" in tool else tool["name"] for tool in body["tools"]}


def results_in(body: Any) -> list[str]:
    """The results of tools, in either protocol."""
    blocks = [block for message in body["messages"] for block in message["content"] or () if isinstance(block, dict)]
    results = [message for message in body["messages"] if message["role"] == "tool"]
    results += [block for block in blocks if block["type"] == "tool_result"]
    texts = [result["content"] for result in results]
    return ["".join(part["text"] for part in text) if isinstance(text, list) else text for text in texts]


def test_it_runs_its_tools_and_goes_on_in_a_second_turn(session: Callable[..., Session], upstream: Any) -> None:
    claude = session(
        ("Bash", {"command": "echo hello > note.txt", "description": "Write a note"}),
        ("Bash", {"command": "cat note.txt", "description": "Read it"}),
        "It says hello.",
        "Hello again.",
    )
    first = claude.ask("Write a note")
    assert (claude.folder / "note.txt").read_text() == "hello\n"
    assert first[-1]["result"] == "It says hello." and first[-1]["num_turns"] == 3
    assert claude.ask("And again?", "--continue")[-1]["result"] == "Hello again."
    assert upstream.asked("m") == 4  # nothing was refused and asked again
    *_, third, fourth = (body for _, _, body in upstream.requests)
    assert results_in(third) == results_in(fourth) and results_in(fourth)[1] == "hello"
    told = json.dumps(fourth["messages"])
    assert told.index("It says hello.") < told.index("And again?")


def test_it_finds_its_deferred_tools_and_calls_one(session: Callable[..., Session], upstream: Any) -> None:
    claude = session(("ToolSearch", {"query": "select:CronList", "max_results": 1}), ("CronList", {}), "None.")
    assert claude.ask("Which jobs are there?", ENABLE_TOOL_SEARCH="true")[-1]["result"] == "None."
    bodies = [body for _, _, body in upstream.requests]
    before, after, last = map(tools_of, bodies)
    assert "ToolSearch" in before and after - before == {"CronList"} and last == after
    assert results_in(bodies[-1])[-1] == "No scheduled jobs."
