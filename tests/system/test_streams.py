"""What a client sees of a healthy server: every promise of the two dialects, over real sockets."""

import json
import re
import socket
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from connections import Raw, posted
from waiting import soon

from chatapp.wire.frames import ServerEvent

pytestmark = pytest.mark.slow

ASK = {"provider": "mock", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 64}


def named(name: str) -> Callable[[ServerEvent], bool]:
    return lambda event: event.type == name


def text_of(events: list[ServerEvent]) -> str:
    return "".join(json.loads(event.data)["delta"] for event in events if event.type == "content_delta")


@pytest.fixture
def client(server: Any) -> Any:
    return server.client()


def test_a_token_stream_is_meta_tokens_done(client: Any) -> None:
    stream = client.stream("POST", "/chat/stream", json=ASK)
    events = stream.to_end()
    assert [event.type for event in events] == ["meta", *["token"] * (len(events) - 2), "done"]
    meta, done = json.loads(events[0].data), json.loads(events[-1].data)
    assert set(meta) == {"trace_id", "run_id", "provider", "model"}
    assert set(done) == {
        "finish_reason",
        "usage",
        "provider",
        "model",
        "latency_ms",
        "first_token_ms",
        "trace_id",
    }
    assert done["finish_reason"] == "length" and done["usage"]["completion"] == 64
    assert meta["trace_id"] == done["trace_id"] == stream.headers["X-Trace-Id"]
    kept = client.json(f"/api/v1/messages/{meta['run_id']}")
    assert kept["content"] == "".join(event.data for event in events if event.type == "token")


def test_the_headers_keep_proxies_from_buffering(client: Any) -> None:
    headers = client.stream("POST", "/chat/stream", json=ASK).headers
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache, no-transform"
    assert headers["X-Accel-Buffering"] == "no"


def test_the_trace_of_the_caller_is_taken_up(client: Any) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    stream = client.stream("POST", "/chat/stream", json=ASK, headers=headers)
    assert json.loads(stream.to_end()[-1].data)["trace_id"] == trace == stream.headers["X-Trace-Id"]


def test_the_first_bytes_leave_before_the_provider_answers(client: Any) -> None:
    stream = client.stream("POST", "/chat/stream", json={**ASK, "model": "silent"})
    run_id = json.loads(stream.until(named("meta")).data)["run_id"]
    assert client.post(f"/api/v1/messages/{run_id}/cancel", {}).status_code == 202
    assert json.loads(stream.to_end()[-1].data)["finish_reason"] == "cancelled"


def test_a_message_is_posted_then_followed(client: Any) -> None:
    posted = client.send("hello there")
    assert posted["events_url"] == f"/api/v1/messages/{posted['id']}/events" and posted["result_mode"] == "legacy"
    events = client.follow(posted["id"]).to_end()
    assert [event.type for event in events] == [*["content_delta"] * (len(events) - 1), "completed"]
    completed = json.loads(events[-1].data)
    assert completed["content"] == text_of(events) and completed["finish_reason"] == "stop"
    assert set(completed) == {"content", "finish_reason", "usage", "timing", "answered_by", "trace_id"}
    message = client.json(f"/api/v1/messages/{posted['id']}")
    assert (message["content"], message["status"]) == (completed["content"], "done")
    assert message["usage"] == completed["usage"] and message["timing"] == completed["timing"]


def test_a_message_that_is_being_made_shows_what_there_is(client: Any) -> None:
    posted = client.send("hi", model="slow")
    stream = client.follow(posted["id"])
    first = json.loads(stream.until(named("content_delta")).data)["delta"]
    message = client.json(f"/api/v1/messages/{posted['id']}")
    assert message["status"] == "running" and message["content"].startswith(first)
    assert message["finish_reason"] is None
    client.post(f"/api/v1/messages/{posted['id']}/cancel", {})


def test_thinking_and_tools_are_further_events(client: Any) -> None:
    thinking = client.follow(client.send("hi", thinking=True)["id"]).to_end()
    assert "reasoning_delta" in {event.type for event in thinking}
    tools = client.follow(client.send("hi", model="tool")["id"]).to_end()
    assert {"tool_call", "tool_result"} <= {event.type for event in tools}


@pytest.mark.parametrize("dialect", ["message", "token"])
def test_resumed_bytes_are_the_suffix_at_every_cut_live_and_finished(client: Any, dialect: str) -> None:
    run_id = client.send("hi", max_tokens=12)["id"]
    live = client.follow(run_id, dialect=dialect)
    live.to_end()
    whole = re.sub(rb"(?m)^:\n", b"", live.data)  # without heartbeats
    cuts = [int(event.last_event_id) for event in live.events]
    for cut, next_cut in pairwise(cuts):
        position = whole.index(b"\n\n", whole.index(b"id: %d\n" % cut)) + 2
        assert client.follow(run_id, after=cut, dialect=dialect).to_end()[0].last_event_id == str(next_cut)
        stream = client.follow(run_id, after=cut, dialect=dialect)
        stream.to_end()
        assert stream.data == whole[position:]
    after = client.stream("GET", f"/api/v1/messages/{run_id}/events?dialect={dialect}&after={cuts[3]}")
    assert after.to_end() == live.events[4:]


