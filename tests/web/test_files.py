"""Pictures and sources of an answer, over HTTP: in the message, and the bytes for its owner alone."""

from typing import Any

import pytest
from drivers import an_answer
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from waiting import soon

from chatapp.chat import Ask, Message
from chatapp.events import File
from chatapp.providers.mock.media import SOURCES, picture
from chatapp.service import ChatService

ASKED = {"provider": "mock", "model": "media", "prompt": "hi"}


@pytest.fixture
def answered(client: FlaskClient) -> dict[str, Any]:
    """The mock's answer with a picture, as JSON, once it has ended. Its owner has a cookie."""
    client.get("/")
    id = client.post("/api/v1/messages", json=ASKED).get_json()["id"]

    def ended() -> Any:
        message = client.get(f"/api/v1/messages/{id}").get_json()
        return message if message["status"] == "done" else None

    found: dict[str, Any] = soon(ended)
    return found


def test_a_message_lists_its_sources_and_files(answered: dict[str, Any]) -> None:
    first, second = SOURCES
    assert answered["sources"] == [
        {"id": "src_1", "url": first.url, "title": "The sky", "quote": first.quote, "start": 0, "end": 15},
        {"id": "src_2", "url": second.url, "title": "Grass", "quote": "", "start": 25, "end": 43},
    ]
    url = f"/api/v1/messages/{answered['id']}/files/file_1"
    assert answered["files"] == [{"id": "file_1", "media_type": "image/png", "name": "sky-and-grass.png", "url": url}]
    assert answered["content"][first.start : first.end] == "The sky is blue"


def test_its_owner_gets_the_bytes_and_a_browser_may_show_them(client: FlaskClient, answered: dict[str, Any]) -> None:
    got = client.get(answered["files"][0]["url"])
    assert (got.status_code, got.data, got.mimetype) == (200, picture(), "image/png")
    assert got.headers["Content-Disposition"] == 'inline; filename="file_1.png"'
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "private" in got.headers["Cache-Control"]
    assert client.head(answered["files"][0]["url"]).status_code == 200


def test_everybody_else_gets_404(app: Flask, answered: dict[str, Any]) -> None:
    other = app.test_client()
    assert other.get(answered["files"][0]["url"]).status_code == 404
    other.get("/")
    assert other.get(answered["files"][0]["url"]).status_code == 404


def test_a_file_that_is_not_there_is_404(client: FlaskClient, answered: dict[str, Any]) -> None:
    assert client.get(answered["files"][0]["url"] + "0").status_code == 404


@pytest.mark.parametrize("media_type", ["image/svg+xml", "text/html", "application/pdf", "image/png; x", "image/*"])
def test_what_could_hold_a_script_is_saved_and_not_shown(
    client: FlaskClient, service: ChatService, media_type: str
) -> None:
    client.get("/")
    id = client.post("/api/v1/messages", json={**ASKED, "model": "words", "max_tokens": 1}).get_json()["id"]
    owner = soon(lambda: _owner(service, id))
    begun = service.conversations.begin(Ask(said=[Message("user", "hi")]), owner, "mock", "media")
    file = File("file_1", media_type, '"><script>', b"<script>")
    service.conversations.finish(begun.answer.id, an_answer(file, run_id=begun.answer.id))
    got = client.get(f"/api/v1/messages/{begun.answer.id}/files/file_1")
    assert (got.data, got.mimetype) == (b"<script>", "application/octet-stream")
    assert got.headers["Content-Disposition"] == 'attachment; filename="file_1"'


def _owner(service: ChatService, id: str) -> str:
    with service.database.engine.connect() as connection:
        return str(connection.execute(text("SELECT owner FROM messages WHERE id = :id"), {"id": id}).scalar_one())


def test_a_whole_answer_of_chat_completions_has_both(client: FlaskClient) -> None:
    asked = {"model": "mock/media", "messages": [{"role": "user", "content": "hi"}]}
    message = client.post("/v1/chat/completions", json=asked).get_json()["choices"][0]["message"]
    assert [one["url_citation"]["url"] for one in message["annotations"]] == [source.url for source in SOURCES]
    assert message["images"][0]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    again = client.post(
        "/v1/chat/completions", json={**asked, "messages": [*asked["messages"], message, *asked["messages"]]}
    )
    assert again.status_code == 200, "a client sends the message back as it came"


def test_a_response_that_is_fetched_later_still_holds_the_picture(
    client: FlaskClient, answered: dict[str, Any]
) -> None:
    output = client.get(f"/v1/responses/{answered['id'].replace('msg_', 'resp_')}").get_json()["output"]
    assert [item["type"] for item in output] == ["message", "image_generation_call"]
    assert output[1]["result"].startswith("iVBOR")


def test_an_answer_that_is_not_streamed_tells_of_both(client: FlaskClient) -> None:
    body = client.post("/api/chat", json={**ASKED, "stream": False}).get_json()
    assert [source["id"] for source in body["sources"]] == ["src_1", "src_2"]
    assert body["files"][0]["url"].startswith("/api/v1/messages/msg_")
    words = client.post("/api/chat", json={**ASKED, "model": "words", "stream": False, "max_tokens": 2}).get_json()
    assert "sources" not in words and "files" not in words
