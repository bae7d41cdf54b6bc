"""kill -9, SIGTERM, several workers: nothing that was seen is lost, and nothing comes twice."""

import json
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from invariants import Applied, check_clients
from waiting import soon

from chatapp.wire.frames import ServerEvent

pytestmark = pytest.mark.slow


def text_of(events: list[ServerEvent]) -> str:
    return "".join(json.loads(event.data)["delta"] for event in events if event.type == "content_delta")


def applied(events: list[ServerEvent]) -> Applied:
    """As a client that takes each event as it comes."""
    reader = Applied()
    for event in events:
        reader.apply(event, lambda one: text_of([one]))
    return reader


def read_some(stream: Any, deltas: int) -> None:
    stream.until(lambda event: sum(e.type == "content_delta" for e in stream.events) >= deltas)


def test_after_kill_9_everything_seen_is_there_then_interrupted(own_server: Callable[..., Any]) -> None:
    server = own_server()
    client = server.client()
    posted = client.send("hi", model="slow")
    stream = client.follow(posted["id"])
    read_some(stream, 3)
    server.kill()
    seen = list(stream.events)

    client = server.start().client()
    rest = client.follow(posted["id"], after=int(seen[-1].last_event_id)).to_end()
    assert rest[-1].type == "error" and json.loads(rest[-1].data)["code"] == "interrupted"
    conversation = client.json(f"/api/v1/conversations/{posted['conversation_id']}")
    answer = conversation["messages"][-1]
    check_clients([applied(seen + rest)], answer["content"])
    assert answer["finish_reason"] == "interrupted"
    assert answer["content"].startswith(text_of(seen))


def test_a_reader_that_reconnects_again_and_again_through_kills_misses_nothing(own_server: Callable[..., Any]) -> None:
    server = own_server()
    for _ in range(3):
        client = server.client()
        run_id = client.send("hi")["id"]
        stream = client.follow(run_id)
        read_some(stream, 5)
        server.kill()
        seen = list(stream.events)
        client = server.start().client()
        seen += client.follow(run_id, after=int(seen[-1].last_event_id)).to_end()
        check_clients([applied(seen)], client.json(f"/api/v1/messages/{run_id}")["content"])


def test_a_run_of_a_killed_worker_is_ended_by_its_successor(own_server: Callable[..., Any]) -> None:
    """The master lives and starts another worker; the reader was with a third."""
    server = own_server(WEB_CONCURRENCY="2")
    client = server.client()
    posted = client.send("hi", model="silent")
    stream = client.follow(posted["id"])
    workers = soon(lambda: [pid for pid in _children(server.pid) if "gunicorn" in _command(pid)])
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    soon(lambda: client.json(f"/api/v1/messages/{posted['id']}")["finish_reason"] == "interrupted", within=20)
    stream.close()


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [int(child) for child in children.read().split()]


def _command(pid: int) -> str:
    with open(f"/proc/{pid}/cmdline") as command:
        return command.read()


