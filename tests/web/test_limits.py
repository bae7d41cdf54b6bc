"""What an owner is told who asks for more than one may have, in each protocol's words."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from waiting import soon

from chatapp.app import create_app
from chatapp.prices import Price
from chatapp.service import ChatService
from chatapp.settings import Settings
from chatapp.web import EXTENSION

Start = Callable[..., FlaskClient]
PRICES: Any = {"mock": {"*": Price(prompt=1000.0, completion=1000.0)}}
HI = [{"role": "user", "content": "hi"}]
PARTS = [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}]

BEGINNING: list[tuple[str, dict[str, Any]]] = [
    ("/chat/stream", {"prompt": "hi"}),
    ("/chat", {"sessionId": "s", "prompt": "hi"}),
    ("/api/chat", {"prompt": "hi", "stream": False}),
    ("/ask/stream", {"question": "hi"}),
    ("/api/v1/messages", {"prompt": "hi"}),
    ("/v1/chat/completions", {"model": "mock/words", "messages": HI}),
    ("/v1/responses", {"model": "mock/words", "input": "hi"}),
    ("/v1/messages", {"model": "mock/words", "max_tokens": 9, "messages": HI}),
    ("/api/ui/chat", {"id": "c", "messages": PARTS}),
    ("/api/agui", {"threadId": "t", "runId": "r", "messages": [{"id": "1", **HI[0]}]}),
]
"""Every way to begin a run."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Flask] = []

    def start(**settings: Any) -> FlaskClient:
        more = {"default_provider": "mock", "prices": PRICES, **settings}
        started.append(create_app(Settings(data=tmp_path, log_url="memory:", **more)))
        return started[-1].test_client()

    yield start
    for app in started:
        service: ChatService = app.extensions[EXTENSION]
        service.drain(0)
        service.close()


def say(client: FlaskClient, **more: Any) -> Any:
    asked = {"prompt": "hi", "provider": "mock", "max_tokens": 2, "stream": False, **more}
    return client.post("/api/chat", json=asked)


@pytest.mark.parametrize(("path", "body"), BEGINNING, ids=[path for path, _ in BEGINNING])
def test_every_way_to_begin_a_run_is_limited(start: Start, path: str, body: dict[str, Any]) -> None:
    client = start(request_rate="1/hour")
    assert say(client).status_code == 200
    refused = client.post(path, json=body)
    assert refused.status_code == 429
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    assert refused.headers["X-Should-Retry"] == "false"
    assert refused.headers["RateLimit-Policy"] == '"requests-3600";q=1;w=3600'
    assert refused.headers["RateLimit"].startswith('"requests-3600";r=0;t=3')
    assert (refused.headers["RateLimit-Limit"], refused.headers["RateLimit-Remaining"]) == ("1", "0")
    assert "1 requests in an hour" in refused.text


def test_what_begins_no_run_is_not_counted(start: Start) -> None:
    client = start(request_rate="2/hour")
    first = client.post("/api/v1/messages", json={"prompt": "hi"}, headers={"Idempotency-Key": "k"})
    for _ in range(3):
        again = client.post("/api/v1/messages", json={"prompt": "hi"}, headers={"Idempotency-Key": "k"})
        assert again.get_json()["id"] == first.get_json()["id"]
        assert client.get(f"/api/v1/messages/{first.get_json()['id']}").status_code == 200
        assert client.get("/v1/models").status_code == 200
        counted = client.post("/v1/messages/count_tokens", json={"model": "mock/words", "messages": HI})
        assert counted.status_code == 200 and "RateLimit" not in counted.headers
    assert say(client).headers["RateLimit-Remaining"] == "0"
    assert say(client).status_code == 429


OPENAI, ANTHROPIC = BEGINNING[5], BEGINNING[7]


