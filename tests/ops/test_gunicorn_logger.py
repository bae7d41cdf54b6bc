"""One line a request: its route and outcome, never its path."""

import logging
from datetime import timedelta
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

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
    logger.access(SimpleNamespace(status_code=200, sent=1234), None, environ, timedelta(seconds=1.5))
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
    logger.access(SimpleNamespace(status_code=404, sent=0), None, {"REQUEST_METHOD": "GET"}, timedelta())
    assert caplog.records[0].fields["route"] is None
