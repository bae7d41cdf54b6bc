"""Failures before the first byte: the shape that each client understands, and always a trace id."""

from collections.abc import Iterator

import pytest
from flask import Flask

from chatapp.app import create_app
from chatapp.errors import RateLimited, Unreachable
from chatapp.service import ChatService
from chatapp.settings import Settings
from chatapp.web import EXTENSION

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    app = create_app(Settings(data=tmp_path_factory.mktemp("errors"), log_url="memory:"))

    @app.get("/api/v1/limited")
    def limited() -> str:
        raise RateLimited("slow down", 429, 1.2)

    @app.get("/api/v1/away")
    def away() -> str:
        raise Unreachable("nobody there")

    @app.get("/api/v1/broken")
    def broken() -> str:
        raise ZeroDivisionError("a secret")

    yield app
    service: ChatService = app.extensions[EXTENSION]
    service.drain(0)
    service.close()


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/embeddings", 404), ("GET", "/v1/messages", 405)])
def test_an_address_that_is_not_there_is_named(app: Flask, method: str, path: str, status: int) -> None:
    response = app.test_client().open(path, method=method)
    assert response.status_code == status
    assert response.get_json()["error"]["message"].startswith(f"{method} {path}: ")


def test_our_own_clients_get_code_message_and_trace_id(app: Flask) -> None:
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    response = app.test_client().get("/api/v1/messages/none", headers=headers)
    assert response.status_code == 404 and response.headers["X-Trace-Id"] == TRACE
    assert response.get_json() == {"error": {"code": "not_found", "message": "no such message", "trace_id": TRACE}}


@pytest.mark.parametrize(("path", "type"), [("/v1/responses/none", None), ("/v1/messages", "error")])
def test_the_clients_of_other_protocols_get_their_own_shape(app: Flask, path: str, type: str | None) -> None:
    response = app.test_client().post(path, json={"messages": []}) if type else app.test_client().get(path)
    body = response.get_json()
    assert response.status_code in (400, 404, 422) and body.get("type") == type
    assert {"message", "type"} <= body["error"].keys() and "trace_id" not in body["error"]


def test_a_browser_gets_a_page(app: Flask) -> None:
    response = app.test_client().get("/nowhere", headers={"Accept": "text/html"})
    assert response.status_code == 404 and response.mimetype == "text/html"
    assert response.headers["X-Trace-Id"] in response.text


def test_a_wrong_method_names_the_right_ones(app: Flask) -> None:
    response = app.test_client().put("/api/v1/messages")
    assert response.status_code == 405 and "POST" in response.headers["Allow"]


def test_a_client_is_told_when_to_try_again(app: Flask) -> None:
    limited, away = app.test_client().get("/api/v1/limited"), app.test_client().get("/api/v1/away")
    assert limited.headers["Retry-After"] == "2"
    assert away.status_code >= 500 and away.headers["X-Should-Retry"] == "true"


def test_what_nobody_expected_is_told_without_its_words(app: Flask) -> None:
    response = app.test_client().get("/api/v1/broken")
    assert response.status_code == 500 and response.get_json()["error"]["code"] == "internal_error"
    assert "secret" not in response.text
