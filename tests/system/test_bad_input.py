"""Nonsense gets a clear answer that names the field, and the server goes on."""

import json
from typing import Any

import pytest

pytestmark = pytest.mark.slow

HI = [{"role": "user", "content": "hi"}]


@pytest.fixture
def client(server: Any) -> Any:
    return server.client()


def refused(response: Any, status: int, field: str) -> None:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"code", "message", "trace_id"}
    assert field in error["message"], error["message"]
    assert error["trace_id"] == response.headers["X-Trace-Id"]


@pytest.mark.parametrize("path", ["/chat/stream", "/chat", "/api/chat", "/api/v1/messages"])
@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "prompt"),
        ({"prompt": "  "}, 422, "prompt"),
        ({"prompt": 3}, 422, "prompt"),
        ({"messages": []}, 422, "messages"),
        ({"messages": "hi"}, 422, "messages"),
        ({"messages": [{"role": "user", "content": ""}]}, 422, "messages[0].content"),
        ({"messages": [{"role": "user"}]}, 422, "content"),
        ({"messages": [{"role": "pirate", "content": "hi"}]}, 422, "messages[0].role"),
        ({"messages": HI, "prompt": "hi"}, 422, "prompt"),
        ({"messages": HI, "max_tokens": 0}, 422, "max_tokens"),
        ({"messages": HI, "max_tokens": "many"}, 422, "max_tokens"),
        ({"messages": HI, "temperature": 9}, 422, "temperature"),
        ({"messages": HI, "thinking": "deep"}, 422, "thinking"),
        ({"messages": HI, "on_disconnect": "explode"}, 422, "on_disconnect"),
        ({"messages": HI, "provider": "nobody"}, 404, "provider"),
        ({"messages": HI, "provider": "mock", "model": "gpt-9"}, 404, "model"),
        ({"messages": HI, "conversation_id": "conv_nothere"}, 404, "conversation"),
        ([], 422, "body"),
    ],
)
def test_a_bad_field_is_named(client: Any, path: str, body: object, status: int, field: str) -> None:
    refused(client.post(path, body), status, field)


def test_unknown_fields_are_ignored(client: Any) -> None:
    assert client.send("hi", max_tokens=1, colour="blue")["id"]


def test_malformed_json_is_told(client: Any) -> None:
    headers = {"Content-Type": "application/json"}
    for data in (b"{", b"", b"\xff\xfe", b'{"prompt": "hi"} x'):
        refused(client.request("POST", "/chat/stream", data=data, headers=headers), 400, "body")
    nested = b'{"unknown": ' + b"[" * 100_000
    refused(client.request("POST", "/chat/stream", data=nested, headers=headers), 400, "body")


def test_another_content_type_is_refused(client: Any) -> None:
    refused(client.request("POST", "/chat/stream", data={"prompt": "hi"}), 415, "Content-Type")
    refused(client.request("POST", "/chat/stream"), 415, "Content-Type")


def test_a_ten_megabyte_body_is_refused_and_the_sender_reads_why(client: Any) -> None:
    refused(client.post("/chat/stream", {"prompt": "x" * 10_000_000}), 413, "max_body_bytes")
    pieces = (b" " * 65_536 for _ in range(160))  # chunked: no length is told beforehand
    headers = {"Content-Type": "application/json"}
    refused(client.request("POST", "/chat/stream", data=pieces, headers=headers), 413, "max_body_bytes")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/v1/base/sse_probe?count=0", "count"),
        ("/api/v1/base/sse_probe?count=x", "count"),
        ("/api/v1/base/sse_probe?interval=nan", "interval"),
        ("/api/v1/base/sse_probe?interval=0", "interval"),
    ],
)
def test_a_probe_keeps_within_bounds(client: Any, path: str, field: str) -> None:
    refused(client.get(path), 422, field)


def test_a_bad_query_of_a_follower_is_named(client: Any) -> None:
    path = client.send("hi", max_tokens=1)["events_url"]
    refused(client.get(f"{path}?after=x"), 422, "after")
    refused(client.get(f"{path}?dialect=klingon"), 422, "dialect")
    refused(client.get(f"{path}?on_disconnect=explode"), 422, "on_disconnect")


def test_what_is_not_there_is_404_and_a_wrong_method_405(client: Any) -> None:
    refused(client.get("/api/v1/messages/msg_nothere"), 404, "no such message")
    refused(client.get("/api/v1/messages/msg_nothere/events"), 404, "no such message")
    refused(client.get("/nowhere"), 404, "")
    refused(client.get("/chat/stream"), 405, "")


def test_a_foreign_host_is_refused(client: Any) -> None:
    """DNS rebinding: a web page elsewhere that points its own name at this machine."""
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]", "[::1", ""):
        assert client.get("/", headers={"Host": host}).status_code == 400, host
    for host in ("localhost", "LOCALHOST:1", "[::1]", "[::1]:80"):
        assert client.get("/", headers={"Host": host}).ok, host


def test_a_browser_reads_errors_as_a_page(client: Any) -> None:
    response = client.get("/c/conv_nothere", headers={"Accept": "text/html"})
    assert response.status_code == 404 and response.headers["Content-Type"].startswith("text/html")
    assert "Content-Security-Policy" in response.headers


def test_nothing_of_this_stopped_the_server(client: Any) -> None:
    events = client.stream("POST", "/chat/stream", json={"provider": "mock", "prompt": "hi", "max_tokens": 2}).to_end()
    assert json.loads(events[-1].data)["finish_reason"] == "length"
