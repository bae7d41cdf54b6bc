"""Versions of answers and questions, over HTTP."""

from typing import Any

import pytest
from flask.testing import FlaskClient


def asked(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    response = client.post("/api/v1/messages", json={"provider": "mock", "max_tokens": 3, **fields})
    assert response.status_code == 202, response.text
    posted: dict[str, Any] = response.get_json()
    assert client.get(posted["events_url"]).data  # until its end
    return posted


def shown(client: FlaskClient, posted: dict[str, Any]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = client.get(f"/api/v1/conversations/{posted['conversation_id']}").get_json()[
        "messages"
    ]
    return messages


def test_an_answer_has_versions_and_one_of_them_is_shown(client: FlaskClient) -> None:
    first = asked(client, prompt="hi")
    second = asked(client, retry_of=first["id"])
    question, answer = shown(client, first)
    ids = [first["id"], second["id"]]
    assert answer["id"] == second["id"] and answer["parent"] == question["id"]
    assert answer["versions"] == {"index": 2, "count": 2, "ids": ids}
    assert question["versions"]["count"] == 1
    listed = client.get(f"/api/v1/messages/{first['id']}/versions").get_json()["versions"]
    assert [(version["id"], version["versions"]["index"]) for version in listed] == [(ids[0], 1), (ids[1], 2)]
    chosen = client.post(f"/api/v1/messages/{first['id']}/choose").get_json()
    assert [message["id"] for message in chosen["messages"]] == [question["id"], first["id"]]
    assert shown(client, first) == chosen["messages"]


def test_a_question_is_edited_into_a_branch(client: FlaskClient) -> None:
    first = asked(client, prompt="hi")
    later = asked(client, prompt="more", conversation_id=first["conversation_id"])
    question = shown(client, first)[0]["id"]
    edited = asked(client, edit_of=question, prompt="hello")
    assert [message["content"] for message in shown(client, first) if message["role"] == "user"] == ["hello"]
    assert edited["conversation_id"] == first["conversation_id"]
    client.post(f"/api/v1/messages/{later['id']}/choose")
    assert [message["content"] for message in shown(client, first) if message["role"] == "user"] == ["hi", "more"]


def test_an_answer_that_was_cut_off_is_continued(client: FlaskClient) -> None:
    cut = asked(client, prompt="hi")
    assert shown(client, cut)[-1]["finish_reason"] == "length"
    rest = asked(client, continue_of=cut["id"])
    *_, first, second = shown(client, cut)
    assert (first["id"], second["id"]) == (cut["id"], rest["id"])
    assert first["continues"] is None and second["continues"] == cut["id"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"retry_of": "a", "edit_of": "b"}, "edit_of"),
        ({"continue_of": "a", "prompt": "hi"}, "continue_of"),
        ({"edit_of": "a"}, "prompt"),
    ],
)
def test_nonsense_is_refused_by_name(client: FlaskClient, fields: dict[str, str], field: str) -> None:
    refused = client.post("/api/v1/messages", json=fields)
    assert refused.status_code == 422 and refused.get_json()["error"]["message"].startswith(f"{field}: ")


@pytest.mark.parametrize("field", ["retry_of", "edit_of", "continue_of"])
def test_what_is_not_there_is_not_found(client: FlaskClient, field: str) -> None:
    said = {"prompt": "hi"} if field == "edit_of" else {}
    assert client.post("/api/v1/messages", json={field: "msg_none", **said}).status_code == 404
    assert client.post("/api/v1/messages/msg_none/choose").status_code == 404
