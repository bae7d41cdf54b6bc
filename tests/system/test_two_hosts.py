"""Two hosts with a Redis and a Postgres between them: what one promises, both do."""

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
import requests
from invariants import Applied, check_clients
from servers import Postgres, Redis, nginx, postgres_server, redis_server
from waiting import soon

from chatapp.wire.frames import ServerEvent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

DEPLOY = Path(__file__).parents[2] / "deploy"
STREAMS = int(os.environ.get("STREAMS", "40"))  # of the rolling restart; docs/reliability.md has 200


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with redis_server(tmp_path_factory.mktemp("redis"), str(DEPLOY / "two-hosts" / "redis.conf")) as server:
        yield server


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def database_url(postgres: Postgres) -> str:
    return postgres.database()


@pytest.fixture(scope="module")
def start_host(redis: Redis, database_url: str, module_server: Callable[..., Any]) -> Callable[..., Any]:
    """Each is set up as deploy/two-hosts/chatapp.env says, but for addresses; each has its own data folder."""
    lines = (DEPLOY / "two-hosts" / "chatapp.env").read_text().splitlines()
    published = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    shared = {
        **published,
        "HOST": "127.0.0.1",
        "CHATAPP_TRUSTED_HOSTS": "127.0.0.1",
        "CHATAPP_LOG_URL": redis.url,
        "CHATAPP_DATABASE_URL": database_url,
        "CHATAPP_SECRET_KEY": "the same on all hosts",
        "CHATAPP_HEARTBEAT_S": "1",
        "CHATAPP_COME_BACK_S": "0.5",
    }
    return lambda **env: module_server(**{**shared, **env})


@pytest.fixture(scope="module")
def hosts(start_host: Callable[..., Any]) -> tuple[Any, Any]:
    return start_host(), start_host()


def text_of(events: list[ServerEvent]) -> str:
    return "".join(json.loads(event.data)["delta"] for event in events if event.type == "content_delta")


def read_some(stream: Any, deltas: int = 2) -> None:
    stream.until(lambda event: sum(e.type == "content_delta" for e in stream.events) >= deltas)


def told(stream: Any) -> list[ServerEvent]:
    """All events to the end of the run, but for heartbeats."""
    return [event for event in stream.to_end() if event.type != "heartbeat"]


def test_a_run_of_one_host_is_followed_resumed_and_cancelled_at_the_other(hosts: tuple[Any, Any]) -> None:
    here, there = (host.client() for host in hosts)
    run_id = here.send("hi", model="slow")["id"]
    streams = [here.follow(run_id), there.follow(run_id)]
    for stream in streams:
        read_some(stream)
    resumed = there.follow(run_id, after=int(streams[0].events[0].last_event_id))
    assert resumed.until(lambda event: True) == streams[0].events[1]
    with gevent.Timeout(5):
        assert there.post(f"/api/v1/messages/{run_id}/cancel", {}).status_code == 202
        endings = [told(stream) for stream in streams]
    assert endings[0] == endings[1] == [endings[0][0], *told(resumed)]
    completed = json.loads(endings[0][-1].data)
    assert completed["finish_reason"] == "cancelled" and completed["usage"]["completion"] > 0
    assert completed["timing"]["upstream_closed_ms"] < 1000
    for client in (here, there):
        assert client.json(f"/api/v1/messages/{run_id}")["content"] == text_of(endings[0])


def test_a_silent_run_is_cancelled_from_the_other_host_within_a_second(hosts: tuple[Any, Any]) -> None:
    here, there = (host.client() for host in hosts)
    stream = here.stream("POST", "/chat/stream", json={"provider": "mock", "model": "silent", "prompt": "hi"})
    run_id = json.loads(stream.until(lambda event: event.type == "meta").data)["run_id"]
    there.post(f"/api/v1/messages/{run_id}/cancel", {})
    with gevent.Timeout(1, AssertionError("not within a second")):
        assert json.loads(stream.to_end()[-1].data)["finish_reason"] == "cancelled"


def test_a_tab_that_closes_at_one_host_stops_nothing_that_is_read_at_the_other(hosts: tuple[Any, Any]) -> None:
    """An EventSource here, the same one again there, and then that one goes for good."""
    here, there = (host.client() for host in hosts)
    headers = {"Accept": "text/event-stream"}
    path = "/ask/stream?question=hi&provider=mock&model=slow"
    first = here.stream("GET", path, headers=headers)
    last_id = first.until(lambda event: "@" in event.last_event_id).last_event_id
    run_id = first.headers["X-Run-Id"]
    second = there.stream("GET", path, headers={**headers, "Last-Event-ID": last_id})
    second.until(lambda event: True)
    second.close()
    gevent.sleep(1.5)  # longer than it would be waited for
    first.until(lambda event: True)
    assert here.json(f"/api/v1/messages/{run_id}")["status"] == "running"
    first.close()
    soon(lambda: there.json(f"/api/v1/messages/{run_id}")["finish_reason"] == "cancelled")


