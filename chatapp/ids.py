"""Ids of messages, conversations, runs and tool calls, and trace ids.

Ids sort by the time they were made and cannot be guessed. A trace id connects a request, its run,
its log lines and the provider's call.
"""

import re
import secrets
import time

CLOCK_DIGITS = 16

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}")  # safe in a header and in a log line

_last = 0


def new_id(prefix: str, after: str = "") -> str:
    """`prefix_` and 32 hex digits: 16 of the time in nanoseconds, 16 random.

    The time strictly increases within a process. The id sorts behind `after`, an id with the same
    prefix that may come from a process with another clock.
    """
    global _last
    _last = max(_last + 1, time.time_ns(), _clock(after) + 1 if after else 0)
    return f"{prefix}_{_last:016x}{secrets.token_hex(8)}"


def new_call_id() -> str:
    """For a tool call that its provider gave no id, or one that another call has: never twice.

    It has the form that most providers accept, and give.
    """
    return f"call_{secrets.token_hex(12)}"


def _clock(id: str) -> int:
    return int(id.rpartition("_")[2][:CLOCK_DIGITS], 16)


def new_trace_id() -> str:
    """32 hex digits, as in W3C Trace Context."""
    return secrets.token_hex(16)


def trace_id_of(traceparent: str, request_id: str) -> str:
    """The trace id of the header `traceparent`, or else `X-Request-ID`, or else a new one.

    Malformed headers are ignored.
    """
    if match := _TRACEPARENT.fullmatch(traceparent):
        return match[1]
    return request_id if _REQUEST_ID.fullmatch(request_id) else new_trace_id()
