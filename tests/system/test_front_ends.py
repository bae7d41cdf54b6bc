"""Front ends of others, as their own packages make them: the AI SDK's chat and its providers, and an agent of AG-UI."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from waiting import soon

pytestmark = pytest.mark.slow

NPM = Path(sys.prefix) / "npm"
NODE = NPM / "node_modules/node/bin/node"  # the AI SDK 7 needs a newer one than Debian has
SCRIPTS = Path(__file__).parents[1] / "npm"
MOCK = {"provider": "mock", "model": "words", "max_tokens": 8}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"name": "weather", "description": "of a city", "parameters": SCHEMA}


def run_script(name: str, given: dict[str, Any]) -> Any:
    if not NODE.exists() or not (NPM / "node_modules/ai-v7").exists():
        pytest.skip("the packages of tests/npm are not installed: `make test` installs them with npm")
    command = [str(NODE), str(SCRIPTS / name), str(NPM), json.dumps(given)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(params=["ai", "ai-v7"])
def chat(server: Any, request: Any) -> Callable[..., list[Any]]:
    """`chat(id, steps, **body)`: a page with this chat, and what it shows after each step."""

    def chat(id: str, *steps: dict[str, Any], messages: Any = None, **body: Any) -> list[Any]:
        given = {"package": request.param, "api": f"{server.url}/api/ui/chat", "id": f"{request.param} {id}"}
        shown: list[Any] = run_script(
            "ui_chat.mjs", {**given, "body": {**MOCK, **body}, "messages": messages, "steps": list(steps)}
        )
        return shown

    return chat


def text_of(message: Any) -> str:
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


def parts_of(message: Any) -> list[str]:
    return [part["type"] for part in message["parts"]]


def conversation_of(client: Any, message: Any) -> Any:
    kept = client.json(f"/api/v1/messages/{message['id']}")
    return client.json(f"/api/v1/conversations/{kept['conversation_id']}")["messages"]


def test_a_page_s_chat_holds_sources_and_a_file_and_goes_on_elsewhere(chat: Any, server: Any) -> None:
    (shown,) = chat("media", {"send": "one"}, model="media", max_tokens=100)
    assert shown["status"] == "ready" and "error" not in shown
    answer = shown["messages"][-1]
    parts = [part for part in answer["parts"] if part["type"] in ("source-url", "file")]
    assert [part["type"] for part in parts] == ["source-url", "source-url", "file"]
    assert parts[2]["url"] == f"/api/v1/messages/{answer['id']}/files/file_1"
    (shown,) = chat("media elsewhere", {"send": "two"}, messages=shown["messages"])
    assert shown["status"] == "ready" and "error" not in shown


def test_a_page_s_chat_goes_on_is_made_anew_and_kept(chat: Any, server: Any) -> None:
    first, anew, second = chat("kept", {"send": "one"}, {"regenerate": True}, {"send": "two"})
    assert {shown["status"] for shown in (first, anew, second)} == {"ready"}
    assert text_of(first["messages"][1]) == text_of(anew["messages"][1]) and text_of(first["messages"][1])
    assert first["messages"][1]["id"] != anew["messages"][1]["id"]
    assert len(second["messages"]) == 4 and "two" in text_of(second["messages"][3])
    kept = conversation_of(server.client(), second["messages"][3])
    assert [(m["role"], m["content"]) for m in kept] == [(m["role"], text_of(m)) for m in second["messages"]]
    usages = [shown["messages"][-1]["metadata"]["usage"]["prompt"] for shown in (first, anew, second)]
    assert usages[0] == usages[1] < usages[2]


def test_thinking_and_tools_are_parts_and_steps_of_their_own(chat: Any) -> None:
    (shown,) = chat("parts", {"send": "hi"}, model="tool", thinking=True, max_tokens=45)
    answer = shown["messages"][1]
    assert parts_of(answer) == ["step-start", "reasoning", "dynamic-tool", "step-start", "text"]
    assert answer["parts"][2]["output"] == {"words": 1} and answer["metadata"]["finish_reason"] == "length"


def test_the_server_s_own_tools_are_offered_by_name(chat: Any) -> None:
    (shown,) = chat("named", {"send": "2 + 3"}, model="client-tool", tools=["calculate"], max_tokens=None)
    tool = next(part for part in shown["messages"][1]["parts"] if part["type"] == "dynamic-tool")
    assert tool["toolName"] == "calculate" and tool["output"] is not None


def test_a_page_that_is_reloaded_goes_on_with_the_answer(chat: Any, server: Any) -> None:
    # Gone before it was whole, and back, which takes a new process of node, before its end.
    assert chat("left", {"leave": "hi"}, model="slow", max_tokens=20) == []
    (back,) = chat("left", {"resume": True}, model="slow")
    answer = back["messages"][0]
    assert back["status"] == "ready" and answer["metadata"]["finish_reason"] == "length"
    assert text_of(answer) == server.client().json(f"/api/v1/messages/{answer['id']}")["content"]


def test_there_is_nothing_to_go_on_with_when_nothing_is_made(chat: Any, server: Any) -> None:
    done, idle = chat("idle/or not?", {"send": "hi"}, {"resume": True})
    assert idle["messages"] == done["messages"] and idle["status"] == "ready"
    for id in ("ai%20idle%2For%20not%3F", "ai-v7%20idle%2For%20not%3F", "never"):
        assert server.client().get(f"/api/ui/chat/{id}/stream").status_code == 204


def test_a_chat_is_its_owner_s_alone(server: Any) -> None:
    ann, bob = server.client(browser=True), server.client(browser=True)
    asked = {**MOCK, "id": "mine", "messages": [{"role": "user", "parts": [{"type": "text", "text": "hi"}]}]}
    stream = ann.stream("POST", "/api/ui/chat", json={**asked, "model": "silent"})
    assert stream.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert bob.get("/api/ui/chat/mine/stream").status_code == 204
    again = ann.stream("GET", "/api/ui/chat/mine/stream")
    assert again.status == 200 and again.headers["X-Run-Id"] == stream.headers["X-Run-Id"]
    ann.post(f"/api/v1/messages/{stream.headers['X-Run-Id']}/cancel", {})
    assert again.to_end()[-1].data == stream.to_end()[-1].data == "[DONE]"


def test_a_page_that_stays_away_stops_the_answer(own_server: Any) -> None:
    client = own_server(CHATAPP_COME_BACK_S="0.3").client()
    asked = {**MOCK, "model": "silent", "messages": [{"role": "user", "parts": [{"type": "text", "text": "hi"}]}]}

    def leave(method: str, path: str, **more: Any) -> str:
        stream = client.stream(method, path, **more)
        stream.until(lambda event: True)
        stream.close()
        return str(stream.headers["X-Run-Id"])

    def is_stopped(run_id: str) -> bool:
        return bool(client.json(f"/api/v1/messages/{run_id}")["finish_reason"] == "cancelled")

    run_id = leave("POST", "/api/ui/chat", json={**asked, "id": "away"})
    soon(lambda: is_stopped(run_id))
    stays = leave("POST", "/api/ui/chat", json={**asked, "id": "stays", "on_disconnect": "continue"})
    assert leave("GET", "/api/ui/chat/stays/stream?on_disconnect=continue") == stays
    assert leave("GET", "/api/ui/chat/stays/stream") == stays
    soon(lambda: is_stopped(stays))


def test_a_failure_is_the_page_s_error(chat: Any) -> None:
    (late,) = chat("late", {"send": "hi"}, model="fail-late", max_tokens=None)
    assert late["status"] == "error" and "as this model always does" in late["error"]
    (refused,) = chat("refused", {"send": "hi"}, model="nothing")
    assert refused["status"] == "error" and "model: " in refused["error"]


@pytest.mark.parametrize("version", [6, 7])
def test_the_ai_sdk_s_providers_run_a_tool_in_two_turns(server: Any, version: int) -> None:
    shown = run_script("ai_sdk.mjs", {"url": server.url, "version": version})
    assert list(shown) == ["openai", "openai, not stored", "openai chat", "open-responses", "anthropic"]
    for called, texts in shown.items():
        assert texts == ["The tool said: Paris: 7 degrees", "The tool said: Rome: 7 degrees"], called


def test_an_agent_s_front_end_runs_its_tool_and_gets_the_answer(server: Any) -> None:
    asked = {
        "tools": [TOOL],
        "context": [{"description": "the page", "value": "a map"}],
        "forwardedProps": {"provider": "mock", "model": "client-tool", "thinking": True},
    }
    result = {"id": "r1", "role": "tool", "toolCallId": "call_0", "content": "7 degrees"}
    called, answered = run_script(
        "agui.mjs",
        {
            "url": f"{server.url}/api/agui",
            "messages": [{"id": "u1", "role": "user", "content": "Paris"}],
            "runs": [{**asked, "runId": "mine"}, {**asked, "results": [result]}],
        },
    )
    assert called["error"] is answered["error"] is None
    assert called["events"][0] == {"type": "RUN_STARTED", "threadId": "thread", "runId": "mine"}
    assert [message["role"] for message in called["messages"]] == ["user", "reasoning", "assistant"]
    (call,) = called["messages"][-1]["toolCalls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}
    assert answered["messages"][-1]["content"] == "The tool said: 7 degrees"
    assert answered["events"][-1]["type"] == "RUN_FINISHED"


@pytest.mark.parametrize("model", ["fail-first", "fail-late", "truncated"])
def test_a_failure_is_the_agent_s_error(server: Any, model: str) -> None:
    (shown,) = run_script(
        "agui.mjs",
        {
            "url": f"{server.url}/api/agui",
            "messages": [{"id": "u1", "role": "user", "content": "hi"}],
            "runs": [{"forwardedProps": {"provider": "mock", "model": model}}],
        },
    )
    assert "as this model always does" in shown["error"]


def test_a_front_end_that_is_opened_anew_connects_to_a_run_and_stops_it(server: Any) -> None:
    hi = [{"id": "u1", "role": "user", "content": "hi"}]
    props = {"provider": "mock", "model": "slow", "on_disconnect": "continue"}
    begun = {"threadId": "left", "runId": "one", "messages": hi, "forwardedProps": props}
    left = server.client().stream("POST", "/api/agui", json=begun)
    left.until(lambda event: "TEXT_MESSAGE_CONTENT" in event.data)
    left.close()
    given = {"url": f"{server.url}/api/agui", "threadId": "left", "messages": []}
    running, ended = run_script(
        "agui.mjs", {**given, "runs": [{"connect": True, "runId": "one", "cancel": True}, {"connect": True}]}
    )
    assert running["error"] is ended["error"] is None
    assert running["events"][0] == {"type": "RUN_STARTED", "threadId": "left", "runId": "one"}
    assert running["events"][-1]["outcome"] == {"type": "cancelled"}
    assert running["messages"] == ended["messages"] and running["messages"][0]["content"].startswith("You")
    assert running["events"] == ended["events"]
    (nothing,) = run_script("agui.mjs", {**given, "threadId": "never", "runs": [{"connect": True}]})
    assert nothing == {"error": None, "events": [], "messages": []}


def test_a_front_end_connects_to_a_run_with_thinking_and_tools(server: Any) -> None:
    props = {"provider": "mock", "model": "tool", "thinking": True, "max_tokens": 45}
    first, again = run_script(
        "agui.mjs",
        {
            "url": f"{server.url}/api/agui",
            "threadId": "whole",
            "messages": [{"id": "u1", "role": "user", "content": "hi"}],
            "runs": [{"runId": "one", "forwardedProps": props}, {"connect": True, "runId": "one"}],
        },
    )
    assert first["error"] is again["error"] is None
    assert again["events"] == first["events"] and again["messages"] == first["messages"][1:]
    assert {"reasoning", "tool"} < {message["role"] for message in again["messages"]}
