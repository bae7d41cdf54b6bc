"""Bodies that never come, come drop by drop, or are none."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from connections import Raw, posted

pytestmark = pytest.mark.slow

MANY = 1010
HEAD = b"POST /chat/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(module_server: Callable[..., Any]) -> Any:
    most = {"BODY": "100000", "IMPORT": "100000", "FILE": "30000", "BODIES": "200000"}
    bounds = {f"CHATAPP_MAX_{name}_BYTES": size for name, size in most.items()}
    return module_server(CHATAPP_BODY_TIMEOUT_S="2", WEB_CONCURRENCY="1", **bounds)


def test_bodies_that_never_come_are_given_up_and_stop_nobody(server: Any, connect: Callable[[Any], Raw]) -> None:
    stuck = [connect(server).send(HEAD + b"Content-Length: 100\r\n\r\n{") for _ in range(MANY)]
    answer = connect(server).send(posted("/chat/stream", {"provider": "mock", "prompt": "hi", "max_tokens": 2})).rest()
    assert b"event: done" in answer
    for each in stuck:
        assert each.rest().startswith(b"HTTP/1.1 408")  # and the connection is closed


def test_a_chunked_body_that_stops_is_given_up(server: Any, connect: Callable[[Any], Raw]) -> None:
    begun = connect(server).send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{")
    assert begun.rest().startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    "chunks", [b"zz\r\n{}\r\n0\r\n\r\n", b"2\r\n{}XX0\r\n\r\n", b"-1\r\n{}\r\n", b"2;\x00\r\n{}\r\n"]
)
def test_malformed_chunks_are_the_client_s_fault(server: Any, connect: Callable[[Any], Raw], chunks: bytes) -> None:
    hidden = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    answer = connect(server).send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + hidden).rest()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400") and answer.count(b"HTTP/1.1") == 1, answer
    assert "body" in json.loads(body)["error"]["message"]
    assert "Traceback" not in server.log()


def test_bodies_that_come_slowly_hold_their_owners_share_of_memory_and_no_more(
    server: Any, connect: Callable[[Any], Raw]
) -> None:
    """They may hold 200 KB in all, and this owner half of that."""
    half = posted("/chat/stream", {"provider": "mock", "prompt": "hi" * 35_000, "max_tokens": 2})
    slow = connect(server).send(half[:-1000])
    refused = connect(server).send(half).rest()
    assert refused.startswith(b"HTTP/1.1 429") and b"Retry-After" in refused
    assert b"bytes of request bodies" in refused
    other = server.client(browser=True).post("/api/v1/messages", {"provider": "mock", "prompt": "hi" * 20_000})
    assert other.status_code == 202
    assert b"event: done" in slow.send(half[-1000:]).rest()
    assert b"event: done" in connect(server).send(half).rest()
