"""The model in a reply, for clients that compare it with the one they asked for."""

import json

import pytest
from flask.testing import FlaskClient

HI = [{"role": "user", "content": "hi"}]
ENDPOINTS = {
    "/v1/chat/completions": {"messages": HI, "max_tokens": 2},
    "/v1/messages": {"messages": HI, "max_tokens": 2},
    "/v1/responses": {"input": HI, "max_output_tokens": 2},
}


def models(client: FlaskClient, path: str, **asked: object) -> set[str]:
    """The models named in the reply: whole, and in every frame of the stream that names one."""
    body = {**ENDPOINTS[path], **asked}
    whole = client.post(path, json=body).get_json()
    streamed = client.post(path, json={**body, "stream": True}).get_data(as_text=True)
    frames = [line.removeprefix("data: ") for line in streamed.splitlines() if line.startswith("data: {")]
    objects = [json.loads(frame) for frame in frames]
    inner = [object.get("response") or object.get("message") or object for object in objects]
    named = [object["model"] for object in inner if "model" in object]
    assert named
    return {whole["model"], *named}


@pytest.mark.parametrize("path", ENDPOINTS)
def test_the_reply_names_the_model_in_the_client_s_words(client: FlaskClient, path: str) -> None:
    assert models(client, path, model="mock/words") == {"mock/words"}
    assert models(client, path, model="words") == {"words"}


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_client_that_names_no_model_is_told_the_one_that_answers(client: FlaskClient, path: str) -> None:
    assert models(client, path, provider="mock") == {"words"}


def test_a_response_that_is_fetched_again_names_the_same_model(client: FlaskClient) -> None:
    begun = client.post("/v1/responses", json={"model": "mock/words", "input": "hi", "max_output_tokens": 2})
    assert client.get(f"/v1/responses/{begun.get_json()['id']}").get_json()["model"] == "mock/words"
