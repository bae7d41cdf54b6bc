"""A provider that fails, as the client and the operator see it."""

import json
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest
from waiting import soon

pytestmark = pytest.mark.slow


def ask(client: Any, model: str, **fields: Any) -> list[Any]:
    body = {"provider": "acme", "model": model, "prompt": "hi", **fields}
    events: list[Any] = client.stream("POST", "/chat/stream", json=body).to_end()
    return events


def last(events: list[Any]) -> Any:
    return json.loads(events[-1].data)


def text(events: list[Any]) -> str:
    return "".join(event.data for event in events if event.type == "token")


def lines(server: Any) -> list[dict[str, Any]]:
    """The log lines of runs."""
    found = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    return [line for line in found if line["logger"] == "chatapp.run"]


def test_second_tries_and_fallbacks_show_in_the_log_line_and_not_in_the_answer(
    upstream: Any, serve: Callable[..., Any], wire: Any
) -> None:
    busy = wire.head("application/json", "429 Too Many Requests", "Retry-After: 1") + b"{}"
    upstream.script("flaky", busy)
    upstream.script("flaky", wire.head(), wire.chunk("fine") + wire.DONE)
    upstream.script("down", wire.head("text/html", "503 Down") + b"<html>" + wire.KEY.encode())
    server = serve('fallback = ["mock"]', CHATAPP_UPSTREAM_RETRIES="1")
    client = server.client()

    start = monotonic()
    events = ask(client, "flaky")
    assert (text(events), events[-1].type) == ("fine", "done")
    assert monotonic() - start >= 1  # retry-after

    events = ask(client, "down", max_tokens=5)
    assert json.loads(events[0].data)["provider"] == "acme"  # what was asked for
    assert last(events)["finish_reason"] == "length" and "You asked" in text(events)

    soon(lambda: len(lines(server)) == 2)
    flaky, down = lines(server)
    assert flaky["attempts"] == [{"provider": "acme", "error": "rate_limited"}] and flaky["answered_by"] == "acme"
    assert down["attempts"] == [{"provider": "acme", "error": "upstream_rejected"}] * 2
    assert (down["provider"], down["answered_by"]) == ("acme", "mock")
    assert wire.KEY not in server.log()


def test_midway_a_run_goes_on_elsewhere_and_no_text_is_doubled(
    upstream: Any, serve: Callable[..., Any], wire: Any
) -> None:
    upstream.script("cut", wire.head(), wire.chunk("half of an"))
    client = serve('fallback = ["mock"]\nfallback_midway = true').client()
    run_id = client.send("hi", provider="acme", model="cut", max_tokens=5)["id"]
    events = client.follow(run_id).to_end()
    kinds = [event.type for event in events]
    reset = kinds.index("reset")
    assert json.loads(events[reset - 1].data) == {"delta": "half of an"}
    after = "".join(json.loads(event.data)["delta"] for event in events[reset + 1 : -1])
    assert kinds[-1] == "completed" and last(events)["content"] == after
    assert client.json(f"/api/v1/messages/{run_id}")["content"] == after
    for position in range(len(events)):  # resumed anywhere, the same
        assert client.follow(run_id, after=int(events[position].last_event_id)).to_end() == events[position + 1 :]


def test_a_stop_during_a_pause_is_at_once(upstream: Any, serve: Callable[..., Any], wire: Any) -> None:
    upstream.script("busy", wire.head("application/json", "429 Too Many Requests", "Retry-After: 8") + b"{}")
    client = serve().client()
    run_id = client.send("hi", provider="acme", model="busy")["id"]
    stream = client.follow(run_id)
    soon(lambda: upstream.asked("busy") == 1)
    start = monotonic()
    assert client.post(f"/api/v1/messages/{run_id}/cancel", {}).status_code == 202
    assert last(stream.to_end())["finish_reason"] == "cancelled"
    assert monotonic() - start < 5 and upstream.asked("busy") == 1


def test_a_provider_that_keeps_failing_is_left_alone_until_it_is_back(
    upstream: Any, serve: Callable[..., Any], wire: Any
) -> None:
    for _ in range(2):
        upstream.script("m", wire.head("application/json", "500 No") + b"{}")
    upstream.script("m", wire.head(), wire.chunk("back") + wire.DONE)
    env = {"CHATAPP_UPSTREAM_RETRIES": "0", "CHATAPP_CIRCUIT_FAILURES": "2", "CHATAPP_CIRCUIT_OPEN_S": "4"}
    fast = 'fallback = ["mock"]\n[providers.mock]\ntype = "mock"\ninterval_s = 0.0'
    client = serve(fast, **env).client()
    assert all(text(ask(client, "m")) for _ in range(3))  # the fallback's
    assert upstream.asked("m") == 2
    soon(lambda: text(ask(client, "m")) == "back")


def test_without_another_provider_it_is_asked_again_unless_it_named_a_time(
    upstream: Any, serve: Callable[..., Any], wire: Any
) -> None:
    for _ in range(3):
        upstream.script("m", wire.head("application/json", "500 No") + b"{}")
        upstream.script("n", wire.head("application/json", "503 No", "Retry-After: 60") + b"{}")
    env = {"CHATAPP_UPSTREAM_RETRIES": "0", "CHATAPP_CIRCUIT_FAILURES": "2"}
    client = serve(**env).client()
    assert [last(ask(client, "m"))["code"] for _ in range(3)] == ["upstream_rejected"] * 3
    codes = [last(ask(client, "n"))["code"] for _ in range(3)]
    assert codes == ["upstream_rejected", "upstream_rejected", "upstream_unavailable"]
    assert (upstream.asked("m"), upstream.asked("n")) == (3, 2)
