"""Logins with keys on a real server: for programs, and for a browser."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def keyed(module_server: Callable[..., Any]) -> Any:
    """A server with keys and two workers."""
    return module_server(CHATAPP_AUTH="keys", WEB_CONCURRENCY="2", CHATAPP_HEARTBEAT_S="1")


def keys(server: Any, *words: str) -> str:
    """`chatapp keys …` beside the server; what it prints."""
    command = [str(Path(sys.executable).parent / "chatapp"), "keys", *words]
    env = {**os.environ, "CHATAPP_DATA": str(server.data)}
    done = subprocess.run(command, env=env, cwd=server.data.parent, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def client_with(server: Any, key: str) -> Any:
    client = server.client()
    client.session.headers["Authorization"] = f"Bearer {key}"
    return client


def test_the_vendors_clients_come_in_with_a_key_and_know_why_not(keyed: Any) -> None:
    key = keys(keyed, "create", "sdk")
    hi: Any = [{"role": "user", "content": "hi"}]
    with openai.OpenAI(base_url=f"{keyed.url}/v1", api_key=key, max_retries=0) as sdk:
        assert sdk.chat.completions.create(model="mock/words", messages=hi).choices[0].message.content
        with pytest.raises(openai.AuthenticationError) as refused:
            sdk.with_options(api_key="chatapp_wrong").models.list()
        assert refused.value.code == "invalid_api_key"
    for credentials, wrong in (("api_key", {"api_key": "x"}), ("auth_token", {"auth_token": "x"})):
        with anthropic.Anthropic(base_url=keyed.url, max_retries=0, **{credentials: key}) as claude:
            assert claude.messages.create(model="mock/words", max_tokens=9, messages=hi).content
            with pytest.raises(anthropic.AuthenticationError):
                claude.with_options(**wrong).messages.count_tokens(model="mock/words", messages=hi)


def test_a_revoked_key_ends_its_open_streams_on_every_worker(keyed: Any) -> None:
    key, other = keys(keyed, "create", "gone"), keys(keyed, "create", "stays")
    client, stays = client_with(keyed, key), client_with(keyed, other)
    run, kept = (each.send("hi", model="silent")["id"] for each in (client, stays))
    streams = [client_with(keyed, key).follow(run) for _ in range(4)]
    other_stream = stays.follow(kept)
    for stream in (*streams, other_stream):
        next(iter(stream))  # the first heartbeat: it is open
    keys(keyed, "revoke", "gone")
    assert client.get(f"/api/v1/messages/{run}").status_code == 401
    for stream in streams:
        last = stream.to_end()[-1]
        assert last.type == "error" and "unauthorized" in last.data
    next(iter(other_stream))
    other_stream.close()


def test_an_expired_key_ends_its_stream_too(keyed: Any) -> None:
    client = client_with(keyed, keys(keyed, "create", "brief", "--expires", "6s"))
    stream = client.stream("GET", "/api/v1/base/sse_probe?count=600&interval=0.1")
    assert stream.to_end()[-1].type == "tick"
    assert client.get("/api/v1/conversations").status_code == 401


def test_a_session_survives_a_restart_and_ends_with_its_key(own_server: Callable[..., Any]) -> None:
    server = own_server(CHATAPP_AUTH="keys")
    client = server.client()
    assert client.post("/login", None, data={"key": keys(server, "create", "bob")}).status_code == 200
    run = client.send("hi")["id"]
    server.kill()
    server.start(server.port)
    assert client.json(f"/api/v1/messages/{run}")["id"] == run
    keys(server, "revoke", "bob")
    assert client.get(f"/api/v1/messages/{run}").status_code == 401


def test_with_a_login_any_address_may_be_served(own_server: Callable[..., Any]) -> None:
    server = own_server(CHATAPP_AUTH="keys", HOST="0.0.0.0")
    assert server.client().get("/healthz").status_code == 200
