"""A caller's trace is taken up, but nothing that could break a header or a log line."""

import re
from contextvars import ContextVar
from weakref import ref

import gevent
import pytest

from chatapp.trace import carrying, current_trace, trace_headers, trace_of


class Request:
    pass


TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_traceparent_comes_before_the_request_id_which_is_passed_on_beside_it() -> None:
    trace = trace_of(f"00-{TRACE}-{PARENT}-01", "vendor=1", "mine")
    assert (trace.id, trace.trace_id, trace.parent_id) == (TRACE, TRACE, PARENT)
    assert trace.headers["X-Request-ID"] == "mine" and trace.headers["tracestate"] == "vendor=1"
    assert re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-01", trace.traceparent)
    assert PARENT not in trace.traceparent


def test_a_request_id_names_the_trace_and_always_makes_the_same_one() -> None:
    first, second = trace_of("", "vendor=1", "mine-7"), trace_of("", "", "mine-7")
    assert (first.id, first.request_id, first.state) == ("mine-7", "mine-7", "")
    assert re.fullmatch("[0-9a-f]{32}", first.trace_id) and first.trace_id == second.trace_id
    assert first.span_id != second.span_id


def test_the_callers_decision_not_to_sample_is_kept() -> None:
    assert trace_of(f"00-{TRACE}-{PARENT}-00", "", "").traceparent.endswith("-00")
    assert trace_of(f"cc-{TRACE}-{PARENT}-03-what a later version adds", "", "").traceparent.endswith("-01")


@pytest.mark.parametrize("request_id", ["", "a b", "x\r\nSet-Cookie: y", '"', "x" * 129, "é"])
def test_a_malformed_request_id_gets_a_new_one(request_id: str) -> None:
    trace = trace_of("", "", request_id)
    assert re.fullmatch("[0-9a-f]{32}", trace.id) and trace.request_id == trace.id == trace.trace_id


@pytest.mark.parametrize(
    "traceparent",
    [
        "00-nonsense",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01\r\nX: y",
        f" 00-{TRACE}-{PARENT}-01",
    ],
)
def test_a_malformed_traceparent_is_ignored(traceparent: str) -> None:
    trace = trace_of(traceparent, "vendor=1", "mine")
    assert (trace.id, trace.parent_id, trace.state) == ("mine", "", "")


@pytest.mark.parametrize("state", ["é", "a\nb", "x" * 513])
def test_a_malformed_state_is_not_passed_on(state: str) -> None:
    assert "tracestate" not in trace_of(f"00-{TRACE}-{PARENT}-01", state, "").headers


def test_a_greenlet_has_the_trace_only_if_it_is_carried() -> None:
    def run() -> tuple[dict[str, str], dict[str, str]]:
        current_trace.set(trace_of("", "", "mine"))
        carried, bare = gevent.spawn(carrying(trace_headers)), gevent.spawn(trace_headers)
        return carried.get(), bare.get()

    carried, bare = gevent.spawn(run).get()
    assert carried["X-Request-ID"] == "mine" and bare == {}


def test_nothing_else_of_a_request_is_carried() -> None:
    """A run would hold its connection for as long as it goes on."""
    request: ContextVar[Request | None] = ContextVar("request")

    def run() -> bool:
        request.set(Request())
        held = ref(request.get())
        function = carrying(trace_headers)
        request.set(None)
        return held() is None and bool(function)

    assert gevent.spawn(run).get()