def test_runs_of_a_host_that_died_or_froze_are_ended_once_by_another(
    hosts: tuple[Any, Any], start_host: Callable[..., Any]
) -> None:
    """The frozen one comes back, and has lost its run."""
    frozen, survivor = hosts[0], hosts[1].client()
    dead = start_host(WEB_CONCURRENCY="1")
    runs = [host.client().send("hi", model="slow", max_tokens=2000)["id"] for host in (frozen, dead)]
    streams = [survivor.follow(run_id) for run_id in runs]
    for stream in streams:
        read_some(stream)
    local = frozen.client().follow(runs[0])
    read_some(local)
    os.killpg(frozen.pid, signal.SIGSTOP)
    dead.kill()
    try:
        with gevent.Timeout(25, AssertionError("nobody ended them")):
            endings = [told(stream) for stream in streams]
    finally:
        os.killpg(frozen.pid, signal.SIGCONT)
    for run_id, ending in zip(runs, endings, strict=True):
        assert json.loads(ending[-1].data)["code"] == "interrupted"
        check_clients([applied(ending)], survivor.json(f"/api/v1/messages/{run_id}")["content"])
    assert told(local) == endings[0]
    soon(lambda: "another process's now" in frozen.log())
    assert told(survivor.follow(runs[0])) == endings[0] == told(frozen.client().follow(runs[0]))


def test_a_redis_that_freezes_and_restarts_is_waited_for(hosts: tuple[Any, Any], redis: Redis) -> None:
    here, there = (host.client() for host in hosts)
    run_id = here.send("hi", model="slow", max_tokens=40)["id"]
    streams = [here.follow(run_id), there.follow(run_id)]
    for stream in streams:
        read_some(stream)
    redis.signal(signal.SIGSTOP)
    gevent.sleep(5)  # an outage, as long as a request would wait
    redis.signal(signal.SIGCONT)
    for stream in streams:
        read_some(stream, 8)
    redis.kill()
    redis.forget()
    redis.start()
    endings = [told(stream) for stream in streams]
    check_clients(list(map(applied, endings)), there.json(f"/api/v1/messages/{run_id}")["content"])
    assert json.loads(endings[0][-1].data)["finish_reason"] == "length"
    soon(lambda: requests.get(f"{here.url}/readyz", timeout=10).ok)


def test_a_run_outlives_a_postgres_that_is_away_at_its_end(hosts: tuple[Any, Any], postgres: Postgres) -> None:
    here, there = (host.client() for host in hosts)
    run_id = here.send("hi", model="slow", max_tokens=10)["id"]
    stream = here.follow(run_id)
    read_some(stream)
    postgres.stop()
    assert json.loads(stream.to_end()[-1].data)["finish_reason"] == "length"
    postgres.start()
    soon(lambda: there.get(f"/api/v1/messages/{run_id}").ok, within=20)
    soon(lambda: there.json(f"/api/v1/messages/{run_id}")["status"] == "done", within=20)
    check_clients([applied(stream.events)], there.json(f"/api/v1/messages/{run_id}")["content"])


def test_a_rolling_restart_behind_nginx_loses_nothing(hosts: tuple[Any, Any], tmp_path: Path) -> None:
    """Each reader comes back by itself; a new question that meets a restart is asked again, with its key."""
    ports = [host.port for host in hosts]
    with nginx(tmp_path, lambda port: _site(port, ports)) as url:
        clients = [hosts[0].client() for _ in range(STREAMS)]
        for client in clients:
            client.url = url
        chats = [
            gevent.spawn(_chat, client, f"key-{number}", number * 12 / STREAMS) for number, client in enumerate(clients)
        ]
        gevent.sleep(2)
        for host, port in zip(hosts, ports, strict=True):
            host.terminate()
            assert host.wait(60) == 0
            host.start(port)
        followed = [chat.get(timeout=120) for chat in chats]
        for client, (run_id, events) in zip(clients, followed, strict=True):
            message = client.json(f"/api/v1/messages/{run_id}")
            check_clients([applied(events)], message["content"])
            assert message["finish_reason"] == "length"  # it fits into the grace


def applied(events: list[ServerEvent]) -> Applied:
    """As a client that takes each event as it comes."""
    reader = Applied()
    for event in events:
        reader.apply(event, lambda one: text_of([one]))
    return reader


def _chat(client: Any, key: str, wait_s: float) -> tuple[str, list[ServerEvent]]:
    """One question, followed to its end through whatever happens."""
    gevent.sleep(wait_s)
    body = {"prompt": key, "provider": "mock", "model": "slow", "max_tokens": 20}
    while not (response := client.post("/api/v1/messages", body, headers={"Idempotency-Key": key})).ok:
        assert response.status_code in (502, 503), response.text
        gevent.sleep(0.2)
    run_id = response.json()["id"]
    events: list[ServerEvent] = []
    while not events or events[-1].type != "completed":
        try:
            stream = client.follow(run_id, after=int(events[-1].last_event_id) if events else None)
            if stream.status == 200:
                for event in stream:
                    assert event.type in ("content_delta", "completed", "heartbeat"), event
                    events += [event] if event.type != "heartbeat" else []
            else:
                assert stream.status in (502, 503)
        except requests.RequestException:
            pass
        gevent.sleep(0.1)
    return run_id, events


def _site(port: int, ports: list[int]) -> str:
    """The published site with the published upstream, but for addresses."""
    upstream = (DEPLOY / "two-hosts" / "upstream.conf").read_text()
    for published, ours in zip(("10.0.0.11:8000", "10.0.0.12:8000"), ports, strict=True):
        assert published in upstream
        upstream = upstream.replace(published, f"127.0.0.1:{ours}")
    site = re.sub(r"(?ms)^upstream chatapp \{.*?^\}", upstream, (DEPLOY / "nginx.conf").read_text())
    assert "127.0.0.1:8080" in site and "127.0.0.1:8000" not in site
    return site.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
