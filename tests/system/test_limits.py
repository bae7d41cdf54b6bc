"""Limits with real workers: shared by them, right after kill -9, and told to the clients that people
have."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import anthropic
import gevent
import openai
import pytest
import requests
from waiting import soon

pytestmark = pytest.mark.slow

RATE = 10
SILENT = {"prompt": "hi", "provider": "mock", "model": "silent"}
HI: Any = [{"role": "user", "content": "hi"}]


def post(server: Any, **body: Any) -> requests.Response:
    """In a connection of its own, which any worker may take."""
    return requests.post(f"{server.url}/api/v1/messages", json={**SILENT, **body}, timeout=60)


def flood(server: Any, number: int) -> list[requests.Response]:
    posts = [gevent.spawn(post, server) for _ in range(number)]
    return [each.get(timeout=60) for each in posts]


def test_two_workers_share_a_limit_which_the_sdks_understand(own_server: Callable[..., Any]) -> None:
    server = own_server(WEB_CONCURRENCY="2", CHATAPP_REQUEST_RATE=f"{RATE}/hour")
    assert Counter(each.status_code for each in flood(server, 4 * RATE)) == {202: RATE, 429: 3 * RATE}
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="any") as sdk, pytest.raises(openai.RateLimitError) as told:
        sdk.chat.completions.create(model="mock/words", messages=HI)
    assert int(told.value.response.headers["retry-after"]) > 3000
    assert told.value.code == "rate_limit_exceeded" and told.value.type == "requests"
    with (
        anthropic.Anthropic(base_url=server.url, api_key="any") as other,
        pytest.raises(anthropic.RateLimitError) as said,
    ):
        other.messages.create(model="mock/words", messages=HI, max_tokens=5)
    assert int(said.value.response.headers["retry-after"]) > 3000
    assert said.value.response.headers["anthropic-ratelimit-requests-remaining"] == "0"


def test_the_runs_of_an_owner_are_counted_over_workers_and_after_kill_9(own_server: Callable[..., Any]) -> None:
    server = own_server(WEB_CONCURRENCY="2", CHATAPP_MAX_RUNS_PER_OWNER="4")
    assert Counter(each.status_code for each in flood(server, 20)) == {202: 4, 429: 16}
    server.kill()
    client = server.start().client()

    def total() -> Any:
        rows = client.json("/api/v1/usage?group_by=owner")["rows"]
        return rows[0] if rows and rows[0]["runs"] >= 4 else None

    ended = soon(total, within=20)
    assert (ended["runs"], ended["prompt"]) == (4, 4)  # each once, with what was asked
    assert Counter(each.status_code for each in flood(server, 20)) == {202: 4, 429: 16}


def test_one_client_cannot_fill_the_server(own_server: Callable[..., Any]) -> None:
    server = own_server(CHATAPP_MAX_LIVE_RUNS="40")
    refused = [each for each in flood(server, 120) if each.status_code != 202]
    assert len(refused) == 100
    assert all(each.status_code == 429 and int(each.headers["Retry-After"]) >= 1 for each in refused)
    other = server.client(browser=True)
    runs = [other.send("hi", model="words", max_tokens=5)["id"] for _ in range(5)]
    assert all(other.follow(run_id).to_end()[-1].type == "completed" for run_id in runs)
