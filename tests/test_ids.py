"""A caller's trace is taken up, but nothing that could break a header or a log line."""

import re

import pytest

from chatapp.ids import trace_id_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_traceparent_comes_before_the_request_id() -> None:
    assert trace_id_of(f"00-{TRACE}-00f067aa0ba902b7-01", "mine") == TRACE
    assert trace_id_of("", "mine-7") == "mine-7"


@pytest.mark.parametrize("request_id", ["", "a b", "x\r\nSet-Cookie: y", '"', "x" * 129, "é"])
def test_what_is_malformed_gets_a_new_one(request_id: str) -> None:
    assert re.fullmatch("[0-9a-f]{32}", trace_id_of("00-nonsense", request_id))
