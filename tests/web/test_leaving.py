"""What a reader's leaving does to the run that it read."""

import logging
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from flask.testing import FlaskClient
from gevent.socket import socketpair

from chatapp.errors import LogUnavailable, UnknownRun
from chatapp.reading.disconnect import OnLeave, over, stop
from chatapp.web import Services

CHAT = {
    "id": "tabs",
    "provider": "mock",
    "model": "silent",
    "messages": [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}],
}


def soon(look: Callable[[], object]) -> None:
    with gevent.Timeout(10, AssertionError("waited in vain")):
        while not look():
            gevent.sleep(0.01)


def is_stopped(client: FlaskClient, run_id: str) -> bool:
    return bool(client.get(f"/api/v1/messages/{run_id}").get_json()["finish_reason"] == "cancelled")


def read(client: FlaskClient, method: str, path: str, **more: Any) -> Any:
    """A stream whose first bytes have come."""
    response = client.open(path, method=method, buffered=False, **more)
    assert response.status_code == 200
    next(response.iter_encoded())
    return response


def test_a_second_tab_that_closes_stops_nothing_while_the_first_reads(client: FlaskClient, services: Services) -> None:
    first = read(client, "POST", "/api/ui/chat", json=CHAT)
    run_id = first.headers["X-Run-Id"]
    read(client, "GET", "/api/ui/chat/tabs/stream").close()
    gevent.sleep(3 * services.settings.come_back_s)
    assert not is_stopped(client, run_id)
    first.close()
    soon(lambda: is_stopped(client, run_id))


def test_the_last_reader_of_all_stops_it_also_where_its_own_leaving_is_no_matter(
    client: FlaskClient, services: Services
) -> None:
    first = read(client, "POST", "/api/ui/chat", json=CHAT)
    run_id = first.headers["X-Run-Id"]
    follower = read(client, "GET", f"/api/v1/messages/{run_id}/events")
    first.close()
    gevent.sleep(3 * services.settings.come_back_s)
    assert not is_stopped(client, run_id)
    follower.close()
    soon(lambda: is_stopped(client, run_id))


def test_who_comes_back_in_time_stops_nothing(client: FlaskClient, services: Services) -> None:
    first = read(client, "POST", "/api/ui/chat", json=CHAT)
    run_id = first.headers["X-Run-Id"]
    first.close()
    again = read(client, "GET", "/api/ui/chat/tabs/stream")
    gevent.sleep(3 * services.settings.come_back_s)
    assert not is_stopped(client, run_id)
    again.close()
    soon(lambda: is_stopped(client, run_id))


def test_a_client_that_waits_for_the_whole_and_leaves_stops_it_off_the_hub(
    client: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = services.runs.cancel

    def asks_another_process(run_id: str) -> None:
        gevent.sleep(0.01)  # not possible in the hub
        cancel(run_id)

    monkeypatch.setattr(services.runs, "cancel", asks_another_process)
    ours, theirs = socketpair()
    asked = {"prompt": "hi", "provider": "mock", "model": "silent", "stream": False}
    waiting = gevent.spawn(client.post, "/api/chat", json=asked, environ_overrides={"gunicorn.socket": ours})
    gevent.sleep(0.1)
    theirs.close()
    assert waiting.get(timeout=10).get_json()["finish_reason"] == "cancelled"
    ours.close()


def test_stopping_what_cannot_be_stopped_raises_nothing(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(error: Exception) -> None:
        raise error

    monkeypatch.setattr(services.runs, "cancel", lambda run_id: fail(UnknownRun("gone")))
    with caplog.at_level(logging.WARNING, "chatapp"):
        services.attendance.enter("r")
        over(services, OnLeave("r", stops=True), early=True)
        assert not caplog.records
        monkeypatch.setattr(services.runs, "cancel", lambda run_id: fail(LogUnavailable("away")))
        stop(services, "r")
        assert "not stopped" in caplog.text
