"""The id that ties a request, its run, its log lines and the provider's call together."""

import re
import secrets

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}")  # what cannot break a header or a log line


def new_trace_id() -> str:
    """32 hex digits, as in W3C Trace Context."""
    return secrets.token_hex(16)


def trace_id_of(traceparent: str, request_id: str) -> str:
    """That of the header `traceparent`, else `X-Request-ID` as it is, else a new one; malformed ones are not taken up."""
    if match := _TRACEPARENT.fullmatch(traceparent):
        return match[1]
    return request_id if _REQUEST_ID.fullmatch(request_id) else new_trace_id()
