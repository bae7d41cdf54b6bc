"""Who is paced, and `?pace=`: a run as it came, over HTTP, in any dialect."""

from time import time
from typing import Any

import gevent
import pytest
from flask.testing import FlaskClient

from chatapp.dialects.registry import DIALECTS
from chatapp.reading.pace import Spread
from chatapp.service import ChatService
from chatapp.web import streaming


def finished(client: FlaskClient, **fields: Any) -> str:
    """A run of the mock, some tenths of a second long."""
    run_id = client.post("/api/v1/messages", json={"prompt": "hi", "provider": "mock", **fields}).get_json()["id"]
    assert client.get(f"/api/v1/messages/{run_id}/events").data
    return str(run_id)


def frames(data: bytes) -> bytes:
    """Without heartbeats."""
    return data.removeprefix(b":\n")


SAID = {"role": "user", "content": "hi"}
VENDORS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "mock/words", "messages": [SAID], "max_tokens": 2},
    "/v1/responses": {"model": "mock/words", "input": "hi", "max_output_tokens": 2},
    "/v1/messages": {"model": "mock/words", "messages": [SAID], "max_tokens": 2},
}


@pytest.fixture
def spread(monkeypatch: pytest.MonkeyPatch) -> list[Spread]:
    """All that was paced for people."""
    made: list[Spread] = []

    class Noted(Spread):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(streaming, "Spread", Noted)
    return made


@pytest.mark.parametrize("path", ["/chat/stream", "/chat", "/api/chat", "/ask/stream"])
def test_who_follows_a_run_from_its_start_in_our_own_dialects_is_paced(
    client: FlaskClient, spread: list[Spread], path: str
) -> None:
    assert client.post(path, json={"prompt": "hi", "provider": "mock", "max_tokens": 2}).data
    assert len(spread) == 1
    finished(client, max_tokens=2)
    assert len(spread) == 2


@pytest.mark.parametrize("path", VENDORS)
def test_the_dialects_of_vendors_whole_answers_and_late_readers_are_not_paced(
    client: FlaskClient, spread: list[Spread], path: str
) -> None:
    for stream in (True, False):
        assert client.post(path, json={**VENDORS[path], "stream": stream}).status_code == 200
    whole = client.post("/api/chat", json={"prompt": "hi", "provider": "mock", "max_tokens": 2, "stream": False})
    events = f"/api/v1/messages/{whole.headers['X-Run-Id']}/events"
    for query in ("", "?dialect=openai", "?after=2", "?pace=100"):
        assert client.get(events + query).data
    assert not spread


def test_a_resume_is_not_paced(client: FlaskClient, spread: list[Spread]) -> None:
    run_id = finished(client, max_tokens=3)
    spread.clear()
    assert client.get(f"/api/v1/messages/{run_id}/events", headers={"Last-Event-ID": "2"}).data
    assert not spread


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_a_replay_is_the_stream_in_any_dialect(client: FlaskClient, name: str) -> None:
    path = f"/api/v1/messages/{finished(client, max_tokens=4)}/events?dialect={name}"
    whole = client.get(path).data
    assert frames(client.get(f"{path}&pace=100").data) == whole
    assert frames(client.get(f"{path}&pace=0.1&from=86400").data) == whole


def test_a_replay_resumes_where_the_client_is(client: FlaskClient) -> None:
    path = f"/api/v1/messages/{finished(client, max_tokens=4)}/events"
    whole = client.get(path).data
    ids = [line[4:] for line in whole.decode().split("\n") if line.startswith("id: ")]
    for id in ids[:-1]:
        rest = frames(client.get(f"{path}?pace=100", headers={"Last-Event-ID": id}).data)
        _, _, left = whole.partition(b"id: %s\n" % id.encode())
        assert rest == left.partition(b"\n\n")[2]
    assert client.get(f"{path}?pace=1", headers={"Last-Event-ID": ids[-1]}).status_code == 204


def test_a_replay_takes_as_long_as_the_run(client: FlaskClient, service: ChatService) -> None:
    run_id = finished(client, max_tokens=12)
    first, *_, last = service.log.read(run_id)
    seconds = last.at - first.at
    start = time()
    assert client.get(f"/api/v1/messages/{run_id}/events?pace=1").data
    assert time() - start >= 0.9 * seconds - 0.02


@pytest.mark.parametrize("pace", ["0", "-1", "0.01", "1000", "nan", "inf", "fast", ""])
def test_nonsense_is_refused_by_name(client: FlaskClient, pace: str) -> None:
    run_id = finished(client, max_tokens=1)
    refused = client.get(f"/api/v1/messages/{run_id}/events?pace={pace}")
    assert refused.status_code == 422 and refused.get_json()["error"]["message"].startswith("pace: ")
    for query in (f"pace=1&from={pace}" if pace not in ("0", "0.01", "1000", "") else "from=1", "pace=1&from=1e9"):
        refused = client.get(f"/api/v1/messages/{run_id}/events?{query}")
        assert refused.status_code == 422 and refused.get_json()["error"]["message"].startswith("from: ")


@pytest.mark.parametrize("name", ["message", "openai"])
def test_a_server_that_goes_down_ends_a_replay_at_once(client: FlaskClient, service: ChatService, name: str) -> None:
    run_id = finished(client, max_tokens=12)
    path = f"/api/v1/messages/{run_id}/events?pace=0.1&dialect={name}"
    response = client.get(path, buffered=False)
    stream = response.iter_encoded()
    next(stream)
    gevent.spawn(service.readers.dismiss)
    with gevent.Timeout(5):
        rest = b"".join(stream)
    assert b"retry: " in rest if name == "message" else b"shutting down" in rest
    response.close()
