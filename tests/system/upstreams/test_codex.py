"""The Codex CLI, unchanged: whole sessions with its own tools, over upstreams of every protocol.

Codex asks by OpenAI's Responses. Its commands and patches run in the test's own folder, and it reaches nothing but
loopback.
"""

import json
import os
import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CODEX = Path(sys.prefix) / "npm/node_modules/.bin/codex"
PROTOCOLS = ("openai", "openai-responses", "anthropic", "gemini", "ollama")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PATCH = "*** Begin Patch\n*** Add File: made.txt\n+mâde by a patch\n*** End Patch\n"

Call = tuple[str, dict[str, Any]]


def sse(*events: object) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)


# A reply of an upstream, by its protocol: a text, then a call of a tool, if there is one.


def say_openai(text: str, call: Call | None, id: str) -> bytes:
    deltas: list[object] = [{"role": "assistant", "content": text}]
    if call:
        function = {"name": call[0], "arguments": json.dumps(call[1])}
        deltas.append({"tool_calls": [{"index": 0, "id": id, "type": "function", "function": function}]})
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls" if call else "stop"}]}
    return sse(*chunks, last) + b"data: [DONE]\n\n"


def say_responses(text: str, call: Call | None, id: str) -> bytes:
    """A call of `apply_patch` has free text here, because this protocol was told of such a tool."""
    said = {"type": "message", "id": f"m{id}", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    items: list[dict[str, Any]] = [said]
    if call and call[0] == "apply_patch":
        items.append({"type": "custom_tool_call", "id": f"i{id}", "call_id": id, "name": call[0], **call[1]})
    elif call:
        arguments = json.dumps(call[1])
        items.append({"type": "function_call", "id": f"i{id}", "call_id": id, "name": call[0], "arguments": arguments})
    return sse(
        {"type": "response.output_text.delta", "output_index": 0, "delta": text},
        *({"type": "response.output_item.done", "output_index": n, "item": item} for n, item in enumerate(items)),
        {"type": "response.completed", "response": {"status": "completed", "output": items}},
    )


def say_anthropic(text: str, call: Call | None, id: str) -> bytes:
    blocks: list[tuple[object, object]] = [({"type": "text", "text": ""}, {"type": "text_delta", "text": text})]
    if call:
        delta = {"type": "input_json_delta", "partial_json": json.dumps(call[1])}
        blocks.append(({"type": "tool_use", "id": id, "name": call[0], "input": {}}, delta))
    events: list[object] = [{"type": "message_start", "message": {"usage": {"input_tokens": 7, "output_tokens": 1}}}]
    for index, (block, delta) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    reason = {"stop_reason": "tool_use" if call else "end_turn"}
    return sse(*events, {"type": "message_delta", "delta": reason}, {"type": "message_stop"})


def say_gemini(text: str, call: Call | None, id: str) -> bytes:
    parts: list[object] = [{"text": text}]
    if call:
        parts.append({"functionCall": {"name": call[0], "args": call[1]}})
    return sse({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]})


def say_ollama(text: str, call: Call | None, id: str) -> bytes:
    message: dict[str, object] = {"content": text}
    if call:
        message["tool_calls"] = [{"function": {"name": call[0], "arguments": call[1]}}]
    return b"".join(json.dumps(line).encode() + b"\n" for line in ({"message": message}, {"done": True}))


SAY = dict(zip(PROTOCOLS, (say_openai, say_responses, say_anthropic, say_gemini, say_ollama), strict=True))

CHATAPP = """
[providers.acme]
type = "{protocol}"
base_url = "{url}"
api_key_env = "ACME_KEY"
models = ["{model}"]
"""

CONFIG = """
model = "acme/{model}"
model_provider = "chatapp"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.chatapp]
name = "chatapp"
base_url = "{url}/v1"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"""


