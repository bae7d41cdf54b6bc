"""Reading goes on beside any writer: nothing that only looks takes the database's lock."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from waiting import soon

from chatapp.exchange import KeptConversation
from chatapp.quotas.turns import requester
from chatapp.service import ChatService
from chatapp.storage.archive import Archive
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import FILE

NEVER_ENDS = {"/api/v1/base/sse_probe"}
STARTS_A_RUN = {"/chat", "/api/chat", "/ask/stream"}


@pytest.fixture
def known(client: FlaskClient) -> dict[str, str]:
    """Ids for the routes: a conversation with an answer."""
    posted = client.post("/api/v1/messages", json={"prompt": "hi", "provider": "mock", "max_tokens": 2}).get_json()
    soon(lambda: client.get(f"/api/v1/messages/{posted['id']}").get_json()["status"] == "done")
    return {"conversation_id": posted["conversation_id"], "message_id": posted["id"], "id": posted["id"]}


@pytest.fixture
def busy(client: FlaskClient, known: dict[str, str], tmp_path: Path) -> Iterator[None]:
    """Another process writes for as long as the test takes."""
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        yield
        writer.execute("ROLLBACK")


def test_what_the_body_of_a_response_reads_is_its_callers(
    client: FlaskClient, service: ChatService, known: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Postgres an owner has a share of the connections."""
    owners: list[str] = []
    read, ping = Archive.read, Conversations.ping

    def read_and_note(archive: Archive, owner: str, conversation_id: str) -> KeptConversation:
        owners.append(requester.get())
        return read(archive, owner, conversation_id)

    def ping_and_note(conversations: Conversations) -> None:
        owners.append(requester.get())
        ping(conversations)

    monkeypatch.setattr(Archive, "read", read_and_note)
    monkeypatch.setattr(Conversations, "ping", ping_and_note)
    assert client.get("/api/v1/conversations/export").data
    assert client.get("/readyz").status_code == 200, "nobody's, on the same connection"
    assert owners[0] and owners[1:] == [""]
    assert service.archive.ids(owners[0]) == [known["conversation_id"]]


def test_every_get_answers_while_another_process_writes(
    app: Flask, client: FlaskClient, known: dict[str, str], busy: None
) -> None:
    asked = 0
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.rule in NEVER_ENDS | STARTS_A_RUN:
            continue
        path = rule.rule
        for argument in rule.arguments:
            for converter in (f"<{argument}>", f"<path:{argument}>"):
                path = path.replace(converter, known.get(argument, "unknown"))
        with client.get(path) as response:
            response.get_data()
        assert response.status_code < 500, (path, response.get_data(as_text=True))
        asked += response.status_code == 200
    assert asked > 12
