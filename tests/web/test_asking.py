"""Beginning a run once, however often it is asked for."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from chatapp.errors import Overloaded, Unreachable
from chatapp.service import ChatService

ASK = {"prompt": "hi", "provider": "mock", "max_tokens": 2}


def post(client: FlaskClient, key: str, path: str = "/api/v1/messages", **more: Any) -> Any:
    return client.post(path, json={**ASK, **more}, headers={"Idempotency-Key": key})


def test_an_empty_key_is_none(client: FlaskClient) -> None:
    first, second = (post(client, "").get_json()["id"] for _ in range(2))
    assert first != second


def test_the_same_key_with_another_request_is_refused(client: FlaskClient) -> None:
    first = post(client, "k")
    assert post(client, "k").get_json()["id"] == first.get_json()["id"]
    others: list[dict[str, Any]] = [{"prompt": "other"}, {"path": "/chat/stream"}, {"temperature": 1.5}]
    for more in others:
        refused = post(client, "k", **more)
        assert refused.status_code == 422 and "Idempotency-Key" in refused.get_json()["error"]["message"]


def test_the_same_request_may_be_told_another_way(client: FlaskClient) -> None:
    streamed, whole = (post(client, "k", "/api/chat", stream=stream) for stream in (True, False))
    assert streamed.headers["X-Run-Id"] == whole.headers["X-Run-Id"]


def test_a_known_key_is_answered_where_nothing_new_could_be(
    client: FlaskClient, service: ChatService, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = post(client, "k").get_json()["id"]

    def full(owner: str) -> None:
        raise Overloaded("full")

    def away(*_: object) -> None:
        raise Unreachable("away")

    monkeypatch.setattr(service.runs, "admit", full)
    assert post(client, "new").status_code == 503
    assert post(client, "k").get_json()["id"] == known
    monkeypatch.setattr(service.providers, "resolve", away)
    assert post(client, "new").status_code == 502
    assert post(client, "k").get_json()["id"] == known


def test_an_agent_is_refused_where_the_client_brings_tools(client: FlaskClient) -> None:
    body = {
        "threadId": "t",
        "runId": "r",
        "messages": [{"id": "1", "role": "user", "content": "hi"}],
        "tools": [{"name": "theirs", "description": "", "parameters": {"type": "object"}}],
        "forwardedProps": {"provider": "mock", "agent": "planner"},
    }
    refused = client.post("/api/agui", json=body)
    assert refused.status_code == 422
    assert refused.get_json()["error"]["message"].startswith("tools: ")
    assert client.post("/api/agui", json={**body, "tools": []}).status_code == 200


def test_a_session_that_the_server_named_is_found_again_by_its_key(client: FlaskClient) -> None:
    first, second = (post(client, "s", "/chat") for _ in range(2))
    assert first.headers["X-Run-Id"] == second.headers["X-Run-Id"]
