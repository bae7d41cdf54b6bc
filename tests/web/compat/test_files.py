"""A file within a request that begins nothing is stored nowhere."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from chatapp.service import ChatService
from chatapp.storage.conversations import Conversations
from chatapp.web import EXTENSION

PART = {"type": "input_file", "filename": "gone.txt", "file_data": "YQ=="}
CHAT_PART = {"type": "file", "file": {"filename": "gone.txt", "file_data": "YQ=="}}
ASKED = {"model": "mock/words", "input": [{"role": "user", "content": [PART]}]}


def stored(service: ChatService) -> int:
    with service.database.engine.connect() as connection:
        count: int = connection.scalar(text("SELECT count(*) FROM uploads")) or 0
        return count


@pytest.mark.parametrize("more", [{"conversation": "conv_none"}, {"previous_response_id": "resp_none"}])
def test_a_refused_request_stores_no_file(client: FlaskClient, service: ChatService, more: dict[str, str]) -> None:
    assert client.post("/v1/responses", json={**ASKED, **more}).status_code == 404
    assert stored(service) == 0
    assert client.post("/v1/responses", json=ASKED).status_code == 200
    assert stored(service) == 1


TEXT_PART = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}}


@pytest.mark.parametrize(
    ("path", "messages", "part", "field"),
    [
        ("/v1/responses", "input", PART, "file_data"),
        ("/v1/chat/completions", "messages", CHAT_PART, "file.file_data"),
        ("/v1/messages", "messages", TEXT_PART, "source.data"),
    ],
)
def test_a_file_too_many_is_refused_by_the_field_that_the_client_sent(
    path: str, messages: str, part: object, field: str, client: FlaskClient, service: ChatService
) -> None:
    narrow = Conversations(service.database.engine, max_attached_bytes=1)
    client.application.extensions[EXTENSION] = replace(service, conversations=narrow)
    said = {messages: [{"role": "user", "content": [part, part]}]}
    refused = client.post(path, json={"model": "mock/words", "max_tokens": 9, **said})
    assert refused.status_code == 400
    sentence = f"{messages}[0].content[1].{field}: the conversation's files would have 2 bytes"
    assert refused.get_json()["error"]["message"].startswith(sentence)


def test_a_response_that_is_not_stored_leaves_no_file(client: FlaskClient, service: ChatService) -> None:
    answer = client.post("/v1/responses", json={**ASKED, "store": False}).get_json()
    assert "gone.txt" in answer["output"][0]["content"][0]["text"] and stored(service) == 0