def test_cutting_a_live_stream_again_and_again_loses_and_repeats_nothing(client: Any) -> None:
    run_id = client.send("hi")["id"]
    events: list[ServerEvent] = []
    while not events or events[-1].type != "completed":
        stream = client.follow(run_id, after=int(events[-1].last_event_id) if events else None)
        for event in stream:
            events.append(event)
            if len(stream.events) >= 7:
                break
        stream.close()
    assert text_of(events) == json.loads(events[-1].data)["content"]
    assert text_of(events) == client.json(f"/api/v1/messages/{run_id}")["content"]


def test_a_client_that_has_it_all_gets_204(client: Any) -> None:
    run_id = client.send("hi", max_tokens=3)["id"]
    last = client.follow(run_id).to_end()[-1].last_event_id
    assert client.follow(run_id, after=int(last)).status == 204


@pytest.mark.parametrize("position", ["999999", "abc", "-1", "9" * 40])
def test_a_foreign_position_gets_a_reset_and_everything(client: Any, position: str) -> None:
    run_id = client.send("hi", max_tokens=3)["id"]
    everything = client.follow(run_id).to_end()
    path = f"/api/v1/messages/{run_id}/events"
    events = client.stream("GET", path, headers={"Last-Event-ID": position}).to_end()
    assert events[0].type == "reset"
    assert [event.data for event in events[1:]] == [event.data for event in everything]


def test_a_foreign_position_of_a_silent_live_run_is_told_at_once(client: Any) -> None:
    run_id = client.send("hi", model="silent")["id"]
    stream = client.follow(run_id, after=77)
    assert stream.until(lambda event: True).type == "reset"
    client.post(f"/api/v1/messages/{run_id}/cancel", {})


def test_heartbeats_come_while_the_provider_is_silent(client: Any) -> None:
    run_id = client.send("hi", model="silent")["id"]
    stream = client.follow(run_id)
    stream.until(named("heartbeat"))
    assert b":\n" in stream.data
    client.post(f"/api/v1/messages/{run_id}/cancel", {})
    assert json.loads(stream.until(named("completed")).data)["finish_reason"] == "cancelled"


def test_stop_from_elsewhere_ends_the_stream_with_what_was_used(client: Any, server: Any) -> None:
    run_id = client.send("hi", model="slow")["id"]
    stream = client.follow(run_id)
    stream.until(named("content_delta"))
    assert server.client().post(f"/api/v1/messages/{run_id}/cancel", {}).status_code == 202
    completed = json.loads(stream.to_end()[-1].data)
    assert completed["finish_reason"] == "cancelled"
    assert completed["usage"]["estimated"] and completed["usage"]["completion"] > 0
    assert client.post(f"/api/v1/messages/{run_id}/cancel", {}).status_code == 200


def test_leaving_a_one_request_stream_stops_the_run(client: Any) -> None:
    stream = client.stream("POST", "/chat/stream", json={**ASK, "model": "silent"})
    run_id = json.loads(stream.until(named("meta")).data)["run_id"]
    stream.close()
    message = soon(lambda: _done(client, run_id), within=3)
    assert message["finish_reason"] == "cancelled"


def test_a_client_that_shuts_its_writing_side_has_left(client: Any, server: Any) -> None:
    """It cannot be told from one that closed, until something is written."""
    leaving = Raw(server.port).send(posted("/chat/stream", {**ASK, "model": "silent"}))
    while b"run_id" not in (meta := leaving.socket.recv(65_536, socket.MSG_PEEK)):
        pass
    leaving.socket.shutdown(socket.SHUT_WR)
    run_id = re.search(rb'"run_id": ?"(\w+)"', meta)
    assert run_id
    leaving.rest(10)
    assert soon(lambda: _done(client, run_id[1].decode()), within=3)["finish_reason"] == "cancelled"
    leaving.close()


def test_leaving_may_also_mean_going_on(client: Any) -> None:
    stream = client.stream("POST", "/chat/stream", json={**ASK, "on_disconnect": "continue"})
    run_id = json.loads(stream.until(named("meta")).data)["run_id"]
    stream.close()
    assert soon(lambda: _done(client, run_id))["finish_reason"] == "length"


def test_a_message_can_be_bound_to_its_reader(client: Any) -> None:
    posted = client.send("hi", model="silent", on_disconnect="cancel")
    stream = client.stream("GET", posted["events_url"])
    assert stream.status == 200
    stream.close()
    assert soon(lambda: _done(client, posted["id"]), within=3)["finish_reason"] == "cancelled"