@pytest.mark.parametrize(
    ("settings", "type_", "code"),
    [
        ({"request_rate": "1/minute"}, "requests", "rate_limit_exceeded"),
        ({"max_tokens_per_minute": 1}, "tokens", "rate_limit_exceeded"),
        ({"max_tokens_per_day": 1}, "tokens", "rate_limit_exceeded"),
        ({"max_cost_per_day": 0.001}, "insufficient_quota", "insufficient_quota"),
    ],
)
def test_openai_and_anthropic_say_it_in_their_words(
    start: Start, settings: dict[str, Any], type_: str, code: str
) -> None:
    client = start(**settings)
    assert say(client).status_code == 200
    refused = client.post(OPENAI[0], json=OPENAI[1])
    error = refused.get_json()["error"]
    assert (refused.status_code, error["type"], error["code"], error["param"]) == (429, type_, code, None)
    assert int(refused.headers["Retry-After"]) >= 1
    theirs = client.post(ANTHROPIC[0], json=ANTHROPIC[1])
    assert (theirs.status_code, theirs.get_json()["error"]["type"]) == (429, "rate_limit_error")
    if type_ in ("requests", "tokens"):
        assert refused.headers[f"x-ratelimit-remaining-{type_}"] == "0"
        assert refused.headers[f"x-ratelimit-reset-{type_}"].endswith("s")
        assert theirs.headers[f"anthropic-ratelimit-{type_}-remaining"] == "0"
        assert theirs.headers[f"anthropic-ratelimit-{type_}-reset"].endswith("Z")


def test_what_is_left_is_said_of_a_run_that_begins(start: Start) -> None:
    asked = {**OPENAI[1], "max_tokens": 2}
    headers = start(request_rate="5/minute;100/day").post(OPENAI[0], json=asked).headers
    assert headers["RateLimit"].count("r=") == 2 and headers["RateLimit-Remaining"] == "4"
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("5", "4")


def silent(client: FlaskClient, **more: Any) -> Any:
    return client.post("/api/v1/messages", json={"prompt": "hi", "provider": "mock", "model": "silent"}, **more)


def browser(client: FlaskClient) -> FlaskClient:
    """Another owner."""
    other = client.application.test_client()
    assert other.get("/").status_code == 200
    return other


def test_one_owner_cannot_fill_the_server(start: Start) -> None:
    client = start(max_live_runs=8)
    statuses = [silent(client).status_code for _ in range(30)]
    assert statuses == [202] * 4 + [429] * 26
    assert silent(browser(client)).status_code == 202
    assert int(silent(client).headers["Retry-After"]) >= 1


def test_a_server_that_is_full_says_when_to_come_back(start: Start) -> None:
    client = start(max_live_runs=2, max_owner_share=1.0)
    assert [silent(client).status_code for _ in range(3)] == [202, 202, 503]
    refused = silent(client)
    assert int(refused.headers["Retry-After"]) >= 1 and refused.headers["X-Should-Retry"] == "true"


def test_an_owner_has_so_many_runs_at_a_time(start: Start) -> None:
    client = start(max_runs_per_owner=2)
    begun = [silent(client) for _ in range(2)]
    assert silent(client).status_code == 429
    assert silent(browser(client)).status_code == 202
    client.post(f"/api/v1/messages/{begun[0].get_json()['id']}/cancel")
    soon(lambda: silent(client).status_code == 202)


def test_an_owner_has_so_many_readers_at_a_time_and_no_run_begins_without_one(start: Start) -> None:
    client = start(max_readers_per_owner=2)
    run_id = silent(client).get_json()["id"]
    events = f"/api/v1/messages/{run_id}/events"
    readers = [client.get(events, buffered=False) for _ in range(2)]
    assert client.get(events).status_code == 429
    assert client.get("/api/v1/base/sse_probe?count=1").status_code == 429
    before = client.get("/api/v1/usage").get_json()
    assert say(client, stream=True).status_code == 429
    assert client.get("/api/v1/usage").get_json() == before
    assert client.post(f"/api/v1/messages/{run_id}/cancel").status_code == 202  # a stop is never refused
    readers[0].close()
    with client.get(events) as reader:
        assert reader.status_code == 200
    readers[1].close()


def test_the_mock_can_be_switched_off(start: Start) -> None:
    client = start(mock=False, default_provider="")
    assert "mock" not in [provider["name"] for provider in client.get("/api/v1/providers").get_json()["providers"]]
    assert say(client).status_code == 404


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"upstream_total_timeout_s": 0.1}, "upstream_timeout"), ({"run_timeout_s": 0.1}, "run_timeout")],
)
def test_a_run_that_never_ends_is_ended(start: Start, settings: dict[str, Any], code: str) -> None:
    client = start(**settings)
    run_id = silent(client).get_json()["id"]
    error = soon(lambda: client.get(f"/api/v1/messages/{run_id}").get_json()["error"])
    assert error and error["code"] == code
    assert say(client, model="silent").status_code == 504
