"""A tool of an MCP server asks the owner of its call over HTTP, and tells how far it is."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ASKING = Path(__file__).parent.parent / "tools/mcp/asking_server.py"

pytestmark = pytest.mark.slow


@pytest.fixture
def asking_server(own_server: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    table = f'[mcp_servers.asking]\ncommand = "{sys.executable}"\nargs = ["{ASKING}", "stdio"]\n'
    (tmp_path / "chatapp.toml").write_text(table)
    return own_server


def frames(stream: Any, name: str) -> Iterator[dict[str, Any]]:
    return (json.loads(event.data) for event in stream.events if event.type == name)


def test_the_owner_fills_in_what_a_tool_asks_from_any_worker(asking_server: Callable[..., Any]) -> None:
    server = asking_server(WEB_CONCURRENCY="2", CHATAPP_TOOL_TIMEOUT_S="1")
    client, stranger = server.client(), server.client(browser=True)
    sent = client.send("hi", model="tools", tools=["book"])
    stream = client.follow(sent["id"])
    asked = json.loads(stream.until(lambda event: event.type == "tool_question").data)
    assert (asked["state"], asked["message"]) == ("asked", "Which seat?")
    assert asked["schema"]["properties"]["row"]["maximum"] == 30
    stream.close()
    [tool] = client.json(f"/api/v1/messages/{sent['id']}")["tools"]
    assert tool["questions"] == [asked] and not tool["done"]
    path = f"/api/v1/messages/{sent['id']}/tools/{asked['tool_call_id']}"
    row = {"action": "accept", "content": {"row": 3}}
    assert stranger.post(path, row).status_code == 404
    for body, field in (
        ({"action": "accept", "content": {"row": "x"}}, "content.row: 'x' is not of type 'integer'"),
        ({"action": "accept"}, "content.row: missing"),
        ({**row, "question": "other"}, "question: the call asked no question 'other'"),
        ({"action": "perhaps"}, "action: "),
        ({}, "decision: send either"),
    ):
        refused = client.post(path, body)
        assert refused.status_code == 422 and refused.json()["error"]["message"].startswith(field)
    assert "does not need approval" in client.post(path, {"decision": "approved"}).json()["error"]["message"]
    for said in (row, {"action": "decline", "question": asked["question"]}):
        told = server.client().post(path, said).json()
        assert told == {"tool_call_id": asked["tool_call_id"], "question": asked["question"], "state": "accepted"}
    again = client.follow(sent["id"])
    again.to_end()
    assert [frame["state"] for frame in frames(again, "tool_question")] == ["asked", "accepted"]
    assert "accept {'row': 3" in json.dumps(next(frames(again, "tool_result")))
    assert client.json(f"/api/v1/messages/{sent['id']}")["tools"][0]["questions"] == []


def test_nobody_saying_anything_cancels_the_question(asking_server: Callable[..., Any]) -> None:
    client = asking_server(CHATAPP_APPROVAL_TIMEOUT_S="0.3").client()
    sent = client.send("hi", model="tools", tools=["book"])
    stream = client.follow(sent["id"])
    stream.to_end()
    assert [frame["state"] for frame in frames(stream, "tool_question")] == ["asked", "expired"]
    assert "cancel" in json.dumps(next(frames(stream, "tool_result")))
    path = f"/api/v1/messages/{sent['id']}/tools/{next(frames(stream, 'tool_call'))['id']}"
    assert client.post(path, {"action": "accept", "content": {"row": 3}}).json()["state"] == "expired"


def test_how_far_a_call_is_is_seen_in_our_own_dialects(asking_server: Callable[..., Any]) -> None:
    client = asking_server().client()
    sent = client.send("hi", model="tools", tools=["climb"])
    stream = client.follow(sent["id"])
    stream.to_end()
    [step, *_] = frames(stream, "tool_progress")
    assert (step["done"], step["total"], step["message"]) == (1.0, 3.0, "step 1")
    reasoning = client.stream("GET", f"/api/v1/messages/{sent['id']}/events?dialect=reasoning").to_end()
    assert "tool_progress" in [event.type for event in reasoning]