def _done(client: Any, run_id: str) -> Any:
    message = client.json(f"/api/v1/messages/{run_id}")
    return message if message["status"] == "done" else None


def test_the_same_key_twice_starts_one_run(client: Any) -> None:
    headers = {"Idempotency-Key": "once"}
    body = {"prompt": "hi", "provider": "mock"}
    first, second = (client.post("/api/v1/messages", body, headers=headers).json() for _ in range(2))
    assert first["id"] == second["id"]


def test_a_conversation_goes_on_and_can_be_made_anew(client: Any) -> None:
    first = client.send("one", max_tokens=4)
    client.follow(first["id"]).to_end()
    second = client.send("two", conversation_id=first["conversation_id"], max_tokens=4)
    client.follow(second["id"]).to_end()
    body = {"retry_of": second["id"], "provider": "mock", "max_tokens": 5}
    third = client.post("/api/v1/messages", body).json()
    client.follow(third["id"]).to_end()
    conversation = client.json(f"/api/v1/conversations/{first['conversation_id']}")
    assert [m["id"] for m in conversation["messages"] if m["role"] == "assistant"] == [first["id"], third["id"]]
    assert conversation["title"] == "one"


def test_an_assistants_turn_that_a_client_tells_is_no_answer_of_ours(client: Any) -> None:
    told = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    body = {"messages": told, "provider": "mock", "max_tokens": 2}
    posted = client.post("/api/v1/messages", body).json()
    client.follow(posted["id"]).to_end()
    shown = client.json(f"/api/v1/conversations/{posted['conversation_id']}")["messages"]
    assert [(m["role"], m["status"]) for m in shown] == [
        (r, "done") for r in ("user", "assistant", "user", "assistant")
    ]
    assert shown[1]["content"] == "b" and shown[1]["events_url"] is None
    assert client.get(f"/api/v1/messages/{shown[1]['id']}/events").status_code == 404


def test_a_conversation_can_be_renamed_and_deleted(client: Any) -> None:
    posted = client.send("hi", model="silent")
    path = f"/api/v1/conversations/{posted['conversation_id']}"
    stream = client.follow(posted["id"])
    assert client.request("PATCH", path, json={"title": "new"}).json()["title"] == "new"
    assert client.request("DELETE", path).status_code == 204
    assert client.get(path).status_code == 404
    assert json.loads(stream.to_end()[-1].data)["finish_reason"] == "cancelled"


def test_what_belongs_to_one_browser_is_not_there_for_another(server: Any) -> None:
    ann, bob, local = server.client(browser=True), server.client(browser=True), server.client()
    posted = ann.send("mine", max_tokens=3)
    ann.follow(posted["id"]).to_end()
    for stranger in (bob, local):
        for method, path in (
            ("GET", f"/api/v1/messages/{posted['id']}"),
            ("GET", posted["events_url"]),
            ("POST", f"/api/v1/messages/{posted['id']}/cancel"),
            ("GET", f"/api/v1/conversations/{posted['conversation_id']}"),
            ("DELETE", f"/api/v1/conversations/{posted['conversation_id']}"),
            ("GET", f"/c/{posted['conversation_id']}"),
        ):
            assert stranger.request(method, path).status_code == 404, (method, path)
        assert stranger.post("/api/v1/messages", {"retry_of": posted["id"]}).status_code == 404
        ids = [c["id"] for c in stranger.json("/api/v1/conversations")["conversations"]]
        assert posted["conversation_id"] not in ids
    assert ann.get(f"/c/{posted['conversation_id']}").ok


def test_a_forged_cookie_makes_nobody_else(server: Any) -> None:
    ann = server.client(browser=True)
    posted = ann.send("mine", max_tokens=3)
    (name, value), *_ = ann.session.cookies.get_dict().items()
    forger = server.client()
    middle = len(value) - 10  # of the signature: the last character holds bits that say nothing
    forger.session.cookies.set(name, value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :])
    assert forger.get(f"/api/v1/messages/{posted['id']}").status_code == 404


def test_the_probe_sends_numbered_ticks_with_their_time(client: Any) -> None:
    events = client.stream("GET", "/api/v1/base/sse_probe?count=3&interval=0.05").to_end()
    ticks = [json.loads(event.data) for event in events if event.type == "tick"]
    assert [tick["n"] for tick in ticks] == [1, 2, 3]
    assert ticks[0]["sent_ms"] < ticks[1]["sent_ms"] < ticks[2]["sent_ms"]


def test_the_server_says_that_it_lives_and_is_ready(client: Any) -> None:
    assert client.json("/healthz") == {"status": "ok"}
    assert client.json("/readyz") == {"status": "ok", "checks": {"log": "ok", "database": "ok"}}
