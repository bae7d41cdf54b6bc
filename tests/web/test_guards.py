"""What every request passes before its view."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp.errors import Forbidden
from chatapp.service import ChatService
from chatapp.web import guards
from chatapp.web.endpoint import STREAM, endpoint, endpoint_of

STREAMING = [
    "/chat?prompt=hi&provider=mock",
    "/api/chat?prompt=hi&provider=mock",
    "/ask/stream?question=hi&provider=mock",
    "/api/v1/messages/{id}/events?on_disconnect=cancel",
    "/api/v1/messages/{id}/raw",
    "/api/v1/events?message={id}",
    "/v1/responses/{id}?stream=true",
    "/api/ui/chat/{chat}/stream",
    "/shared/{id}/messages/{id}/events",
    "/api/v1/base/sse_probe",
]


@pytest.mark.parametrize("path", STREAMING)
def test_head_is_refused_and_touches_no_run(client: FlaskClient, service: ChatService, path: str) -> None:
    asked = {"prompt": "hi", "provider": "mock", "model": "silent"}
    posted = client.post("/api/v1/messages", json=asked).get_json()
    refused = client.head(path.format(id=posted["id"], chat=posted["conversation_id"]))
    assert refused.status_code == 405 and "GET" in refused.headers["Allow"] and "HEAD" not in refused.headers["Allow"]
    assert service.conversations.visits(posted["id"]) == 0
    assert len(client.get("/api/v1/conversations").get_json()["conversations"]) == 1
    assert client.get(f"/api/v1/messages/{posted['id']}").get_json()["status"] == "running"


def test_no_get_that_may_stream_is_missing_above(app: Flask) -> None:
    got = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    rows = [row for rule in got if (row := endpoint_of(app.view_functions[rule.endpoint]))]
    assert sum(row.streams for row in rows) == len(STREAMING)


def test_head_is_answered_elsewhere(client: FlaskClient) -> None:
    assert client.head("/healthz").status_code == 200


@pytest.fixture
def guarded() -> Iterator[FlaskClient]:
    app = Flask("guarded")

    def begin() -> str:
        return "begun"

    guards.install(app, ["localhost", ".example"])
    app.register_error_handler(Forbidden, lambda error: (error.message, error.status))
    app.add_url_rule("/change", "change", lambda: "done", methods=["POST"])
    route = app.route("/begin")
    endpoint(route, answers={200: (STREAM,)}, begins_run=True)(begin)
    app.add_url_rule("/look", "look", lambda: "seen")
    with app.test_client() as client:
        yield client


@pytest.mark.parametrize("site", ["same-origin", "none", None])
def test_this_site_s_pages_and_clients_that_are_no_browsers_may(guarded: FlaskClient, site: str | None) -> None:
    headers = {} if site is None else {"Sec-Fetch-Site": site}
    assert guarded.post("/change", headers=headers).status_code == 200
    assert guarded.get("/begin", headers=headers).status_code == 200


@pytest.mark.parametrize("site", ["same-site", "cross-site", "", "new-word"])
def test_pages_elsewhere_may_not_also_on_another_port(guarded: FlaskClient, site: str) -> None:
    refused = guarded.post("/change", headers={"Sec-Fetch-Site": site})
    assert refused.status_code == 403 and "Sec-Fetch-Site" in refused.text
    assert guarded.get("/begin", headers={"Sec-Fetch-Site": site}).status_code == 403
    assert guarded.get("/look", headers={"Sec-Fetch-Site": site}).status_code == 200


@pytest.mark.parametrize(
    ("host", "page", "status"),
    [
        ("chat.example", "https://chat.example", 200),  # behind a proxy that ended TLS
        ("chat.example", "http://chat.example:80", 200),
        ("chat.example:443", "https://chat.example", 200),
        ("Chat.Example:8000", "http://chat.example:8000", 200),
        ("localhost:8000", "http://localhost:3000", 403),
        ("chat.example", "https://evil.example", 403),
        ("chat.example", "https://chat.example.evil.example", 403),
        ("chat.example", "null", 403),
    ],
)
def test_without_the_browser_s_word_the_page_s_host_must_be_this_one(
    guarded: FlaskClient, host: str, page: str, status: int
) -> None:
    answer = guarded.post("/change", headers={"Host": host, "Origin": page})
    assert answer.status_code == status
    assert status == 200 or "Origin" in answer.text