class Codex:
    """Codex in folders of its own, before a server whose only provider is the upstream."""

    def __init__(self, folder: Path, url: str, model: str) -> None:
        self.work = folder / "work"
        self.work.mkdir()
        self._home = folder / "home"
        self._home.mkdir()
        (self._home / "config.toml").write_text(CONFIG.format(model=model, url=url))

    def exec(self, *arguments: str) -> list[dict[str, Any]]:
        """The items that it shows for one turn, once each is complete."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self._home), "CODEX_HOME": str(self._home)}
        away = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(
            [str(CODEX), "exec", "--skip-git-repo-check", "--json", *arguments],
            env={**env, **away},
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert events[-1]["type"] == "turn.completed"
        return [event["item"] for event in events if event["type"] == "item.completed"]


@pytest.fixture
def session(own_server: Any, upstream: Any, wire: Any, tmp_path: Path) -> Callable[..., Codex]:
    """`session(protocol, model, replies)`: Codex before an upstream that replies with these, one after the other."""
    if shutil.which("node") is None or not CODEX.exists():
        pytest.skip("npm's @openai/codex is not installed: `make test` installs it")

    def session(protocol: str, model: str, *replies: tuple[str, Call | None]) -> Codex:
        by = f"/models/{model}:streamGenerateContent?alt=sse" if protocol == "gemini" else model
        type_ = "application/x-ndjson" if protocol == "ollama" else "text/event-stream"
        for index, (text, call) in enumerate(replies):
            upstream.script(by, wire.head(type_), SAY[protocol](text, call, f"call_{index}"))
        config = tmp_path / "chatapp.toml"
        config.write_text(CHATAPP.format(protocol=protocol, url=upstream.url, model=model))
        server = own_server(CHATAPP_CONFIG=str(config), ACME_KEY=wire.KEY)
        return Codex(tmp_path, server.url, model)

    return session


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_session_runs_commands_patches_and_searches_and_is_resumed(
    session: Callable[..., Codex], upstream: Any, protocol: str
) -> None:
    codex = session(
        protocol,
        "gpt-5.5",  # a model that Codex knows, and gives free text and a search of tools
        ("I run.", ("exec_command", {"cmd": "echo hello-$((40 + 2))"})),
        ("I patch.", ("apply_patch", {"input": PATCH})),
        ("I search.", ("tool_search", {"query": "agent"})),
        ("All done.", None),
        ("Again.", None),
    )
    shown = codex.exec("do it")
    texts = [item["text"] for item in shown if item["type"] == "agent_message"]
    assert texts == ["I run.", "I patch.", "I search.", "All done."]
    (command,) = [item for item in shown if item["type"] == "command_execution"]
    assert command["aggregated_output"] == "hello-42\n" and command["exit_code"] == 0
    assert (codex.work / "made.txt").read_text() == "mâde by a patch\n"
    asked = [json.dumps(body, ensure_ascii=False) for _, _, body in upstream.requests]
    assert len(asked) == 4 and "hello-42" in asked[1] and "made.txt" in asked[2].partition("I patch.")[2]
    assert ('"web_search"' in asked[0]) == (protocol == "openai-responses")  # which runs it itself
    assert "multi_agent_v1__" not in asked[0]
    assert "multi_agent_v1__spawn_agent" in asked[3]  # found by the search, and offered from then on

    (again,) = [item["text"] for item in codex.exec("resume", "--last", "go on") if item["type"] == "agent_message"]
    assert again == "Again."
    last = json.dumps(upstream.requests[-1][2], ensure_ascii=False)
    for said in ("do it", "I run.", "hello-42", "I patch.", "I search.", "All done.", "go on"):
        assert said in last, said


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_session_calls_a_tool_in_a_namespace_and_sees_an_image(
    session: Callable[..., Codex], upstream: Any, protocol: str
) -> None:
    codex = session(
        protocol,
        "coder",  # which Codex does not know: it offers its namespaces at once
        ("I close.", ("multi_agent_v1__close_agent", {"target": "nobody"})),
        ("I look.", ("view_image", {"path": "dot.png"})),
        ("All done.", None),
    )
    (codex.work / "dot.png").write_bytes(b64decode(PNG))
    texts = [item["text"] for item in codex.exec("do it") if item["type"] == "agent_message"]
    assert texts == ["I close.", "I look.", "All done."]
    last = json.dumps(upstream.requests[-1][2])
    assert "invalid agent id nobody" in last and "unsupported call" not in last and PNG[:60] in last
