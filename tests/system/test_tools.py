"""Tools over HTTP: offered by name, run here, bounded, stopped, approved from another worker; and agents."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from waiting import soon

pytestmark = pytest.mark.slow

TOOLS = '''
import gevent
from pathlib import Path
from chatapp.tools.functions import tool

@tool
def wait() -> str:
    """Wait for ever."""
    Path("FOLDER/began").touch()
    try:
        gevent.sleep(1000)
    finally:
        Path("FOLDER/ended").touch()

@tool(ask=True)
def launch(target: str = "moon") -> str:
    """Launch."""
    return f"launched to the {target}"
'''
AGENT = """
from chatapp.events import PlanStep, TextDelta

def parrot(task):
    yield PlanStep(1, "Repeat")
    yield TextDelta(task.prompt)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our tools and our agent; it is also where the tools leave their marks."""
    folder = tmp_path_factory.mktemp("tools")
    (folder / "mytools.py").write_text(TOOLS.replace("FOLDER", str(folder)))
    (folder / "myagents.py").write_text(AGENT)
    (folder / "chatapp.toml").write_text('[agents.parrot]\nfactory = "myagents:parrot"\n')
    return folder


@pytest.fixture(scope="module")
def tool_server(module_server: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    """A server with our tools and these settings, kept for the tests that want the same ones."""

    @cache
    def start(**env: str) -> Any:
        path = f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        own = {"PYTHONPATH": path, "CHATAPP_CONFIG": str(folder / "chatapp.toml"), "CHATAPP_TOOL_MODULES": "mytools"}
        return module_server(CHATAPP_HEARTBEAT_S="0.5", **own, **env)

    return start


def frames(stream: Any, name: str) -> Iterator[dict[str, Any]]:
    return (json.loads(event.data) for event in stream.events if event.type == name)


def names(stream: Any) -> list[str]:
    return [event.type for event in stream.events]


def test_tools_are_listed_offered_by_name_and_run_here(server: Any) -> None:
    client = server.client()
    listed = client.json("/api/v1/tools")
    tools = {tool["name"]: tool for tool in listed["tools"]}
    assert {"current_time", "calculate", "sample_stock_quote"} <= tools.keys() and listed["problems"] == {}
    assert tools["calculate"]["type"] == "function" and tools["calculate"]["parameters"]["required"] == ["expression"]
    sent = client.send("hi", model="tools", tools=["calculate", "sample_stock_quote"])
    stream = client.follow(sent["id"])
    stream.to_end()
    assert [call["name"] for call in frames(stream, "tool_call")] == ["calculate", "sample_stock_quote"]
    assert sorted(result["result"].get("value", 128.4) for result in frames(stream, "tool_result")) == [42.0, 128.4]
    [done] = frames(stream, "completed")
    assert done["content"].count("The tool said") == 2 and not done["usage"]["estimated"]
    kept = client.json(f"/api/v1/messages/{sent['id']}")["tools"]
    assert [tool["error"] for tool in kept] == [None, None]


def test_in_a_query_tools_stand_side_by_side(server: Any) -> None:
    query = "prompt=hi&provider=mock&model=tools&tools=calculate,%20current_time"
    stream = server.client().stream("GET", f"/api/chat?{query}")
    stream.to_end()
    assert [call["name"] for call in frames(stream, "tool_call")] == ["calculate", "current_time"]
    [end] = frames(stream, "end")
    assert (end["stats"]["tool_calls"], end["stats"]["tool_results"]) == (2, 2)


@pytest.mark.parametrize("body", [{"tools": ["nope"]}, {"tools": [1]}, {"agent": "nobody"}])
def test_what_is_not_there_is_named(server: Any, body: dict[str, Any]) -> None:
    [field] = body
    response = server.client().post("/chat/stream", {"prompt": "hi", "provider": "mock", **body})
    assert response.status_code in (404, 422)
    assert response.json()["error"]["message"].startswith(field)


def test_one_call_too_many_ends_the_run_with_tool_limit(tool_server: Callable[..., Any]) -> None:
    client = tool_server(CHATAPP_MAX_TOOL_CALLS="1").client()
    sent = client.send("hi", model="tools", tools=["calculate", "current_time"])
    stream = client.follow(sent["id"])
    stream.to_end()
    [done] = frames(stream, "completed")
    assert done["finish_reason"] == "tool_limit"
    assert names(stream).count("tool_call") == 2 and names(stream).count("tool_result") == 1
    events = client.stream("GET", f"/api/v1/messages/{sent['id']}/events?dialect=reasoning").to_end()
    assert json.loads(next(event for event in events if event.type == "error").data)["finish_reason"] == "length"


def test_stop_ends_a_call_that_is_under_way(tool_server: Callable[..., Any], folder: Path) -> None:
    client = tool_server().client()
    sent = client.send("hi", model="tools", tools=["wait"])
    soon((folder / "began").exists)
    client.post(f"/api/v1/messages/{sent['id']}/cancel", {})
    stream = client.follow(sent["id"])
    stream.to_end()
    [done] = frames(stream, "completed")
    assert done["finish_reason"] == "cancelled" and "tool_result" not in names(stream)
    soon((folder / "ended").exists)


@pytest.mark.parametrize(
    ("log", "decision", "outcome"),
    [("sqlite:", "approved", "launched to the moon"), ("memory:", "denied", "user denied")],
)
def test_the_owner_decides_about_a_call_that_asks(
    tool_server: Callable[..., Any], log: str, decision: str, outcome: str
) -> None:
    server = tool_server(CHATAPP_LOG_URL=log, WEB_CONCURRENCY="2" if log == "sqlite:" else "1")
    client, stranger = server.client(), server.client(browser=True)
    sent = client.send("hi", model="tools", tools=["launch"])
    stream = client.follow(sent["id"])
    asked = json.loads(stream.until(lambda event: event.type == "tool_approval").data)
    assert asked["state"] == "asked"
    stream.until(lambda event: event.type == "heartbeat")
    stream.close()
    [tool] = client.json(f"/api/v1/messages/{sent['id']}")["tools"]
    assert (tool["approval"], tool["result"]) == ("asked", None)
    path = f"/api/v1/messages/{sent['id']}/tools/{asked['tool_call_id']}"
    assert stranger.post(path, {"decision": "approved"}).status_code == 404
    assert client.post(path, {"decision": "maybe"}).status_code == 422
    other = "denied" if decision == "approved" else "approved"
    for word in (decision, other):  # each over a connection of its own, to whichever worker takes it
        assert server.client().post(path, {"decision": word}).json()["decision"] == decision
    again = client.follow(sent["id"])
    again.to_end()
    assert [frame["state"] for frame in frames(again, "tool_approval")] == ["asked", decision]
    assert outcome in json.dumps(next(frames(again, "tool_result")))
    assert names(again)[-1] == "completed"
    assert client.post(path, {"decision": other}).json()["decision"] == decision


def test_nobody_deciding_is_a_denial(tool_server: Callable[..., Any]) -> None:
    client = tool_server(CHATAPP_APPROVAL_TIMEOUT_S="0.3").client()
    sent = client.send("hi", model="tools", tools=["launch"])
    stream = client.follow(sent["id"])
    stream.to_end()
    assert [frame["state"] for frame in frames(stream, "tool_approval")] == ["asked", "expired"]
    path = f"/api/v1/messages/{sent['id']}/tools/{next(frames(stream, 'tool_call'))['id']}"
    assert client.post(path, {"decision": "approved"}).json()["decision"] == "expired"
    assert client.post(path + "x", {"decision": "approved"}).status_code == 404


def test_a_configured_agent_answers_by_its_name(tool_server: Callable[..., Any]) -> None:
    client = tool_server().client()
    assert client.json("/api/v1/agents") == {"default": "planner", "agents": ["planner", "parrot"]}
    asked = {"prompt": "hello there", "provider": "mock", "agent": "parrot"}
    frames = [json.loads(event.data) for event in client.stream("POST", "/chat", json=asked).to_end()]
    assert [frame["type"] for frame in frames] == ["assistant", "planning", "assistant", "done"]
    assert [frame["content"] for frame in frames[1:3]] == ["1. Repeat", "hello there"]
    sent = client.send("hello", agent="parrot")
    stream = client.follow(sent["id"])
    stream.to_end()
    assert names(stream)[:2] == ["plan_step", "content_delta"]


def test_the_agent_of_chat_plans_works_and_answers(server: Any) -> None:
    asked = {"prompt": "what is it", "provider": "mock", "model": "agent"}
    frames = [json.loads(event.data) for event in server.client().stream("POST", "/chat", json=asked).to_end()]
    order = "".join({"planning": "p", "tool": "t", "assistant": "a", "done": "d"}[frame["type"]] for frame in frames)
    assert order.startswith("apppttttttaaa") and order.endswith("ad")


@pytest.mark.parametrize("stream", [True, False])
def test_tools_of_the_client_and_of_the_server_mix_in_one_run(tool_server: Callable[..., Any], stream: bool) -> None:
    server = tool_server(CHATAPP_DEFAULT_TOOLS="calculate,current_time")
    offered = [
        {"type": "function", "function": {"name": name, "description": "theirs", "parameters": {"type": "object"}}}
        for name in ("get_weather", "current_time")
    ]
    asked = {"model": "mock/tools", "messages": [{"role": "user", "content": "hi"}], "tools": offered, "stream": stream}
    client = server.client()
    if stream:
        chunks = [json.loads(e.data) for e in client.stream("POST", "/v1/chat/completions", json=asked).to_end()[:-1]]
        deltas = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
        calls = [call for choice in deltas for call in choice["delta"].get("tool_calls", ()) if "id" in call]
        finish = [choice["finish_reason"] for choice in deltas if choice["finish_reason"]]
    else:
        [choice] = client.post("/v1/chat/completions", asked).json()["choices"]
        calls, finish = choice["message"]["tool_calls"], [choice["finish_reason"]]
    assert [call["function"]["name"] for call in calls] == ["get_weather", "current_time"]
    assert finish == ["tool_calls"]


def test_the_servers_tools_answer_a_client_that_offers_none(tool_server: Callable[..., Any]) -> None:
    client = tool_server(CHATAPP_DEFAULT_TOOLS="calculate,current_time").client()
    asked = {"model": "mock/tools", "messages": [{"role": "user", "content": "hi"}]}
    [choice] = client.post("/v1/chat/completions", asked).json()["choices"]
    assert choice["finish_reason"] == "stop" and "42.0" in choice["message"]["content"]
    assert not choice["message"].get("tool_calls")


def test_mcp_servers_end_with_a_server_that_is_killed(own_server: Callable[..., Any], tmp_path: Path) -> None:
    command = Path(sys.executable).parent / "mcp-server-time"
    (tmp_path / "chatapp.toml").write_text(
        f'[mcp_servers.time]\ncommand = "{command}"\nenv = {{ MARK = "{tmp_path}" }}\n'
    )
    server = own_server()
    client = server.client()
    assert not marked(tmp_path)
    tools = {tool["name"]: tool for tool in client.json("/api/v1/tools")["tools"]}
    assert tools["convert_time"]["server"] == "time" and tools["convert_time"]["type"] == "mcp"
    stream = client.follow(client.send("hi", model="tools", tools=["get_current_time"])["id"])
    stream.to_end()
    assert next(frames(stream, "tool_call"))["type"] == "mcp"
    assert marked(tmp_path)
    server.kill()
    soon(lambda: not marked(tmp_path))


def marked(folder: Path) -> list[str]:
    """Processes that were started with this mark in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"MARK={folder}".encode() in entry.read_bytes():
                found.append(entry.parent.name)
    return found


def test_they_mix_for_anthropics_clients_too(tool_server: Callable[..., Any]) -> None:
    client = tool_server(CHATAPP_DEFAULT_TOOLS="calculate,current_time").client()
    tools = [{"name": "get_weather", "description": "theirs", "input_schema": {"type": "object"}}]
    asked = {"model": "mock/tools", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}], "tools": tools}
    answer = client.post("/v1/messages", asked).json()
    assert [block["name"] for block in answer["content"] if block["type"] == "tool_use"] == ["get_weather"]
    assert answer["stop_reason"] == "tool_use"
    events = client.stream("POST", "/v1/messages", json={**asked, "stream": True}).to_end()
    starts = [json.loads(event.data)["content_block"] for event in events if event.type == "content_block_start"]
    assert [block["name"] for block in starts] == ["get_weather"]
