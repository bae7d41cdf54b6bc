"""What the owner's word on a call does: nothing, where nobody waits for it any more."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from waiting import soon

from chatapp.access.cookies import LOCAL
from chatapp.app import create_app
from chatapp.chat import Ask, Message
from chatapp.events import ToolApproval
from chatapp.service import ChatService
from chatapp.settings import Settings
from chatapp.web import EXTENSION


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = create_app(Settings(data=tmp_path, log_url="memory:", ask_tools=("calculate",)))
    yield app
    service: ChatService = app.extensions[EXTENSION]
    service.drain(0)
    service.close()


def test_an_approval_that_comes_after_a_stop_is_none(client: FlaskClient) -> None:
    asked = {"prompt": "2+2", "provider": "mock", "model": "tools", "tools": ["calculate"]}
    path = f"/api/v1/messages/{client.post('/api/v1/messages', json=asked).get_json()['id']}"

    def message() -> Any:
        return client.get(path).get_json()

    soon(lambda: [tool for tool in message()["tools"] if tool["approval"] == "asked"])
    client.post(f"{path}/cancel", json={})
    soon(lambda: message()["status"] == "done")
    [tool] = message()["tools"]
    assert tool["approval"] == "expired"
    decided = client.post(f"{path}/tools/{tool['id']}", json={"decision": "approved"})
    assert decided.get_json()["decision"] == "expired"


@pytest.mark.parametrize("call_id", ["a/b", "a//b", "tools/c d/"])
def test_a_call_is_found_by_whatever_id_its_provider_gave_it(
    client: FlaskClient, service: ChatService, call_id: str
) -> None:
    ask = Ask(said=[Message("user", "hi")])
    run_id = service.conversations.begin(ask, LOCAL, "p", "m").answer.id
    service.log.create(run_id)
    service.log.append(run_id, ToolApproval(call_id, "asked", time.time() + 60))
    path = f"/api/v1/messages/{run_id}/tools/{quote(call_id, safe='')}"
    decided = client.post(path, json={"decision": "denied"})
    assert decided.get_json() == {"tool_call_id": call_id, "decision": "denied"}
