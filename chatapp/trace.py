"""The place of what happens in a trace, which goes on from our caller to providers and MCP servers.

W3C Trace Context: https://www.w3.org/TR/trace-context/. It is carried beside the calls, in a
context variable: everything below a request passes it on, and nothing decides by it. gevent gives
each greenlet an empty context, so one that works for the same request is started with `carrying`.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from contextvars import Context, ContextVar
from functools import partial
from typing import Any

import msgspec

REQUEST_ID = "X-Request-ID"

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}")  # safe in a header and in a log line
_STATE = re.compile(r"[\x20-\x7e]{1,512}")  # the specification asks that so much is passed on
_ZERO = re.compile("0+")
SAMPLED = 1

TRACE, ROUTE = "chatapp.trace", "chatapp.route"
"""Keys of a WSGI environment: the request's Trace, and the template of its route."""


class Trace(msgspec.Struct, frozen=True):
    """`id` is what clients, events and log lines call the trace: our caller's trace id, else its
    request id, else a new trace id. `trace_id` is always 32 hex digits.

    `span_id` names what goes on now, `parent_id` what caused it; it is empty if nothing did.
    """

    id: str
    trace_id: str
    span_id: str
    parent_id: str = ""
    request_id: str = ""
    sampled: bool = True
    state: str = ""

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{SAMPLED if self.sampled else 0:02x}"

    @property
    def headers(self) -> dict[str, str]:
        """For a request that is made on behalf of this."""
        headers = {"traceparent": self.traceparent, REQUEST_ID: self.request_id}
        return headers | ({"tracestate": self.state} if self.state else {})

    def child(self) -> "Trace":
        return msgspec.structs.replace(self, span_id=new_span_id(), parent_id=self.span_id)


current_trace: ContextVar[Trace | None] = ContextVar("current_trace", default=None)

current_call: ContextVar[str] = ContextVar("current_call", default="")
"""The id of the tool call that is made here; empty if none is."""


def trace_of(traceparent: str, tracestate: str, request_id: str) -> Trace:
    """That of a request with these headers. Malformed ones are ignored."""
    given = request_id if _REQUEST_ID.fullmatch(request_id) else ""
    if (parent := _parent(traceparent)) is not None:
        trace_id, parent_id, sampled = parent
        state = tracestate if _STATE.fullmatch(tracestate) else ""
        return Trace(trace_id, trace_id, new_span_id(), parent_id, given or trace_id, sampled, state)
    id = given or new_trace_id()
    return Trace(id, _as_trace_id(id), new_span_id(), request_id=id)


def trace_headers() -> dict[str, str]:
    """Those of what goes on now; none if it is not for a request."""
    trace = current_trace.get()
    return trace.headers if trace is not None else {}


def carrying(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, to be called in another greenlet with the trace of this one, and with nothing
    else of its context: a run would hold the request that it came from for as long as it goes
    on."""
    context = Context()
    context.run(current_trace.set, current_trace.get())
    context.run(current_call.set, current_call.get())
    return partial(context.run, function)


def new_trace_id() -> str:
    """32 hex digits."""
    return secrets.token_hex(16)


def new_span_id() -> str:
    """16 hex digits, not all of them zero."""
    return f"{secrets.randbits(63) + 1:016x}"


def _parent(traceparent: str) -> tuple[str, str, bool] | None:
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more) or _ZERO.fullmatch(trace_id) or _ZERO.fullmatch(span_id):
        return None
    return trace_id, span_id, bool(int(flags, 16) & SAMPLED)


def _as_trace_id(id: str) -> str:
    """The same for the same request id, so that what it caused stays together."""
    is_one = _TRACE_ID.fullmatch(id) and not _ZERO.fullmatch(id)
    return id if is_one else hashlib.sha256(id.encode()).hexdigest()[:32]
