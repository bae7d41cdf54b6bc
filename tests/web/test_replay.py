"""`?pace=`: a run as it came, over HTTP, in any dialect."""

from time import time
from typing import Any

import gevent
import pytest
from flask.testing import FlaskClient

from chatapp.dialects.registry import DIALECTS
from chatapp.service import ChatService


def finished(client: FlaskClient, **fields: Any) -> str:
    """A run of the mock, some tenths of a second long."""
    run_id = client.post("/api/v1/messages", json={"prompt": "hi", "provider": "mock", **fields}).get_json()["id"]
    assert client.get(f"/api/v1/messages/{run_id}/events").data
    return str(run_id)


def frames(data: bytes) -> bytes:
    """Without heartbeats."""
    return data.removeprefix(b":\n")


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
