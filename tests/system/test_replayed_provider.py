"""A front end without a key: a recorded body is served as if its provider spoke, and refuses what it could not carry."""

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

EVENTS = [
    {"type": "message_start", "message": {"usage": {"input_tokens": 3}}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
    *({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": f" {n}"}} for n in range(20)),
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 21}},
    {"type": "message_stop"},
]
BODY = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in EVENTS)
CONFIG = '[providers.recorded]\ntype = "replay"\npath = "reply.sse"\nprotocol = "anthropic"\n'


@pytest.fixture(scope="module")
def recorded_server(module_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "reply.sse").write_text(BODY)
    (folder / "chatapp.toml").write_text(CONFIG.replace("reply.sse", str(folder / "reply.sse")))
    return module_server(CHATAPP_CONFIG=str(folder / "chatapp.toml"))


@pytest.fixture
def client(recorded_server: Any) -> Any:
    return recorded_server.client(browser=True)


def test_a_recorded_body_is_streamed_by_the_providers_name(client: Any) -> None:
    body = {"provider": "recorded", "prompt": "hi"}
    stream = client.stream("POST", "/chat/stream", json=body)
    events = stream.to_end()

    assert "".join(event.data for event in events if event.type == "token") == "".join(f" {n}" for n in range(20))
    done = json.loads(events[-1].data)
    assert (done["provider"], done["model"], done["usage"]["total"]) == ("recorded", "reply", 24)
    assert done["first_token_ms"] < done["latency_ms"]  # word by word, not in one lump


def test_what_the_protocol_cannot_carry_is_refused_before_anything_is_stored(client: Any) -> None:
    body = {"provider": "recorded", "prompt": "hi", "temperature": 1.5}
    for path in ("/chat/stream", "/api/v1/messages"):
        response = client.post(path, body)
        assert response.status_code == 422
        assert response.json()["error"]["code"] == "invalid_field"
        assert response.json()["error"]["message"].startswith("temperature: recorded")
    assert client.json("/api/v1/conversations")["conversations"] == []
