"""What the owner's word on a call does: nothing, where nobody waits for it any more."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp.app import create_app
from chatapp.settings import Settings
from chatapp.web import EXTENSION, Services


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = create_app(Settings(data=tmp_path, log_url="memory:", ask_tools=("calculate",)))
    yield app
    services: Services = app.extensions[EXTENSION]
    services.drain(0)
    services.close()


def soon(look: Callable[[], Any]) -> Any:
    with gevent.Timeout(10, AssertionError("waited in vain")):
        while not (seen := look()):
            gevent.sleep(0.01)
    return seen


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