def test_a_worker_that_takes_anothers_place_waits_for_a_store_that_is_held(own_server: Callable[..., Any]) -> None:
    """It ended the server, with all that the others were doing."""
    server = own_server(WEB_CONCURRENCY="2")
    workers = set(map(int, Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()))
    with closing(sqlite3.connect(server.data / "log.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        os.kill(min(workers), signal.SIGKILL)
        soon(lambda: "a worker waits: " in server.log(), within=60)
        assert server.client().get("/healthz").ok
        other.execute("ROLLBACK")
    stream = server.client().stream("POST", "/chat/stream", json={"provider": "mock", "prompt": "hi"})
    assert stream.to_end()[-1].type == "done"


def test_a_slow_reader_whose_log_grows_old_is_reset_to_what_was_kept(own_server: Callable[..., Any]) -> None:
    """Its reader stands still in a stopped worker while the run ends and its log goes."""
    server = own_server(CHATAPP_LOG_RETENTION_S="0.5")
    client = server.client()
    posted = client.send("hi", model="slow", max_tokens=6)
    stream = client.follow(posted["id"])
    read_some(stream, 1)
    events = [*stream.events]
    soon(lambda: client.json(f"/api/v1/messages/{posted['id']}")["status"] == "done")
    soon(lambda: client.follow(posted["id"], after=3).until(lambda event: True).type == "reset", within=20)
    rest = client.follow(posted["id"], after=int(events[-1].last_event_id)).to_end()
    assert rest[0].type == "reset" and rest[-1].type == "completed"
    assert text_of(rest) == json.loads(rest[-1].data)["content"]


def test_several_workers_follow_and_stop_each_others_runs(own_server: Callable[..., Any]) -> None:
    server = own_server(WEB_CONCURRENCY="3")
    for _ in range(8):  # new connections: they spread over the workers
        run_id = server.client().send("hi", model="slow")["id"]
        streams = [server.client().follow(run_id) for _ in range(3)]
        for stream in streams:
            read_some(stream, 2)
        assert server.client().post(f"/api/v1/messages/{run_id}/cancel", {}).status_code == 202
        endings = [stream.to_end() for stream in streams]
        assert endings[0] == endings[1] == endings[2]
        assert json.loads(endings[0][-1].data)["finish_reason"] == "cancelled"


def test_sigterm_lets_runs_finish_and_sends_readers_elsewhere(own_server: Callable[..., Any]) -> None:
    server = own_server(CHATAPP_DRAIN_S="20")
    client = server.client()
    run_id = client.send("hi")["id"]
    follower = client.follow(run_id)
    one_request = client.stream("POST", "/chat/stream", json={"provider": "mock", "prompt": "hi"})
    read_some(follower, 2)
    one_request.until(lambda event: event.type == "token")
    server.terminate()

    follower.to_end()
    assert follower.events[-1].type == "content_delta" and b"retry: " in follower.data
    assert one_request.to_end()[-1].type == "done"  # it cannot resume by itself: it is served to its end
    assert server.wait() == 0

    client = server.start().client()
    rest = client.follow(run_id, after=int(follower.events[-1].last_event_id)).to_end()
    assert json.loads(rest[-1].data)["content"] == text_of(follower.events + rest)
    assert json.loads(rest[-1].data)["finish_reason"] == "stop"


def test_a_run_that_outlives_the_grace_is_marked_interrupted(own_server: Callable[..., Any]) -> None:
    server = own_server(CHATAPP_DRAIN_S="0.5")
    client = server.client()
    stuck = client.send("hi", model="silent")["id"]
    one_request = client.stream("POST", "/chat/stream", json={"provider": "mock", "model": "silent", "prompt": "hi"})
    server.terminate()
    assert json.loads(one_request.to_end()[-1].data)["code"] == "interrupted"
    assert server.wait() == 0
    assert server.start().client().json(f"/api/v1/messages/{stuck}")["finish_reason"] == "interrupted"


def test_workers_whose_master_is_gone_finish_their_runs_and_go(own_server: Callable[..., Any]) -> None:
    server = own_server(WEB_CONCURRENCY="2")
    client = server.client()
    run_id = client.send("hi", model="slow", max_tokens=40)["id"]
    workers = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    port = server.port
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    client.session.close()  # no worker waits for it
    soon(lambda: not any(_lives(int(pid)) for pid in workers), within=20)  # and not for the whole grace
    message = server.start(port).client().json(f"/api/v1/messages/{run_id}")
    assert message["finish_reason"] == "length"


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_an_ipv6_address_is_served_and_greeted_as_one(own_server: Callable[..., Any]) -> None:
    server = own_server(HOST="::1")
    assert server.url.startswith("http://[::1]:")
    assert server.client().json("/healthz") == {"status": "ok"}


def test_a_data_folder_that_cannot_be_used_is_named(own_server: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AssertionError, match="did not start") as caught:
        own_server(CHATAPP_DATA=str(tmp_path / "file" / "var"))
    assert "data: cannot make the folder" in str(caught.value) and "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"CHATAPP_HARTBEAT_S": "1"}, "CHATAPP_HARTBEAT_S"),
        ({"HOST": "0.0.0.0"}, "not a loopback address"),
        ({"CHATAPP_LOG_URL": "carrier-pigeon:"}, "log_url"),
        ({"CHATAPP_DEFAULT_PROVIDER": "nobody"}, "default_provider"),
        ({"CHATAPP_DATABASE_URL": "nonsense"}, "database_url"),
        ({"CHATAPP_DATABASE_URL": "postgresql+psycopg://ann:hidden@127.0.0.1:1/x"}, "database_url"),
        ({"CHATAPP_LOG_URL": "redis://ann:hidden@127.0.0.1:1/0"}, "log_url: cannot use Redis at 127.0.0.1:1"),
        ({"CHATAPP_LOG_URL": "memory:", "WEB_CONCURRENCY": "2"}, "log_url"),
    ],
)
def test_a_bad_configuration_stops_the_start_and_is_named(
    own_server: Callable[..., Any], env: dict[str, str], named: str
) -> None:
    with pytest.raises(AssertionError, match="did not start") as caught:
        own_server(**env)
    assert named in str(caught.value)
    assert "Traceback" not in str(caught.value) and "hidden" not in str(caught.value)
