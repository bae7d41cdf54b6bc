"""With a login, every view is closed but those that are marked open; a browser is sent to sign in."""

from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path

import gevent
import pytest
from flask import Flask
from flask.testing import FlaskClient
from waiting import BOUND_S, soon

from chatapp.access.keys import create_key
from chatapp.app import create_app
from chatapp.service import ChatService
from chatapp.settings import Settings
from chatapp.storage import Role
from chatapp.storage.keys import StoredKeys
from chatapp.web import EXTENSION, authentication
from chatapp.web.authentication import local_path
from chatapp.web.endpoint import JSON, endpoint

OPEN = ["/healthz", "/readyz", "/login", "/static/favicon.svg"]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = create_app(Settings(data=tmp_path, log_url="memory:", auth="keys"), start=False)
    yield app
    service: ChatService = app.extensions[EXTENSION]
    service.drain(0)
    service.close()


@pytest.fixture
def key(service: ChatService) -> Callable[..., str]:
    """A new key of somebody."""

    def make(name: str = "bob", role: Role = "user") -> str:
        return create_key(StoredKeys(service.database.engine), name, role, None)

    return make


def by(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("path", OPEN)
def test_these_need_no_login(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/c/conv_1?x=%C3%A9&y=1"])
def test_a_page_sends_a_browser_to_the_login_and_back(client: FlaskClient, key: Callable[..., str], path: str) -> None:
    sent = client.get(path)
    assert sent.status_code == 302 and sent.location.startswith("/login?next=")
    form = client.get(sent.location)
    hidden = form.text.partition('name="next" value="')[2].partition('"')[0]
    back = client.post("/login", data={"key": key(), "next": hidden.replace("&amp;", "&")})
    assert back.status_code == 303
    assert client.get(back.location).status_code == (404 if "conv_1" in path else 200)


def test_openapi_and_the_api_answer_401_with_a_challenge(client: FlaskClient) -> None:
    for path in ("/openapi.json", "/api/v1/conversations", "/api/v1/base/sse_probe"):
        refused = client.get(path)
        assert refused.status_code == 401 and refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert refused.get_json()["error"]["code"] == "unauthorized"


def test_each_vendor_s_client_reads_the_refusal_in_its_own_words(client: FlaskClient) -> None:
    openai = client.post("/v1/chat/completions", json={}, headers=by("chatapp_wrong"))
    assert openai.status_code == 401 and openai.get_json()["error"]["code"] == "invalid_api_key"
    anthropic = client.post("/v1/messages", json={}, headers={"x-api-key": "chatapp_wrong"})
    assert anthropic.status_code == 401 and anthropic.get_json()["error"]["type"] == "authentication_error"


def test_a_refused_request_is_not_read(client: FlaskClient) -> None:
    assert client.post("/api/v1/messages", data="{", content_type="application/json").status_code == 401


def test_a_wrong_key_is_told_on_the_form_and_not_repeated(client: FlaskClient) -> None:
    refused = client.post("/login", data={"key": "chatapp_CANARY", "next": "/docs"})
    assert refused.status_code == 401 and 'role="alert"' in refused.text and "CANARY" not in refused.text
    assert 'value="/docs"' in refused.text and "Set-Cookie" not in refused.headers
    assert refused.headers["Cache-Control"] == "no-store"


def test_signing_out_ends_the_session_for_good(client: FlaskClient, key: Callable[..., str], app: Flask) -> None:
    signed_in = client.post("/login", data={"key": key("bob")})
    cookie = signed_in.headers["Set-Cookie"].partition(";")[0]
    page = client.get("/")
    assert "bob" in page.text and 'action="/logout"' in page.text
    assert client.post("/logout").location == "/login?signed_out=1"
    assert "signed out" in client.get("/login?signed_out=1").text
    stolen = app.test_client().get("/api/v1/conversations", headers={"Cookie": cookie})
    assert stolen.status_code == 401


def test_a_session_and_a_key_of_one_name_are_one_owner(client: FlaskClient, key: Callable[..., str]) -> None:
    asked = {"prompt": "hi", "provider": "mock"}
    posted = client.post("/api/v1/messages", json=asked, headers=by(key("bob"))).get_json()
    assert client.get(f"/api/v1/messages/{posted['id']}", headers=by(key("eve"))).status_code == 404
    assert client.get(f"/api/v1/messages/{posted['id']}", headers=by(key("root", "admin"))).status_code == 404
    client.post("/login", data={"key": key("bob")})
    assert client.get(f"/api/v1/messages/{posted['id']}").status_code == 200


def test_the_login_takes_no_large_form_and_no_other_site_s(client: FlaskClient, key: Callable[..., str]) -> None:
    assert client.post("/login", data={"key": "x" * 20_000}).status_code == 413
    foreign = client.post("/login", data={"key": key()}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403


def test_without_login_there_is_no_form(tmp_path: Path) -> None:
    app = create_app(Settings(data=tmp_path, log_url="memory:"), start=False)
    client = app.test_client()
    assert client.get("/login").location == "/" and client.post("/login").location == "/"
    assert 'action="/logout"' not in client.get("/").text
    app.extensions[EXTENSION].close()


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "/\\evil.example", "https://evil.example/", "\\\\evil", "/\t/evil", "x", "", "/\n"]
)
def test_after_the_login_nobody_is_sent_elsewhere(wanted: str) -> None:
    assert local_path(wanted) == "/"


def test_what_is_for_admins_is_refused_to_users(app: Flask, key: Callable[..., str]) -> None:
    view = endpoint(lambda view: view, answers={200: (JSON,)}, admin=True)(lambda: "seen")
    app._got_first_request = False  # this test's view is added late
    app.add_url_rule("/for-admins", "for_admins", view)
    client = app.test_client()
    assert client.get("/for-admins").status_code == 401
    refused = client.get("/for-admins", headers=by(key("bob")))
    assert refused.status_code == 403 and "admin" in refused.get_json()["error"]["message"]
    assert client.get("/for-admins", headers=by(key("root", "admin"))).text == "seen"


def test_a_revoked_key_ends_what_it_waits_for(
    client: FlaskClient, service: ChatService, key: Callable[..., str]
) -> None:
    asked = {"model": "mock/silent", "messages": [{"role": "user", "content": "hi"}]}
    waiting = gevent.spawn(client.post, "/v1/chat/completions", json=asked, headers=by(key("bob")))
    soon(lambda: service.conversations.unfinished(inf))
    StoredKeys(service.database.engine).revoke("bob")
    assert waiting.get(timeout=BOUND_S).status_code == 200
    assert not service.conversations.unfinished(inf)


def test_every_view_that_needs_no_login_is_meant_to(app: Flask) -> None:
    """A new one is closed until somebody opens it, and this list says which are."""
    opened = {name for name, view in app.view_functions.items() if authentication.is_open(view)}
    login = {"login.show", "login.sign_in", "login.sign_out", "login.come_back"}
    by_link = {name for name in opened if name.startswith("shared.")}
    of_nobody = {"health.healthz", "health.readyz", "languages.choose", "diagram.frame"}
    assert opened == {*of_nobody, *login, *by_link} and len(by_link) == 5
