"""Conversations by pages, with pins and marks; search; settings of a conversation."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from chatapp.service import ChatService
from chatapp.storage.searching import SLICE


def asked(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    posted: dict[str, Any] = client.post(
        "/api/v1/messages", json={"provider": "mock", "max_tokens": 2, **fields}
    ).get_json()
    assert client.get(posted["events_url"]).data  # until its end
    return posted


def found(client: FlaskClient, path: str) -> dict[str, Any]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.get_json()
    return body


def listed(client: FlaskClient, conversation_id: str) -> dict[str, Any]:
    conversations = found(client, "/api/v1/conversations")["conversations"]
    return next(each for each in conversations if each["id"] == conversation_id)


def test_the_pages_of_the_list_are_all_of_it_once(client: FlaskClient) -> None:
    ids = [asked(client, prompt=f"question {number}")["conversation_id"] for number in range(5)]
    pages, before = [], ""
    while before is not None:
        page = found(client, f"/api/v1/conversations?limit=2&before={before}")
        pages.append([each["id"] for each in page["conversations"]])
        before = page["next"]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [id for page in pages for id in page] == ids[::-1]
    assert client.get("/api/v1/conversations?before=x").status_code == 422


def test_a_pin_stands_in_the_list_until_it_is_taken_away(client: FlaskClient) -> None:
    first, second = (asked(client, prompt=said)["conversation_id"] for said in ("one", "two"))
    assert client.put(f"/api/v1/conversations/{first}/pin").get_json()["pinned"]
    pinned = found(client, "/api/v1/conversations?pinned=true")["conversations"]
    others = found(client, "/api/v1/conversations?pinned=false")["conversations"]
    assert [each["id"] for each in pinned] == [first] and [each["id"] for each in others] == [second]
    client.delete(f"/api/v1/conversations/{first}/pin")
    assert not listed(client, first)["pinned"]


def test_the_list_begins_with_the_pinned_ones(client: FlaskClient) -> None:
    ids = [asked(client, prompt=f"question {number}")["conversation_id"] for number in range(4)]
    client.put(f"/api/v1/conversations/{ids[0]}/pin")
    first = found(client, "/api/v1/conversations?pinned=first&limit=2")
    assert [each["id"] for each in first["conversations"]] == [ids[0], ids[3], ids[2]]
    second = found(client, f"/api/v1/conversations?pinned=first&limit=2&before={first['next']}")
    assert [each["id"] for each in second["conversations"]] == [ids[1]] and second["next"] is None


def test_a_deleted_conversation_is_not_there_until_it_is_brought_back(client: FlaskClient) -> None:
    posted = asked(client, prompt="needle")
    path = f"/api/v1/conversations/{posted['conversation_id']}"
    link = client.post(f"{path}/share").get_json()["path"]
    assert client.delete(path).status_code == 204
    for gone in (path, f"{path}/messages", f"/api/v1/messages/{posted['id']}", posted["events_url"], link):
        assert client.get(gone).status_code == 404
    assert found(client, "/api/v1/search?q=needle") == {
        "conversations": [],
        "hits": [],
        "next": None,
        "indexing": False,
    }
    assert found(client, "/api/v1/conversations")["conversations"] == []
    other = client.application.test_client()
    other.get("/")
    assert other.post(f"{path}/restore").status_code == 404
    assert client.post(f"{path}/restore").get_json()["title"] == "needle"
    assert client.post(f"{path}/restore").status_code == 404
    assert len(found(client, path)["messages"]) == 2 and client.get(link).status_code == 200
    assert [hit["id"] for hit in found(client, "/api/v1/search?q=needle")["conversations"]] == [
        posted["conversation_id"]
    ]


def test_an_answer_is_unread_until_it_was_seen(client: FlaskClient) -> None:
    posted = asked(client, prompt="hi")
    conversation_id = posted["conversation_id"]
    assert listed(client, conversation_id)["unread"] and not listed(client, conversation_id)["running"]
    seen = f"/api/v1/conversations/{conversation_id}/seen"
    assert client.put(seen, json={"message_id": posted["id"]}).status_code == 204
    assert not listed(client, conversation_id)["unread"]
    assert client.put(seen, json={"message_id": "msg_none"}).status_code == 422
    running = client.post(
        "/api/v1/messages", json={"provider": "mock", "prompt": "go on", "conversation_id": conversation_id}
    ).get_json()
    assert listed(client, conversation_id)["running"] and not listed(client, conversation_id)["unread"]
    client.post(f"/api/v1/messages/{running['id']}/cancel")


def test_the_messages_of_a_conversation_come_by_pages(client: FlaskClient) -> None:
    conversation_id = asked(client, prompt="one")["conversation_id"]
    asked(client, prompt="two", conversation_id=conversation_id)
    whole = found(client, f"/api/v1/conversations/{conversation_id}")["messages"]
    path = f"/api/v1/conversations/{conversation_id}/messages?limit=3"
    last = found(client, path)
    first = found(client, f"{path}&before={last['next']}")
    assert first["messages"] + last["messages"] == whole and first["next"] is None


@pytest.mark.parametrize("query", ["Zugspitze", "zugSPITZE weather", "\u5929\u6c14", '100% "of', "a_b", "ÄPFEL"])
def test_words_are_found_in_any_language_and_marked(client: FlaskClient, query: str) -> None:
    said = 'The weather on the Zugspitze: 天气 is 100% "of a_b, and Äpfel. ' + "More words follow here. " * 20
    posted = asked(client, prompt=said)
    asked(client, prompt="something else, axb, 100 of")
    response = client.get("/api/v1/search", query_string={"q": query})
    hits = [hit for hit in response.get_json()["hits"] if hit["role"] == "user"]
    assert [hit["conversation_id"] for hit in hits] == [posted["conversation_id"]]
    [hit] = hits
    marked = {piece["text"].lower() for piece in hit["snippet"] if piece.get("mark")}
    assert marked == {word.lower() for word in query.split()}
    assert "".join(piece["text"] for piece in hit["snippet"]) in said


@pytest.mark.parametrize("query", ['"', "*", "NEAR(", "a AND OR", "\\", "%", "_", "'; --", "(", "-x", "x:y", "^"])
def test_no_word_is_a_syntax_error(client: FlaskClient, query: str) -> None:
    assert found(client, f"/api/v1/search?q={query.replace('%', '%25')}")["hits"] == []


def test_nobody_finds_what_others_said(client: FlaskClient) -> None:
    asked(client, prompt="secretword")
    other = client.application.test_client()
    other.get("/")  # which gives it a cookie of its own
    assert found(other, "/api/v1/search?q=secretword") == {
        "conversations": [],
        "hits": [],
        "next": None,
        "indexing": False,
    }
    for query in ("", "   ", "x" * 201, "+".join("abcdefghijk")):
        assert other.get(f"/api/v1/search?q={query}").status_code == 422


def test_a_search_goes_on_behind_its_cursor(client: FlaskClient) -> None:
    messages = [{"role": "user", "content": f"needle {number}"} for number in range(2 * SLICE)]
    asked(client, messages=messages, max_tokens=1)
    texts, before = [], ""
    while before is not None:
        page = found(client, f"/api/v1/search?q=needle&limit=1&before={before}")
        texts += ["".join(piece["text"] for piece in hit["snippet"]) for hit in page["hits"] if hit["role"] == "user"]
        before = page["next"]
    assert texts == [message["content"] for message in reversed(messages)]


def test_a_conversation_s_settings_hold_where_a_request_says_nothing(
    client: FlaskClient, service: ChatService, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation_id = asked(client, prompt="hi", model="words")["conversation_id"]
    settings = {"instructions": "Be brief.", "temperature": 0.5, "max_tokens": 1}
    changed = client.put(f"/api/v1/conversations/{conversation_id}/settings", json=settings).get_json()
    assert changed["settings"] == settings
    chats = []
    begin = service.runs.begin

    def noted(run_id: str, trace_id: str, provider: Any, chat: Any) -> None:
        chats.append((provider.name, chat))
        begin(run_id, trace_id, provider, chat)

    monkeypatch.setattr(service.runs, "begin", noted)
    said = {"prompt": "more", "conversation_id": conversation_id}
    client.post("/api/v1/messages", json={**said, "provider": "mock"})
    client.post("/api/v1/messages", json={**said, "temperature": 0, "max_tokens": 2})
    (_, first), (remembered, second) = chats
    assert first.messages[0].role == "system" and first.messages[0].text == "Be brief."
    assert (first.temperature, first.max_tokens) == (0.5, 1)
    assert (second.temperature, second.max_tokens, remembered) == (0, 2, "mock")
    refused = client.put(f"/api/v1/conversations/{conversation_id}/settings", json={"provider": "none"})
    assert refused.status_code == 404


@pytest.mark.parametrize("before", ["msg_" + "f" * 16, "msg_" + "0" * 16, "msg_" + "f" * 64])
def test_any_id_is_a_cursor(client: FlaskClient, before: str) -> None:
    asked(client, prompt="needle")
    hits = found(client, f"/api/v1/search?q=needle&before={before}")["hits"]
    assert len([hit for hit in hits if hit["role"] == "user"]) == ("f" in before)
