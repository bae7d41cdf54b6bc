"""HEAD at the addresses that stream."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp.web import Services
from chatapp.web.operations import JSON, OPERATIONS

STREAMING = [
    "/chat?prompt=hi&provider=mock",
    "/api/chat?prompt=hi&provider=mock",
    "/ask/stream?question=hi&provider=mock",
    "/api/v1/messages/{id}/events?on_disconnect=cancel",
    "/api/v1/messages/{id}/raw",
    "/v1/responses/{id}?stream=true",
    "/api/ui/chat/{chat}/stream",
    "/api/v1/base/sse_probe",
]


@pytest.mark.parametrize("path", STREAMING)
def test_head_is_refused_and_touches_no_run(client: FlaskClient, services: Services, path: str) -> None:
    asked = {"prompt": "hi", "provider": "mock", "model": "silent"}
    posted = client.post("/api/v1/messages", json=asked).get_json()
    refused = client.head(path.format(id=posted["id"], chat=posted["conversation_id"]))
    assert refused.status_code == 405 and "GET" in refused.headers["Allow"] and "HEAD" not in refused.headers["Allow"]
    assert services.conversations.returns(posted["id"]) == 0
    assert len(client.get("/api/v1/conversations").get_json()["conversations"]) == 1
    assert client.get(f"/api/v1/messages/{posted['id']}").get_json()["status"] == "running"


def test_every_get_that_may_stream_is_marked(app: Flask) -> None:
    got = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    streaming = {name for name in got & set(OPERATIONS) if set(OPERATIONS[name].answers.get(200, ())) - {JSON}}
    marked = {name for name, view in app.view_functions.items() if getattr(view, "streams", False)}
    assert marked == streaming and len(marked) == len(STREAMING)


def test_head_is_answered_elsewhere(client: FlaskClient) -> None:
    assert client.head("/healthz").status_code == 200
