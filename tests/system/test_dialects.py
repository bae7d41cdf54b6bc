"""What a client sees of the one-request dialects: `session`, `reasoning` and `delta`, by POST and by GET."""

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from waiting import soon

from chatapp.dialects.registry import DIALECTS
from chatapp.wire.frames import ServerEvent

pytestmark = pytest.mark.slow

EVENT_SOURCE = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
PATHS = {"session": "/chat", "reasoning": "/api/chat", "delta": "/ask/stream"}
TEXTS = {"session": "assistant", "reasoning": "message", "delta": "delta"}


@pytest.fixture
def client(server: Any) -> Any:
    return server.client()


def ask(client: Any, method: str, path: str, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    fields = {"provider": "mock", **fields}
    if method == "POST":
        return client.stream("POST", path, json=fields, headers=headers)
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    return client.stream("GET", f"{path}?{urlencode(texts)}", headers=headers)


def data(event: ServerEvent) -> Any:
    return json.loads(event.data)


def kinds(events: list[ServerEvent]) -> list[str]:
    return [data(event).get("type", event.type) for event in events]


def text_of(name: str, events: list[ServerEvent]) -> str:
    pieces = [data(event)["content"] for event, kind in zip(events, kinds(events), strict=True) if kind == TEXTS[name]]
    return "".join(pieces[1:] if name == "session" else pieces)


def done(client: Any, run_id: str) -> Any:
    message = client.json(f"/api/v1/messages/{run_id}")
    return message if message["status"] == "done" else None


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_session_is_acknowledged_then_answered_in_frames_of_one_shape(client: Any, method: str) -> None:
    stream = ask(client, method, "/chat", sessionId=f"s-{method}", agent="", prompt="hi", model="tool", max_tokens=3)
    events = stream.to_end()
    assert kinds(events) == ["assistant", "tool", "tool", "assistant", "assistant", "assistant", "done"]
    frames = [data(event) for event in events]
    assert all(set(f) == {"type", "id", "sessionId", "timestamp", "content", "status"} for f in frames)
    assert {(f["sessionId"], f["status"]) for f in frames} == {(f"s-{method}", 200)}
    assert len({f["id"] for f in frames}) == len(frames) and frames[0]["content"]
    assert json.loads(frames[1]["content"])["arguments"] == {"text": "hi"}
    assert json.loads(frames[2]["content"])["result"] == {"words": 1}
    kept = client.json(f"/api/v1/messages/{stream.headers['X-Run-Id']}")
    assert text_of("session", events) == kept["content"]


def test_an_agent_announces_its_steps_before_it_takes_them(client: Any) -> None:
    stream = ask(client, "POST", "/chat", prompt="hi", max_tokens=30)
    frames = [data(event) for event in stream.to_end()]
    planning = [frame["content"] for frame in frames if frame["type"] == "planning"]
    assert len(planning) > 1 and all(step.startswith(f"{number}. ") for number, step in enumerate(planning, 1))
    assert [frame["type"] for frame in frames[: len(planning) + 1]] == ["assistant", *["planning"] * len(planning)]
    assert frames[-1]["type"] == "done" and frames[-2]["type"] == "assistant"


def test_one_session_id_is_one_conversation_of_its_owner(server: Any) -> None:
    ann, bob = server.client(browser=True), server.client(browser=True)
    conversations = []
    for client, prompt in ((ann, "one"), (ann, "two"), (bob, "three")):
        stream = ask(client, "POST", "/chat", sessionId="ours", agent="", prompt=prompt, max_tokens=3)
        stream.to_end()
        conversations.append(client.json(f"/api/v1/messages/{stream.headers['X-Run-Id']}")["conversation_id"])
    assert conversations[0] == conversations[1] != conversations[2]
    messages = ann.json(f"/api/v1/conversations/{conversations[0]}")["messages"]
    assert [m["role"] for m in messages] == ["user", "assistant"] * 2


def test_a_session_that_is_not_named_gets_a_name_that_goes_on(client: Any) -> None:
    first = ask(client, "POST", "/chat", agent="", prompt="one", max_tokens=3)
    session_id = data(first.to_end()[0])["sessionId"]
    second = ask(client, "GET", "/chat", sessionId=session_id, agent="", prompt="two", max_tokens=3)
    assert {data(event)["sessionId"] for event in second.to_end()} == {session_id}
    runs = [client.json(f"/api/v1/messages/{stream.headers['X-Run-Id']}") for stream in (first, second)]
    assert runs[0]["conversation_id"] == runs[1]["conversation_id"]
    assert runs[1]["usage"]["prompt"] > runs[0]["usage"]["prompt"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_reasoning_shows_thinking_tools_and_what_was_used(client: Any, method: str) -> None:
    stream = ask(client, method, "/api/chat", prompt="hi", model="tool", thinking=True, max_tokens=50)
    events = stream.to_end()
    names = [event.type for event in events]
    assert (
        names[0] == "start"
        and names[-1] == "end"
        and set(names[1:-1])
        == {
            "reasoning",
            "tool_call",
            "tool_result",
            "message",
        }
    )
    assert data(events[0]) == {"model": "tool", "reasoning": "enabled"}
    call, result = (data(event) for event in events if event.type.startswith("tool_"))
    assert set(call) == {"id", "type", "name", "arguments"} and call["type"] == "function"
    assert result == {"tool_call_id": call["id"], "result": {"words": 1}}
    kept = client.json(f"/api/v1/messages/{stream.headers['X-Run-Id']}")
    assert text_of("reasoning", events) == kept["content"]
    assert data(events[-1]) == {
        "finish_reason": "length",
        "stats": {
            "tool_calls": 1,
            "tool_results": 1,
            "tokens": {key: kept["usage"][key] for key in ("prompt", "completion", "total")},
            "timing_ms": {"first_byte": kept["timing"]["first_byte_ms"], "total": kept["timing"]["total_ms"]},
        },
    }


def test_no_thinking_is_shown_where_it_is_off(client: Any) -> None:
    events = ask(client, "POST", "/api/chat", prompt="hi", model="think", thinking=False, max_tokens=4).to_end()
    assert [event.type for event in events] == ["start", *["message"] * 4, "end"]
    assert data(events[0])["reasoning"] == "disabled" and data(events[-1])["finish_reason"] == "length"


def test_what_was_not_counted_says_that_it_is_estimated(client: Any) -> None:
    stream = ask(client, "POST", "/api/chat", prompt="hi", model="slow")
    stream.until(lambda event: event.type == "message")
    client.post(f"/api/v1/messages/{stream.headers['X-Run-Id']}/cancel", {})
    end = data(stream.to_end()[-1])
    assert end["finish_reason"] == "cancelled" and end["stats"]["tokens"]["estimated"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_streaming_the_text_comes_once(client: Any, method: str) -> None:
    answer = ask(client, method, "/api/chat", prompt="hi", max_tokens=3, stream=False).response.json()
    assert answer["content"] == "You asked:\n\n>" and answer["finish_reason"] == "length"
    assert answer["stats"]["tokens"] == {"prompt": 1, "completion": 3, "total": 4}
    plain = ask(client, method, "/api/chat", {"Accept": "text/plain"}, prompt="hi", max_tokens=3, stream=False)
    assert plain.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert plain.response.text == "You asked:\n\n>"


def test_without_streaming_a_failure_is_a_status(client: Any) -> None:
    response = ask(client, "POST", "/api/chat", prompt="hi", model="fail-late", stream=False).response
    assert response.status_code == 502 and response.json()["error"]["code"] == "upstream_reported_error"


def test_without_streaming_leaving_stops_the_run_too(client: Any) -> None:
    conversation = client.send("hi", max_tokens=1)["conversation_id"]
    body = {"provider": "mock", "model": "silent", "prompt": "hi", "stream": False, "conversation_id": conversation}
    with pytest.raises(Exception, match="timed out"):
        client.session.post(client.url + "/api/chat", json=body, timeout=0.5)
    messages = f"/api/v1/conversations/{conversation}"
    assert soon(lambda: client.json(messages)["messages"][-1]["finish_reason"] == "cancelled", within=3)


@pytest.mark.parametrize(("method", "fields"), [("GET", {}), ("POST", {"max_tokens": 5})])
def test_deltas_end_with_the_whole_answer(client: Any, method: str, fields: dict[str, Any]) -> None:
    events = ask(client, method, "/ask/stream", question="hi", **fields).to_end()
    assert kinds(events) == [*["delta"] * (len(events) - 1), "end"]
    why = {"finish_reason": "length"} if fields else {}
    assert data(events[-1]) == {"type": "end", "answer": text_of("delta", events), **why}


@pytest.mark.parametrize(("name", "path"), PATHS.items())
def test_a_failure_is_the_last_event(client: Any, name: str, path: str) -> None:
    question = "question" if name == "delta" else "prompt"
    last = ask(client, "POST", path, model="fail-late", **{question: "hi"}).to_end()[-1]
    said = data(last)
    assert kinds([last]) == ["error"]
    match name:
        case "session":
            assert (said["status"], "failed after 5 words" in said["content"]) == (502, True)
        case "reasoning":
            assert set(said) == {"finish_reason", "message"} and said["finish_reason"] == "error"
        case "delta":
            assert set(said) == {"type", "error"} and "failed after 5 words" in said["error"]


@pytest.mark.parametrize(("name", "path"), PATHS.items())
def test_each_is_refused_with_the_name_of_the_field(client: Any, name: str, path: str) -> None:
    question = "question" if name == "delta" else "prompt"
    for method in ("GET", "POST"):
        for fields, field in (
            ({}, question),
            ({question: " "}, question),
            ({question: "a", "max_tokens": 0}, "max_tok"),
        ):
            response = ask(client, method, path, **fields).response
            assert response.status_code == 422 and response.json()["error"]["message"].startswith(field)
        response = ask(client, method, path, **{question: "hi", "model": "none"}).response
        assert response.status_code == 404 and "model" in response.json()["error"]["message"]


@pytest.mark.parametrize(("name", "path"), PATHS.items())
def test_leaving_stops_the_run(client: Any, name: str, path: str) -> None:
    question = "question" if name == "delta" else "prompt"
    for method in ("GET", "POST"):
        stream = ask(client, method, path, model="silent", **{question: "hi"})
        assert stream.status == 200
        stream.close()
        assert soon(lambda run=stream.headers["X-Run-Id"]: done(client, run), within=3)["finish_reason"] == "cancelled"


@pytest.mark.parametrize(("name", "path"), PATHS.items())
def test_an_event_source_that_is_cut_off_goes_on_with_its_run(client: Any, name: str, path: str) -> None:
    question = "question" if name == "delta" else "prompt"
    fields = {question: "hi", "sessionId": f"cut-{name}", "agent": "", "max_tokens": 40}
    events: list[ServerEvent] = []
    runs = set()
    while not events or kinds(events[-1:]) not in (["done"], ["end"]):
        headers = {**EVENT_SOURCE, **({"Last-Event-ID": events[-1].last_event_id} if events else {})}
        stream = ask(client, "GET", path, headers, **fields)
        runs.add(stream.headers["X-Run-Id"])
        for event in stream:
            events.append(event)
            if len(stream.events) >= 9:
                break
        stream.close()
    assert len(runs) == 1 and stream.data.startswith(b"retry: ")
    assert text_of(name, events) == client.json(f"/api/v1/messages/{runs.pop()}")["content"]
    ids = [int(event.last_event_id.partition("@")[0]) for event in events]
    assert ids == sorted(set(ids))
    headers = {**EVENT_SOURCE, "Last-Event-ID": events[-1].last_event_id}
    assert ask(client, "GET", path, headers, **fields).status == 204


def test_an_event_source_that_stays_away_stops_its_run(own_server: Any) -> None:
    client = own_server(CHATAPP_COME_BACK_S="0.3", CHATAPP_HEARTBEAT_S="0.6").client()
    stream = ask(client, "GET", "/ask/stream", EVENT_SOURCE, question="hi", model="silent")
    last_id = stream.until(lambda event: True).last_event_id
    stream.close()
    back = ask(client, "GET", "/ask/stream", {**EVENT_SOURCE, "Last-Event-ID": last_id}, question="hi", model="silent")
    run_id = back.headers["X-Run-Id"]
    assert last_id == f"1@{run_id}"
    received = b""
    while received.count(b":\n") < 3:  # longer than it would have been awaited
        received += back.response.raw.read1(100)
    assert done(client, run_id) is None
    back.close()
    assert soon(lambda: done(client, run_id), within=5)["finish_reason"] == "cancelled"


def test_an_event_source_may_come_back_to_another_worker(own_server: Any) -> None:
    client = own_server(CHATAPP_COME_BACK_S="1", WEB_CONCURRENCY="2").client()
    events: list[ServerEvent] = []
    while not events or kinds(events[-1:]) != ["end"]:
        headers = {**EVENT_SOURCE, **({"Last-Event-ID": events[-1].last_event_id} if events else {})}
        stream = ask(client, "GET", "/ask/stream", headers, question="hi")
        for event in stream:
            events.append(event)
            if len(stream.events) >= 60:  # longer than it would have been awaited
                break
        stream.close()
    assert data(events[-1]) == {"type": "end", "answer": text_of("delta", events)}


def test_an_event_source_comes_back_to_a_server_that_was_restarted(own_server: Any) -> None:
    server = own_server()
    client = server.client()
    stream = ask(client, "GET", "/ask/stream", EVENT_SOURCE, question="hi", max_tokens=40)
    events = [stream.until(lambda event: "asked" in event.data)]
    port = server.port
    server.terminate()
    events = stream.to_end()
    assert kinds(events[-1:]) == ["delta"] and re.search(rb"retry: \d+\n$", stream.data)
    server.wait()
    server.start(port)
    headers = {**EVENT_SOURCE, "Last-Event-ID": events[-1].last_event_id}
    events += ask(client, "GET", "/ask/stream", headers, question="hi", max_tokens=40).to_end()
    assert data(events[-1]) == {"type": "end", "answer": text_of("delta", events), "finish_reason": "length"}


def test_an_id_that_names_no_run_of_the_client_begins_none(server: Any) -> None:
    ann, bob = server.client(browser=True), server.client(browser=True)
    stream = ask(ann, "GET", "/ask/stream", EVENT_SOURCE, question="hi", max_tokens=3)
    last_id = stream.to_end()[-1].last_event_id
    for last, status in ((last_id, 404), ("3@msg_none", 404), ("3", 422)):
        headers = {**EVENT_SOURCE, "Last-Event-ID": last}
        assert ask(bob, "GET", "/ask/stream", headers, question="hi").status == status


def test_a_repeated_post_with_a_key_goes_on_with_its_run(client: Any) -> None:
    key = {"Idempotency-Key": "reasoning-once"}
    first = ask(client, "POST", "/api/chat", key, prompt="hi", max_tokens=5)
    events = first.to_end()
    again = ask(client, "POST", "/api/chat", {**key, "Last-Event-ID": "3"}, prompt="hi", max_tokens=5)
    assert again.to_end() == events[3:] and again.headers["X-Run-Id"] == first.headers["X-Run-Id"]


def test_pages_of_other_sites_can_change_nothing(client: Any) -> None:
    run_id = client.send("hi", max_tokens=1)["id"]
    foreign = {"Sec-Fetch-Site": "same-site"}  # another port of this host
    for path in PATHS.values():
        for method in ("GET", "POST"):
            assert ask(client, method, path, foreign, prompt="hi", question="hi").status == 403
        assert client.request("HEAD", f"{path}?prompt=hi&question=hi").status_code == 405
    for path in ("/chat/stream", "/api/v1/messages", f"/api/v1/messages/{run_id}/cancel"):
        assert client.post(path, {"prompt": "hi"}, headers=foreign).status_code == 403
    assert client.get(f"/api/v1/messages/{run_id}", headers=foreign).ok
    for site in ("same-origin", "none"):
        assert ask(client, "GET", "/ask/stream", {"Sec-Fetch-Site": site}, question="hi", max_tokens=1).status == 200


def test_any_run_can_be_read_in_any_dialect_also_after_its_log_is_gone(own_server: Any) -> None:
    client = own_server(CHATAPP_LOG_RETENTION_S="0.2").client()
    stream = ask(client, "POST", "/api/chat", prompt="hi", model="tool", thinking=True, max_tokens=50)
    stream.to_end()
    run_id = stream.headers["X-Run-Id"]
    kept = done(client, run_id)
    live = {name: client.follow(run_id, dialect=name).to_end() for name in DIALECTS}
    soon(lambda: client.follow(run_id, after=3).to_end()[0].type == "reset", within=30)  # inside what is one piece now
    for name in DIALECTS:
        stream = client.follow(run_id, dialect=name)
        events = stream.to_end()
        assert 0 < len(events) <= len(live[name]) and events[-1].type == live[name][-1].type, name
        if name in TEXTS:
            assert text_of(name, events) == text_of(name, live[name]) == kept["content"]
        if DIALECTS[name].has_event_ids:
            assert events[-1].data == live[name][-1].data
            assert client.follow(run_id, after=int(events[-1].last_event_id), dialect=name).status == 204
