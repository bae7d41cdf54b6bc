"""Pages of other origins: exactly those of the setting, tickets for their streams; and what every
browser is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp.access.keys import create_key
from chatapp.app import create_app
from chatapp.errors import ConfigError
from chatapp.service import ChatService
from chatapp.settings import Settings
from chatapp.storage.keys import StoredKeys
from chatapp.web import EXTENSION, TICKETS, cors

ORIGIN = "https://front.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
SAY = {"prompt": "hi", "provider": "mock"}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    settings = Settings(data=tmp_path, log_url="memory:", auth="keys", cors_origins=(ORIGIN, "http://[::1]:3000"))
    app = create_app(settings, start=False)
    yield app
    service: ChatService = app.extensions[EXTENSION]
    service.drain(0)
    service.close()


@pytest.fixture
def by_key(service: ChatService) -> dict[str, str]:
    key = create_key(StoredKeys(service.database.engine), "bob", "user", None)
    return {"Authorization": f"Bearer {key}", "Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}


@pytest.mark.parametrize("path", ["/api/v1/messages", "/v1/chat/completions", "/chat", "/chat/stream", "/ask/stream"])
@pytest.mark.parametrize("origin", [ORIGIN, "http://[::1]:3000"])
def test_a_listed_origin_is_let_in_before_it_shows_a_key(client: FlaskClient, path: str, origin: str) -> None:
    answer = client.options(path, headers={**PREFLIGHT, "Origin": origin})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower()
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_listed_origin_may_use_each_method_of_the_api(client: FlaskClient, method: str) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": method}
    answer = client.options("/api/v1/conversations/c/seen", headers=asked)
    assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://front.example.evil.example",
        "https://evil-front.example",
        "https://frontXexample",
        "http://front.example",
        "https://front.example:444",
        "http://[::1]:30000",
        "http://::1",
        "",
    ],
)
def test_any_other_origin_is_told_nothing(client: FlaskClient, by_key: dict[str, str], origin: str) -> None:
    answer = client.options("/api/v1/messages", headers={**PREFLIGHT, "Origin": origin})
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]
    refused = client.post("/api/v1/messages", json=SAY, headers={**by_key, "Origin": origin})
    assert refused.status_code == 403 and "Access-Control-Allow-Origin" not in refused.headers


@pytest.mark.parametrize("path", ["/login", "/", "/shared/x", "/docs", "/status", "/c/x"])
def test_pages_stay_this_site_s_own(client: FlaskClient, path: str) -> None:
    with client.get(path, headers={"Origin": ORIGIN}) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert client.post("/login", headers={"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}).status_code == 403


@pytest.mark.parametrize("path", ["/healthz", "/static/favicon.svg"])
def test_a_listed_page_may_load_what_a_chat_in_it_draws_with(client: FlaskClient, path: str) -> None:
    for origin, allowed in ((ORIGIN, ORIGIN), ("https://evil.example", None)):
        with client.get(path, headers={"Origin": origin}) as answer:
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed


def test_a_listed_page_asks_and_reads_also_what_went_wrong(client: FlaskClient, by_key: dict[str, str]) -> None:
    asked = client.post("/api/v1/messages", json=SAY, headers=by_key)
    assert asked.status_code == 202 and asked.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "X-Trace-Id" in asked.headers["Access-Control-Expose-Headers"]
    refused = client.post("/api/v1/messages", json=SAY, headers={**by_key, "Authorization": "Bearer x"})
    assert refused.status_code == 401 and refused.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize("origin", ["*", "https://*.example", "https://a.example/", "a.example", "null", "https://A.x"])
def test_what_is_no_origin_stops_the_start(origin: str) -> None:
    with pytest.raises(ConfigError, match="cors_origins"):
        cors.install(Flask("x"), [origin])


def ticket_for(client: FlaskClient, by_key: dict[str, str], path: str) -> str:
    issued = client.post("/api/v1/tickets", json={"path": path}, headers=by_key)
    assert issued.status_code == 201 and issued.get_json()["expires_s"] == 30
    ticket: str = issued.get_json()["ticket"]
    return ticket


def test_a_ticket_opens_its_stream_once(client: FlaskClient, by_key: dict[str, str]) -> None:
    run = client.post("/api/v1/messages", json=SAY, headers=by_key).get_json()
    ticket = ticket_for(client, by_key, run["events_url"])
    with client.get(f"{run['events_url']}?dialect=token&ticket={ticket}") as stream:
        assert stream.status_code == 200 and "event: done" in stream.text
    again = client.get(f"{run['events_url']}?ticket={ticket}")
    assert again.status_code == 401 and "ticket" in again.get_json()["error"]["message"]


def test_a_ticket_begins_a_run_of_its_owner(client: FlaskClient, by_key: dict[str, str]) -> None:
    ticket = ticket_for(client, by_key, "/ask/stream?question=hi")
    with client.get(f"/ask/stream?question=hi&provider=mock&ticket={ticket}") as stream:
        run_id = stream.headers["X-Run-Id"]
        assert stream.data
    assert client.get(f"/api/v1/messages/{run_id}", headers=by_key).status_code == 200


def test_a_ticket_is_for_its_path_and_for_streams_by_get_alone(client: FlaskClient, by_key: dict[str, str]) -> None:
    run = client.post("/api/v1/messages", json=SAY, headers=by_key).get_json()
    ticket = ticket_for(client, by_key, run["events_url"])
    message = ticket_for(client, by_key, f"/api/v1/messages/{run['id']}")
    posted = ticket_for(client, by_key, "/api/v1/messages")
    assert client.get(f"/ask/stream?question=hi&ticket={ticket}").status_code == 401
    assert client.get(f"/api/v1/messages/{run['id']}?ticket={message}").status_code == 401
    assert client.post(f"/api/v1/messages?ticket={posted}", json=SAY).status_code == 401
    with client.get(f"{run['events_url']}?ticket={ticket}") as stream:  # it was not used up elsewhere
        assert stream.status_code == 200


def test_a_ticket_expires(app: Flask, client: FlaskClient, by_key: dict[str, str]) -> None:
    app.extensions[TICKETS].lasts_s = -1.0
    issued = client.post("/api/v1/tickets", json={"path": "/ask/stream"}, headers=by_key).get_json()
    assert client.get(f"/ask/stream?question=hi&ticket={issued['ticket']}").status_code == 401


@pytest.mark.parametrize("body", [{}, {"path": 1}, {"path": "x"}, {"path": "/" + "x" * 2000}])
def test_a_ticket_needs_a_path(client: FlaskClient, by_key: dict[str, str], body: dict[str, Any]) -> None:
    refused = client.post("/api/v1/tickets", json=body, headers=by_key)
    assert refused.status_code == 422 and refused.get_json()["error"]["message"].startswith(("path", "body"))


def test_what_browsers_are_told(client: FlaskClient, by_key: dict[str, str]) -> None:
    page, answer = client.get("/login"), client.get("/api/v1/conversations", headers=by_key)
    for response in (page, answer):
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Strict-Transport-Security" not in response.headers
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "microphone=()" in page.headers["Permissions-Policy"]
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
    secure = client.get("/login", base_url="https://localhost")
    assert "max-age" in secure.headers["Strict-Transport-Security"]
    with client.get("/static/favicon.svg") as file:
        assert file.headers["Cache-Control"] != "no-store"


def test_cookies_are_secure_exactly_over_tls(client: FlaskClient, service: ChatService) -> None:
    key = create_key(StoredKeys(service.database.engine), "bob", "user", None)
    for base, secure in (("http://localhost", False), ("https://localhost", True)):
        cookie = client.post("/login", data={"key": key}, base_url=base).headers["Set-Cookie"]
        assert ("Secure" in cookie) is secure and cookie.startswith("__Host-") is secure
