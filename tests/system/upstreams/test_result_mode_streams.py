"""Result modes over HTTP: raw bytes to the byte and to the owner alone; text with its tags."""

import hashlib
import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest
from waiting import soon

pytestmark = pytest.mark.slow

NASTY = (
    b'\xef\xbb\xbf: caf\xe9\r\n\r\ndata: {"choices":[{"delta":{"reasoning_content":"hm"}}]}\r\n\r\n'
    b'data: {"choices":[{"delta":{"content":"\xff one \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7"}}]}\r\n\r\n'
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}\r\n\r\n'
    b"data:[DONE]\r\n\r\n: goodbye \xfe\r\n"
)


FAMILIES = "Two families, 👨‍👩‍👧‍👦 and 👩‍👩‍👦, and a flag 🇩🇪. " * 12


def body_of(events: list[Any]) -> bytes:
    data = b""
    for number, frame in enumerate([json.loads(event.data) for event in events if event.type == "raw"], 1):
        assert frame["seq"] == number
        data += frame["data"].encode() if frame["encoding"] == "utf-8" else b64decode(frame["data"])
    return data


def same(one: bytes, other: bytes) -> bool:
    return hashlib.sha256(one).hexdigest() == hashlib.sha256(other).hexdigest()


@pytest.fixture(scope="module")
def server(kept_upstream: Any, kept_serve: Callable[..., Any], wire: Any) -> Any:
    pieces = [NASTY[at : at + 11] for at in range(0, len(NASTY), 11)]
    kept_upstream.script("nasty", wire.head("text/event-stream; charset=UTF-8"), *pieces)
    kept_upstream.script("plain", wire.head(), wire.chunk("one "), wire.DONE)
    kept_upstream.script("refuses", wire.head("application/json", "401 No"), b'{"error":{"message":"no"}}')
    kept_upstream.script("gate", wire.head(), wire.chunk("one "), kept_upstream.left, wire.chunk("two") + wire.DONE)
    body = {"choices": [{"message": {"content": FAMILIES}, "finish_reason": "stop"}]}
    kept_upstream.script("json", wire.head("application/json"), json.dumps(body, ensure_ascii=False).encode())
    kept_upstream.script("lump", wire.head(), wire.chunk(FAMILIES) + wire.DONE)
    return kept_serve(CHATAPP_LOG_RETENTION_S="1", CHATAPP_LOG_LEVEL="DEBUG")


@pytest.fixture
def client(server: Any) -> Any:
    return server.client()


def ask(client: Any, model: str, mode: str, **fields: Any) -> str:
    posted = client.send("hi", **{"provider": "acme", "model": model, "result_mode": mode, **fields})
    assert posted["result_mode"] == mode
    return str(posted["id"])


def test_raw_frames_and_raw_bytes_are_the_upstreams_body(client: Any) -> None:
    run_id = ask(client, "nasty", "raw_passthrough")
    events = client.follow(run_id).to_end()
    assert {event.type for event in events} == {"raw", "completed"}
    assert same(body_of(events), NASTY)
    last = json.loads(events[-1].data)
    assert last["content"] == "\ufffd one 👩‍👧" and last["usage"]["completion"] == 2

    answer = client.get(f"/api/v1/messages/{run_id}/raw")
    assert same(answer.content, NASTY)
    assert answer.headers["Content-Type"] == "text/event-stream; charset=UTF-8"
    assert (
        answer.headers["X-Content-Type-Options"] == "nosniff" and "attachment" in answer.headers["Content-Disposition"]
    )

    middle = len(events) // 2
    resumed = client.follow(run_id, after=int(events[middle].last_event_id)).to_end()
    assert resumed == events[middle + 1 :]
    words = [event.data for event in client.follow(run_id, dialect="token").to_end() if event.type == "token"]
    assert "".join(words) == last["content"]

    assert client.json(f"/api/v1/messages/{run_id}")["reasoning"] == "hm"
    soon(lambda: client.get(f"/api/v1/messages/{run_id}/raw").status_code == 404, within=30)  # it went with its log
    (end,) = client.follow(run_id).to_end()
    assert end.type == "completed" and json.loads(end.data)["content"] == last["content"]


def test_raw_bytes_come_live(client: Any, kept_upstream: Any, wire: Any) -> None:
    run_id = ask(client, "gate", "raw_passthrough")
    frames = client.follow(run_id)
    assert json.loads(frames.until(lambda event: event.type == "raw").data)["data"] == wire.chunk("one ").decode()
    answer = client.get(f"/api/v1/messages/{run_id}/raw", stream=True)
    assert answer.raw.read1(65_536) == wire.chunk("one ")
    kept_upstream.left.set()
    assert answer.raw.read() == wire.chunk("two") + wire.DONE


def test_raw_bytes_are_the_owners_and_never_logged(server: Any, wire: Any) -> None:
    owner, other = server.client(browser=True), server.client(browser=True)
    run_id = ask(owner, "plain", "raw_passthrough")
    owner.follow(run_id).to_end()
    assert owner.get(f"/api/v1/messages/{run_id}/raw").content == wire.chunk("one ") + wire.DONE
    assert other.get(f"/api/v1/messages/{run_id}/raw").status_code == 404
    assert "choices" not in server.log() and wire.KEY not in server.log()


def test_where_no_raw_bytes_are_there_are_none(client: Any) -> None:
    for mode, model in (("legacy", "nasty"), ("raw_passthrough", "refuses")):
        run_id = ask(client, model, mode)
        client.follow(run_id).to_end()
        answer = client.get(f"/api/v1/messages/{run_id}/raw")
        assert answer.status_code == 404 and "raw" in answer.json()["error"]["message"]


def test_text_with_its_tags(client: Any) -> None:
    run_id = ask(client, "nasty", "xml_plaintext")
    events = client.follow(run_id).to_end()
    assert {event.type for event in events} == {"content_delta", "completed"}
    text = "".join(json.loads(event.data)["delta"] for event in events[:-1])
    assert text == json.loads(events[-1].data)["content"]
    assert text == "<thinking>hm</thinking><final>\ufffd one 👩‍👧</final>"
    assert client.json(f"/api/v1/messages/{run_id}")["content"] == "\ufffd one 👩‍👧"


def test_the_mock_has_every_mode(client: Any) -> None:
    run_id = ask(client, "think", "raw_passthrough", provider="mock", max_tokens=50)
    events = client.follow(run_id).to_end()
    assert body_of(events).decode().endswith(json.loads(events[-1].data)["content"])


def test_an_unknown_mode_is_refused(client: Any) -> None:
    answer = client.post("/api/v1/messages", {"prompt": "hi", "provider": "mock", "result_mode": "html"})
    assert answer.status_code == 422 and "result_mode" in answer.json()["error"]["message"]


@pytest.mark.parametrize("model", ["json", "lump"])
def test_an_answer_in_one_piece_streams_in_graphemes(client: Any, model: str) -> None:
    events = client.follow(ask(client, model, "legacy")).to_end()
    pieces = [json.loads(event.data)["delta"] for event in events if event.type == "content_delta"]
    assert "".join(pieces) == FAMILIES and len(pieces) >= 50
    assert not any(piece.startswith("\u200d") or piece.endswith("\u200d") for piece in pieces)
