"""Nothing of a request, or of the run that it begins, waits for the garbage collector: it would hold
its response, and the text of the answer."""

import pytest
from flask.testing import FlaskClient
from garbage import left_by

ASK = {"provider": "mock", "prompt": "hi", "max_tokens": 3}
REQUESTS = {
    "without a cookie": lambda client: client.get("/api/v1/conversations"),
    "with a forged cookie": lambda client: client.get("/api/v1/conversations", headers={"Cookie": "chatapp_owner=x.y"}),
    "not found": lambda client: client.get("/api/v1/messages/msg_none"),
    "refused": lambda client: client.post("/api/v1/messages", json={"prompt": 1}),
    "streamed": lambda client: client.post("/chat/stream", json=ASK).data,
    "followed": lambda client: client.get(client.post("/api/v1/messages", json=ASK).json["events_url"]).data,
    "failed": lambda client: client.post("/chat/stream", json={**ASK, "model": "error"}).data,
    "chat completions": lambda client: client.post(
        "/v1/chat/completions", json={"model": "mock/words", "messages": [{"role": "user", "content": "hi"}]}
    ),
}


@pytest.mark.parametrize("request_name", REQUESTS)
def test_a_request_leaves_no_circles(shared_client: FlaskClient, request_name: str) -> None:
    assert not left_by(lambda: REQUESTS[request_name](shared_client))
