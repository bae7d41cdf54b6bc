"""A file within a request that begins nothing is stored nowhere."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from chatapp.service import ChatService

PART = {"type": "input_file", "filename": "gone.txt", "file_data": "YQ=="}
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


def test_a_response_that_is_not_stored_leaves_no_file(client: FlaskClient, service: ChatService) -> None:
    answer = client.post("/v1/responses", json={**ASKED, "store": False}).get_json()
    assert "gone.txt" in answer["output"][0]["content"][0]["text"] and stored(service) == 0
