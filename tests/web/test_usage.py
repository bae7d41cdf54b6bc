"""What was used, as JSON and as CSV, for its owner and for an admin."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drivers import a_start, numbered
from flask import Flask
from flask.testing import FlaskClient
from waiting import soon

from chatapp.access import Caller
from chatapp.app import create_app
from chatapp.chat import Ask, Message
from chatapp.events import RunEnd, Timing, Usage
from chatapp.prices import Price
from chatapp.service import ChatService
from chatapp.settings import Settings
from chatapp.transcript import transcript_of
from chatapp.web import AUTHENTICATOR, EXTENSION

KEYS = {"owner", "provider", "model", "day", "runs"}
COUNTS = {"prompt", "completion", "cached", "reasoning"}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    prices: Any = {"mock": {"*": Price(prompt=1.0, completion=2.0)}}
    app = create_app(Settings(data=tmp_path, log_url="memory:", prices=prices, currency="EUR"))
    yield app
    service: ChatService = app.extensions[EXTENSION]
    service.drain(0)
    service.close()


def run(service: ChatService, owner: str, model: str = "m") -> None:
    ask = Ask(said=[Message("user", "hi")])
    answer = service.conversations.begin(ask, owner, "mock", model).answer
    end = RunEnd("stop", Usage(1, 2, 3), Timing())
    service.conversations.finish(answer.id, transcript_of(numbered([a_start(), end])))


def rows(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    response = client.get(f"/api/v1/usage{query}")
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.get_json()["rows"]
    return found


def message(client: FlaskClient, model: str, **more: Any) -> dict[str, Any]:
    """The message of a run that has ended."""
    asked = {"prompt": "what is this?", "provider": "mock", "model": model, **more}
    answer_id = client.post("/api/v1/messages", json=asked).get_json()["id"]
    if model == "silent":
        client.post(f"/api/v1/messages/{answer_id}/cancel")

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get(f"/api/v1/messages/{answer_id}").get_json()
        return found if found["status"] == "done" else None

    return soon(ended) or {}


def test_every_run_is_in_the_sums_however_it_ended(client: FlaskClient) -> None:
    models = {"words": 3, "think": 3, "tool": 3, "fail-first": 9, "fail-late": 9, "silent": 9, "truncated": 9}
    messages = [message(client, model, max_tokens=number) for model, number in models.items()]
    assert {each["finish_reason"] for each in messages} == {"length", "error", "cancelled"}
    usages = [each["usage"] for each in messages]
    assert all(usage.keys() >= COUNTS | {"total", "estimated", "cost", "currency"} for usage in usages)
    (total,) = rows(client, "?group_by=owner")
    assert total.keys() == KEYS | COUNTS | {"cost", "currency"}
    assert (total["owner"], total["runs"], total["provider"], total["day"]) == ("local", len(models), None, None)
    assert {name: total[name] for name in COUNTS} == {name: sum(each[name] for each in usages) for name in COUNTS}
    assert total["cost"] == pytest.approx(sum(each["cost"] for each in usages)) and total["currency"] == "EUR"
    assert [each["usage"]["estimated"] for each in messages if each["finish_reason"] != "length"] == [True] * 4


def test_a_refused_run_costs_nothing_and_a_stopped_one_what_was_asked(client: FlaskClient) -> None:
    refused, stopped = message(client, "fail-first"), message(client, "silent")
    assert (refused["usage"]["total"], refused["usage"]["cost"]) == (0, 0)
    assert stopped["usage"]["prompt"] > 0 and stopped["usage"]["cost"] > 0


def test_the_rows_are_of_all_names_by_default(client: FlaskClient, service: ChatService) -> None:
    run(service, "ann", "b")
    run(service, "bob", "a")
    found = rows(client)
    assert [(row["provider"], row["model"], row["owner"]) for row in found] == [
        ("mock", "b", "ann"),
        ("mock", "a", "bob"),
    ]
    assert rows(client, f"?from={found[0]['day']}&to={found[0]['day']}") == found
    assert rows(client, "?from=2026-01-01&to=2026-01-31") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?group_by=colour", "group_by"),
        ("?from=yesterday", "from"),
        ("?to=2026-13-01", "to"),
        ("?from=2026-03-01&to=2026-02-01", "from"),
        ("?limit=0", "limit"),
        ("?offset=-1", "offset"),
        ("?format=xml", "format"),
    ],
)
def test_what_cannot_be_is_named(client: FlaskClient, query: str, field: str) -> None:
    response = client.get(f"/api/v1/usage{query}")
    assert response.status_code == 422
    assert response.get_json()["error"]["message"].startswith(f"{field}: ")


def test_pages_follow_each_other(client: FlaskClient, service: ChatService) -> None:
    for number in range(5):
        run(service, f"owner{number}")
    seen, path = [], "/api/v1/usage?group_by=owner&limit=2"
    while path:
        response = client.get(path)
        seen += [row["owner"] for row in response.get_json()["rows"]]
        following = response.get_json()["next"]
        path = f"/api/v1/usage?group_by=owner&limit=2&offset={following}" if following else ""
        assert ("Link" in response.headers) == bool(path)
    assert seen == [f"owner{number}" for number in range(5)]


def test_an_admin_sees_all_owners_and_anybody_else_his_own(
    app: Flask, client: FlaskClient, service: ChatService, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(service, "ann")
    run(service, "bob")
    assert [row["owner"] for row in rows(client, "?group_by=owner")] == ["ann", "bob"]
    assert [row["owner"] for row in rows(client, "?group_by=owner&owner=bob")] == ["bob"]
    caller = Caller("ann", "trace", "user")
    monkeypatch.setattr(app.extensions[AUTHENTICATOR], "caller", lambda *_: caller)
    assert [row["owner"] for row in rows(client, "?group_by=owner")] == ["ann"]
    assert [row["owner"] for row in rows(client, "?group_by=owner&owner=ann")] == ["ann"]
    assert client.get("/api/v1/usage?owner=bob").status_code == 404


@pytest.mark.parametrize("how", [{"query_string": "format=csv&group_by=model"}, {"headers": {"Accept": "text/csv"}}])
def test_the_rows_as_csv(client: FlaskClient, service: ChatService, how: dict[str, Any]) -> None:
    for model in ("plain", "a,b", '=HYPERLINK("http://evil.test")', "+1", "-1", "@x", "\tx"):
        run(service, "ann", model)
    response = client.get("/api/v1/usage", **how)
    assert response.content_type == "text/csv; charset=utf-8"
    found = list(csv.DictReader(io.StringIO(response.text)))
    assert found[0].keys() == KEYS | COUNTS | {"cost", "currency"}
    models = [row["model"] for row in found]
    assert {"plain", "a,b", '\'=HYPERLINK("http://evil.test")', "'+1", "'-1", "'@x", "'\tx"} == set(models)
    assert {row["prompt"] for row in found} == {"1"}
