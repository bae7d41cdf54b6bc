"""A link shows one conversation, or one answer, to whoever has it, until it is taken back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from flask import Flask
from flask.testing import FlaskClient
from waiting import BOUND_S, soon

from chatapp.app import create_app
from chatapp.service import ChatService
from chatapp.settings import Settings
from chatapp.web import EXTENSION
from chatapp.wire.frames import SSEDecoder

M, C = "/api/v1/messages", "/api/v1/conversations"


@pytest.fixture
def viewer(app: Flask) -> FlaskClient:
    """A client of nobody's, though without login all clients are one owner: it uses links alone."""
    return app.test_client(use_cookies=False)


def asked(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = client.post(M, json={"prompt": "hi", "provider": "mock", **fields}).get_json()
    return body


def done(client: FlaskClient, message_id: str) -> dict[str, Any]:
    def ended() -> Any:
        message = client.get(f"{M}/{message_id}").get_json()
        return message["status"] == "done" and message

    message: dict[str, Any] = soon(ended)
    return message


def shared(client: FlaskClient, path: str) -> str:
    """The path of the link."""
    answer = client.post(f"{path}/share")
    assert answer.status_code == 201 and answer.get_json()["url"].startswith("http://localhost/shared/")
    link: str = answer.get_json()["path"]
    return link


def events(viewer: FlaskClient, path: str, **headers: str) -> list[Any]:
    with viewer.get(path, headers=headers) as stream:
        return list(SSEDecoder().feed(stream.data))


def test_the_viewer_reads_what_was_said_and_not_who_said_it_or_what_it_took(
    client: FlaskClient, viewer: FlaskClient
) -> None:
    messages = [{"role": "system", "content": "SECRET-SYSTEM"}, {"role": "user", "content": "hi"}]
    said = client.post(M, json={"messages": messages, "provider": "mock"}).get_json()
    answer = done(client, said["id"])
    link = shared(client, f"{C}/{said['conversation_id']}")
    page = viewer.get(link)
    assert answer["content"].split("\n")[0] in page.text and page.headers["X-Robots-Tag"] == "noindex"
    seen = viewer.get(f"{link}/messages").get_json()
    assert [message["role"] for message in seen["messages"]] == ["user", "assistant"]
    assert seen["messages"][1]["content"] == answer["content"] and seen["messages"][1]["usage"] is None
    told = json.loads(events(viewer, f"{link}/messages/{said['id']}/events")[-1].data)
    assert told["content"] == answer["content"] and answer["usage"]["total"] > 0
    assert told["usage"] is told["trace_id"] is None
    assert seen["messages"][1]["trace_id"] is None and answer["trace_id"]
    for dialect in ("message", "token", "session", "ag-ui"):
        stream = viewer.get(f"{link}/messages/{said['id']}/events?dialect={dialect}").text
        assert stream and answer["trace_id"] not in stream, dialect
    for text in (page.text, json.dumps(seen)):
        assert answer["trace_id"] not in text
        assert "SECRET-SYSTEM" not in text and "owner" not in text and said["conversation_id"] not in text


def test_what_tools_and_providers_said_stays_with_the_owner(client: FlaskClient, viewer: FlaskClient) -> None:
    said = asked(client, model="tool")
    [tool] = done(client, said["id"])["tools"]
    link = shared(client, f"{M}/{said['id']}")
    [message] = viewer.get(f"{link}/messages").get_json()["messages"]
    assert message["content"] and message["tools"] == []
    for dialect in ("message", "reasoning", "openai", "anthropic", "ui_message"):
        stream = viewer.get(f"{link}/messages/{said['id']}/events?dialect={dialect}").text
        assert stream and tool["id"] not in stream and str(tool["result"]) not in stream, dialect
    raw = viewer.get(f"{link}/messages/{said['id']}/events?dialect=raw_passthrough")
    assert raw.status_code == 422 or "raw" not in raw.text


def test_a_picture_is_served_below_the_link(client: FlaskClient, viewer: FlaskClient) -> None:
    said = asked(client, model="media")
    done(client, said["id"])
    link = shared(client, f"{M}/{said['id']}")
    [message] = viewer.get(f"{link}/messages").get_json()["messages"]
    url = message["files"][0]["url"]
    assert url.startswith(f"{link}/") and viewer.get(url).mimetype == "image/png"
    told = [json.loads(event.data) for event in events(viewer, f"{link}/messages/{said['id']}/events")]
    assert url in [event.get("url") for event in told]


def test_a_file_that_is_only_named_has_no_address_below_the_link(client: FlaskClient, viewer: FlaskClient) -> None:
    said = {"role": "user", "content": "Read it", "created": 1, "files": [{"name": "a.txt"}]}
    kept = {"format": "chatapp-conversation", "version": 1, "title": "", "created": 1, "shown": "1"}
    made = client.post(f"{C}/import", json={**kept, "messages": [{**said, "id": "1"}]}).get_json()
    link = shared(client, f"{C}/{made['id']}")
    [message] = viewer.get(link + "/messages").get_json()["messages"]
    for file in (message["files"][0], message["parts"][0]["file"]):
        assert file["name"] == "a.txt" and file["error"] and "url" not in file


def test_a_viewer_follows_live_resumes_and_stops_nothing(client: FlaskClient, viewer: FlaskClient) -> None:
    said = asked(client)
    link = shared(client, f"{M}/{said['id']}")
    whole = events(viewer, f"{link}/messages/{said['id']}/events")
    assert whole[-1].type == "completed"
    rest = events(viewer, f"{link}/messages/{said['id']}/events", **{"Last-Event-ID": whole[2].last_event_id})
    assert [event.data for event in rest] == [event.data for event in whole[3:]]
    assert done(client, said["id"])["finish_reason"] == "stop"


def test_a_link_to_one_answer_opens_no_other(client: FlaskClient, viewer: FlaskClient) -> None:
    first = asked(client)
    second = asked(client, conversation_id=first["conversation_id"])
    link = shared(client, f"{M}/{first['id']}")
    elsewhere = asked(client)
    for other in (second, elsewhere):
        for below in ("", "/events", "/files/file_1"):
            assert viewer.get(f"{link}/messages/{other['id']}{below}").status_code == 404
    conversation = shared(client, f"{C}/{first['conversation_id']}")
    assert viewer.get(f"{conversation}/messages/{second['id']}").status_code == 200
    assert viewer.get(f"{conversation}/messages/{elsewhere['id']}").status_code == 404


def test_the_link_is_the_same_until_it_is_taken_back(client: FlaskClient, viewer: FlaskClient) -> None:
    path = f"{M}/{asked(client)['id']}"
    assert client.get(f"{path}/share").get_json() == {"url": None, "path": None}
    link = shared(client, path)
    assert shared(client, path) == link == client.get(f"{path}/share").get_json()["path"]
    assert client.delete(f"{path}/share").status_code == 204
    assert viewer.get(link).status_code == 404 and viewer.get(f"{link}/messages").status_code == 404
    assert client.delete(f"{path}/share").status_code == 404
    assert shared(client, path) != link


def test_whoever_follows_is_cut_off_when_it_is_taken_back(client: FlaskClient, viewer: FlaskClient) -> None:
    said = asked(client, model="silent")
    link = shared(client, f"{M}/{said['id']}")
    with viewer.get(f"{link}/messages/{said['id']}/events", buffered=False) as stream:
        pieces = stream.iter_encoded()
        next(pieces)
        client.delete(f"{M}/{said['id']}/share")
        with gevent.Timeout(BOUND_S):
            assert b"unauthorized" in b"".join(pieces)
    assert client.get(f"{M}/{said['id']}").get_json()["status"] == "running"


def test_a_link_goes_with_what_it_leads_to(client: FlaskClient, viewer: FlaskClient) -> None:
    said = asked(client)
    links = [shared(client, f"{C}/{said['conversation_id']}"), shared(client, f"{M}/{said['id']}")]
    client.delete(f"{C}/{said['conversation_id']}")
    assert [viewer.get(link).status_code for link in links] == [404, 404]


def test_a_token_is_not_in_the_database(client: FlaskClient, service: ChatService) -> None:
    token = shared(client, f"{M}/{asked(client)['id']}").rpartition("/")[2]
    with service.database.engine.connect() as connection:
        assert token not in str(connection.exec_driver_sql("SELECT * FROM shares").all())


def test_another_secret_makes_another_link(tmp_path: Path) -> None:
    def served(secret: str) -> Iterator[FlaskClient]:
        app = create_app(Settings(data=tmp_path, secret_key=type(Settings().secret_key)(secret)), start=False)
        yield app.test_client(use_cookies=False)
        app.extensions[EXTENSION].drain(0)  # else a run would write its end into a log that is closed
        app.extensions[EXTENSION].close()

    links = []
    message_id = ""
    for secret in ("one", "two"):
        for client in served(secret):
            message_id = message_id or asked(client)["id"]
            links.append(shared(client, f"{M}/{message_id}"))
            statuses = [client.get(link).status_code for link in links]
    assert links[0] != links[1] and statuses == [404, 200]
