"""One line a request: its route and outcome, never its path."""

import logging
import socket
from datetime import timedelta
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import InvalidHeader
from gunicorn.http.parser import RequestParser
from gunicorn.workers.base import Worker

from chatapp.ops.gunicorn_logger import GunicornLogger
from chatapp.trace import ROUTE, TRACE, trace_of


@pytest.fixture
def logger() -> GunicornLogger:
    return GunicornLogger(Config())


def test_a_request_is_a_line_without_its_path(logger: GunicornLogger, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "chatapp.request")
    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": "/c/conv_1?prompt=secret",
        ROUTE: "/c/<conversation_id>",
        TRACE: trace_of("", "", "mine"),
    }
    logger.access(SimpleNamespace(status="200 OK", sent=1234), None, environ, timedelta(seconds=1.5))
    [line] = caplog.records
    assert line.fields == {
        "method": "GET",
        "route": "/c/<conversation_id>",
        "status": 200,
        "duration_ms": 1500,
        "bytes": 1234,
        "trace_id": "mine",
        "request_id": "mine",
    }
    assert "conv_1" not in str(vars(line)) and "secret" not in str(vars(line))


def test_a_request_that_reached_no_route_is_a_line_too(
    logger: GunicornLogger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "chatapp.request")
    logger.access(SimpleNamespace(status="404 NOT FOUND", sent=0), None, {"REQUEST_METHOD": "GET"}, timedelta())
    assert caplog.records[0].fields["route"] is None


@pytest.mark.parametrize(
    "head", [b"Content-Length: -1", b"Content-Length: abc", b"Content-Length: 1\r\nContent-Length: 2"]
)
def test_an_answer_of_gunicorn_itself_is_a_line_too(
    logger: GunicornLogger, caplog: pytest.LogCaptureFixture, head: bytes
) -> None:
    caplog.set_level(logging.INFO, "chatapp.request")
    ours, client = socket.socketpair()
    worker = Worker(0, 0, [], None, 1, Config(), logger)
    with ours, client:
        client.sendall(b"GET / HTTP/1.1\r\n" + head + b"\r\n\r\n")
        with pytest.raises(InvalidHeader) as refused:
            next(RequestParser(worker.cfg, ours, ("127.0.0.1", 1)))
        worker.handle_error(None, ours, ("127.0.0.1", 1), refused.value)
        worker.tmp.close()
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")
    assert caplog.records[-1].fields["status"] == 400
