"""Several answers in one stream, over HTTP."""

import json

import pytest
from flask.testing import FlaskClient

from chatapp.wire.frames import ServerEvent, SSEDecoder


def asked(client: FlaskClient, words: int = 3, **fields: object) -> str:
    posted = client.post("/api/v1/messages", json={"prompt": "hi", "provider": "mock", "max_tokens": words, **fields})
    return str(posted.get_json()["id"])


def followed(client: FlaskClient, ids: list[str], **headers: str) -> list[ServerEvent]:
    response = client.get("/api/v1/events", query_string={"message": ids}, headers=headers)
    assert response.status_code == 200 and response.mimetype == "text/event-stream"
    return SSEDecoder().feed(response.data)


def own(message_id: str, events: list[ServerEvent]) -> list[tuple[str, object]]:
    read = [(event.type, json.loads(event.data)) for event in events]
    return [(name, {**data, "message_id": None}) for name, data in read if data.get("message_id") == message_id]


def test_each_answer_is_told_as_in_its_own_stream_and_resumed_exactly(client: FlaskClient) -> None:
    ids = [asked(client, 3), asked(client, 5, result_mode="xml_plaintext"), asked(client, 8)]
    events = followed(client, ids)
    for message_id in ids:
        alone = SSEDecoder().feed(client.get(f"/api/v1/messages/{message_id}/events").data)
        said = [
            (event.type, {**json.loads(event.data), "message_id": None}) for event in alone if event.type != "heartbeat"
        ]
        assert own(message_id, events) == said
    for place, event in enumerate(events[:-1]):
        if place == 0 or event.last_event_id != events[place - 1].last_event_id:  # the end of an event
            rest = followed(client, ids, **{"Last-Event-ID": event.last_event_id})
            for message_id in ids:
                assert own(message_id, events[: place + 1]) + own(message_id, rest) == own(message_id, events)
    last = events[-1].last_event_id
    gone = client.get("/api/v1/events", query_string={"message": ids, "after": last})
    assert gone.status_code == 204


def test_an_answer_is_added_by_connecting_again(client: FlaskClient) -> None:
    first = asked(client)
    has = followed(client, [first])[-1].last_event_id
    second = asked(client)
    events = followed(client, [second, first], **{"Last-Event-ID": has})
    assert not own(first, events) and own(second, events)[-1][0] == "completed"


def test_an_id_of_something_else_resets_each(client: FlaskClient) -> None:
    ids = [asked(client), asked(client)]
    followed(client, ids)
    events = followed(client, ids, **{"Last-Event-ID": "17"})
    assert [event.type for event in events[:2]] == ["reset", "reset"]
    assert [own(message_id, events)[-1][0] for message_id in ids] == ["completed", "completed"]


def test_one_that_is_not_yours_is_not_found_and_not_named(client: FlaskClient) -> None:
    mine = asked(client)
    other_browser = client.application.test_client()
    other_browser.get("/")  # which gives it a cookie of its own
    theirs = asked(other_browser)
    for other in (theirs, "msg_none"):
        refused = client.get("/api/v1/events", query_string={"message": [mine, other]})
        assert refused.status_code == 404 and other not in refused.text and mine not in refused.text


@pytest.mark.parametrize(
    ("query", "field"),
    [({}, "message"), ({"message": [f"m{number}" for number in range(33)]}, "message"), ({"after": "7"}, "after")],
)
def test_nonsense_is_refused_by_name(client: FlaskClient, query: dict[str, object], field: str) -> None:
    ids = {"message": [asked(client)]} if field == "after" else {}
    refused = client.get("/api/v1/events", query_string={**ids, **query})
    assert refused.status_code == 422 and refused.get_json()["error"]["message"].startswith(f"{field}: ")


def test_an_answer_that_is_named_twice_is_told_once(client: FlaskClient) -> None:
    message_id = asked(client)
    events = followed(client, [message_id, message_id])
    assert [event.type for event in events].count("completed") == 1
