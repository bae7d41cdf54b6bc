"""What a reader's leaving does to the run that it read."""

from typing import Any

import gevent
import pytest
from flask.testing import FlaskClient
from gevent.socket import socketpair
from waiting import soon

from chatapp.service import ChatService
from chatapp.wire.client_socket import ClientSocket

CHAT = {
    "id": "tabs",
    "provider": "mock",
    "model": "silent",
    "messages": [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}],
}


def is_stopped(client: FlaskClient, run_id: str) -> bool:
    return bool(client.get(f"/api/v1/messages/{run_id}").get_json()["finish_reason"] == "cancelled")


def read(client: FlaskClient, method: str, path: str, **more: Any) -> Any:
    """A stream whose first bytes have come."""
    response = client.open(path, method=method, buffered=False, **more)
    assert response.status_code == 200
    next(response.iter_encoded())
    return response


@pytest.mark.parametrize("path", ["/api/ui/chat/tabs/stream", "/api/v1/messages/{id}/events"])
def test_a_word_that_on_disconnect_does_not_know_is_refused(client: FlaskClient, path: str) -> None:
    begun = read(client, "POST", "/api/ui/chat", json=CHAT)
    refused = client.get(path.format(id=begun.headers["X-Run-Id"]), query_string={"on_disconnect": "perhaps"})
    begun.close()
    assert refused.status_code == 422
    assert refused.get_json()["error"]["message"] == "on_disconnect: expected 'cancel' or 'continue'"


def test_the_last_tab_that_closes_stops_the_run(client: FlaskClient) -> None:
    first = read(client, "POST", "/api/ui/chat", json=CHAT)
    second = read(client, "GET", "/api/ui/chat/tabs/stream")
    first.close()
    assert not is_stopped(client, first.headers["X-Run-Id"])
    second.close()
    soon(lambda: is_stopped(client, first.headers["X-Run-Id"]))


def test_a_reader_that_takes_no_data_is_counted_as_dropped(
    client: FlaskClient, service: ChatService, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[str] = []
    monkeypatch.setattr(type(service.reader_observer), "closed", lambda _self, end, resets: ends.append(end))
    ours, clients = socketpair()
    with ours, clients:
        connection = ClientSocket(ours, lambda: None, send_timeout_s=0.05, buffer_bytes=4096)
        connection.start()
        response = read(client, "POST", "/api/ui/chat", json=CHAT)
        try:
            ours.sendall(bytes(2 << 20))
        except OSError:
            response.close()
        connection.stop()
    assert ends == ["dropped"]


def test_a_client_that_waits_for_the_whole_and_leaves_stops_it_off_the_hub(
    client: FlaskClient, service: ChatService, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = service.runs.cancel

    def asks_another_process(run_id: str) -> None:
        gevent.sleep(0.01)  # not possible in the hub
        cancel(run_id)

    monkeypatch.setattr(service.disconnects, "_cancel", asks_another_process)
    ours, theirs = socketpair()
    asked = {"prompt": "hi", "provider": "mock", "model": "silent", "stream": False}
    waiting = gevent.spawn(client.post, "/api/chat", json=asked, environ_overrides={"gunicorn.socket": ours})
    theirs.close()
    assert waiting.get(timeout=10).get_json()["finish_reason"] == "cancelled"
    ours.close()
