"""What a client sends is bounded by count and by length, not by bytes alone, in every protocol."""

from typing import Any

import pytest
from flask.testing import FlaskClient

TURN = {"role": "user", "content": "a"}
UI_TURN = {"role": "user", "parts": [{"type": "text", "text": "a"}]}
MANY, LONG = 6_000, "gpt-5" * 48_000
PROTOCOLS = [
    ("/chat/stream", "messages", TURN, {}),
    ("/chat", "messages", TURN, {}),
    ("/api/chat", "messages", TURN, {}),
    ("/ask/stream", "messages", TURN, {}),
    ("/api/v1/messages", "messages", TURN, {}),
    ("/v1/chat/completions", "messages", TURN, {}),
    ("/v1/messages", "messages", TURN, {"max_tokens": 9}),
    ("/v1/messages/count_tokens", "messages", TURN, {}),
    ("/v1/responses", "input", TURN, {}),
    ("/api/ui/chat", "messages", UI_TURN, {"id": "mine"}),
    ("/api/agui", "messages", TURN, {"threadId": "t", "runId": "r"}),
]


def message(refused: Any) -> str:
    assert refused.status_code in (400, 422), refused.text
    found: str = refused.get_json()["error"]["message"]
    assert len(found) < 300
    return found


@pytest.mark.parametrize(("path", "field", "turn", "more"), PROTOCOLS)
def test_too_many_messages_are_refused_by_their_number(
    shared_client: FlaskClient, path: str, field: str, turn: dict[str, Any], more: dict[str, Any]
) -> None:
    assert f"{field}: {MANY} are too many" in message(shared_client.post(path, json={field: [turn] * MANY, **more}))


@pytest.mark.parametrize(("path", "field", "turn", "more"), PROTOCOLS)
def test_a_model_s_name_of_240_kb_is_refused_and_not_shown(
    shared_client: FlaskClient, path: str, field: str, turn: dict[str, Any], more: dict[str, Any]
) -> None:
    asked: dict[str, Any] = {field: [turn], "model": LONG, **more}
    if path == "/api/agui":
        asked = {field: [turn], "forwardedProps": {"model": LONG}, **more}
    assert "model" in message(shared_client.post(path, json=asked))


@pytest.mark.parametrize("path", ["/chat?prompt=a", "/api/chat?prompt=a", "/ask/stream?question=a"])
@pytest.mark.parametrize("name", ["model", "provider", "agent", "conversation_id"])
def test_a_long_name_in_a_query_is_refused_and_not_shown(shared_client: FlaskClient, path: str, name: str) -> None:
    assert name in message(shared_client.get(f"{path}&{name}={'a' * 3000}"))


def test_millions_of_values_are_refused_before_they_are_made(shared_client: FlaskClient) -> None:
    lists = b'{"messages":[],"tools":[' + b"[]," * 2_000_000 + b"[]]}"
    refused = shared_client.post("/v1/chat/completions", data=lists, content_type="application/json")
    assert "max_body_values" in message(refused)


def test_millions_of_texts_are_refused_before_they_are_made(shared_client: FlaskClient) -> None:
    for text in (b'"a",', b'"\\\\",'):  # a backslash, which is escaped, before the quote
        texts = b'{"messages":[],"stop":[' + text * 1_200_000 + b'""]}'
        refused = shared_client.post("/v1/chat/completions", data=texts, content_type="application/json")
        assert "max_body_values" in message(refused)


def test_a_text_full_of_quotes_is_one_text(shared_client: FlaskClient) -> None:
    quotes = 'he said "hi", and "no",' * 50_000
    said = {"model": "mock/words", "max_tokens": 1, "messages": [{"role": "user", "content": quotes}]}
    assert shared_client.post("/v1/chat/completions", json=said).status_code == 200


PARTS = [{"type": "text", "text": "a"}] * 2001
IN_PARTS = [
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": PARTS}]}),
    ("/v1/messages", {"max_tokens": 9, "messages": [{"role": "user", "content": PARTS}]}),
    ("/v1/responses", {"input": [{"role": "user", "content": PARTS}]}),
    ("/api/ui/chat", {"id": "mine", "messages": [{"role": "user", "parts": PARTS}]}),
    ("/api/agui", {"threadId": "t", "runId": "r", "messages": [{"id": "1", "role": "user", "content": PARTS}]}),
]


@pytest.mark.parametrize(("path", "asked"), IN_PARTS)
def test_a_message_of_thousands_of_parts_is_refused_by_its_field(
    shared_client: FlaskClient, path: str, asked: dict[str, Any]
) -> None:
    assert "[0]." in message(shared_client.post(path, json={"model": "mock/words", **asked}))


@pytest.mark.parametrize("metadata", [{f"k{n}": "v" for n in range(17)}, {"k" * 65: "v"}, {"k": "v" * 513}])
@pytest.mark.parametrize(("path", "more"), [("/v1/responses", {"input": "a"}), ("/v1/conversations", {})])
def test_metadata_is_bounded_as_openai_bounds_it(
    shared_client: FlaskClient, path: str, more: dict[str, str], metadata: dict[str, str]
) -> None:
    assert message(shared_client.post(path, json={"metadata": metadata, **more})).startswith("metadata")


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/chat/stream", {"prompt": "a", "tools": ["calculate"] * 1001}),
        (
            "/v1/responses",
            {
                "input": "a",
                "tools": [{"type": "namespace", "name": "n", "tools": [{"name": f"f{n}"} for n in range(1001)]}],
            },
        ),
    ],
)
def test_too_many_tools_are_refused(shared_client: FlaskClient, path: str, asked: dict[str, Any]) -> None:
    assert "tools" in message(shared_client.post(path, json=asked))


def test_a_conversation_has_an_end(shared_client: FlaskClient) -> None:
    asked = {"provider": "mock", "messages": [TURN] * 2600}
    first = shared_client.post("/api/v1/messages", json=asked).get_json()
    again = shared_client.post("/api/v1/messages", json={**asked, "conversation_id": first["conversation_id"]})
    assert "max_messages" in message(again)


def test_what_is_shown_of_a_long_value_is_short(shared_client: FlaskClient) -> None:
    turn = {"role": "tool", "tool_call_id": "x" * 100_000, "content": "a"}
    refused = shared_client.post("/v1/chat/completions", json={"messages": [turn]}).get_json()["error"]["message"]
    assert refused.startswith("messages: tool result for unknown call 'xxx") and len(refused) < 2000
