"""Headers that nobody sends by accident: none of them is our failure."""

import pytest
from flask.testing import FlaskClient

from chatapp.web.api.raw import _is_header

PATHS = [
    ("GET", "/"),
    ("GET", "/chat?provider=mock&prompt=hi&max_tokens=1"),
    ("GET", "/api/v1/conversations"),
    ("GET", "/static/favicon.svg"),
    ("POST", "/v1/chat/completions"),
    ("DELETE", "/api/v1/conversations/conv_x"),
]
VALUES = ["", "http://[::1", "\x01", "\xff\xfe", ";", ",", "=", "a" * 8000, "%00", "null", "bytes=-", "*/*;q=x"]
NAMES = [
    "Host",
    "Origin",
    "Referer",
    "Content-Type",
    "Content-Length",
    "Last-Event-ID",
    "Range",
    "If-Range",
    "If-Modified-Since",
    "Accept",
    "Accept-Language",
    "Cookie",
    "Authorization",
    "Idempotency-Key",
    "traceparent",
    "X-Request-ID",
    "X-Forwarded-For",
    "Sec-Fetch-Site",
    "Sec-Fetch-Dest",
    "Transfer-Encoding",
]


@pytest.mark.parametrize("name", NAMES)
def test_no_value_of_a_header_is_our_failure(shared_client: FlaskClient, name: str) -> None:
    for value in VALUES:
        for method, path in PATHS:
            body = "{}" if method == "POST" else None
            answer = shared_client.open(path, method=method, headers=[(name, value)], data=body)
            assert answer.status_code < 500, (method, path, name, value, answer.text[:200])
            answer.close()


@pytest.mark.parametrize("type_", ["text/event-stream\r\nX: y", "text/\x00", "", "ä/b", "text", "a/b\x7f"])
def test_a_provider_s_content_type_that_is_no_header_is_not_passed_on(type_: str) -> None:
    assert not _is_header(type_)
