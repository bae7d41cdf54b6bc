"""What a failed call means, in a sentence that is safe to show: a status, an error body, an exception.

A provider's own words are read but never shown: they quote keys, accounts and prompts. Neither are
those of the library: they quote URLs and headers. Pure.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
import urllib3.exceptions

from chatapp.errors import (
    BadReply,
    RateLimited,
    Rejected,
    Reported,
    Truncated,
    Unreachable,
    UpstreamError,
    UpstreamTimeout,
)

MAX_RETRY_AFTER_S = 86_400.0  # more means never, or is a date that cannot be trusted

NO_CREDIT = "has no credit left for this account"
BUSY = "takes no more requests for the moment"

TOO_LONG = "finds the conversation too long"
NO_IMAGES = "takes no images with this model"

BY_WORD = (
    (r"insufficient_quota|insufficient.balance|credit balance|out of credit", NO_CREDIT),
    (
        r"context.(length|window|size)|too.many.prompt|prompt is too long|maximum.{0,40}tokens",
        TOO_LONG,
    ),
    (r"(image|vision|multimodal).{0,40}not supported|(not|n't) support.{0,30}(image|vision)", NO_IMAGES),
    (r"(api|subscription)[ _-]?key|authenticat|unauthori[sz]ed", "refused the key"),
    (r"model.{0,80}(not.found|not.exist|does not exist|is not supported)|model_not_found", "does not know the model"),
    (r"rate.?limit|too many requests|overloaded|at capacity", BUSY),
)

BY_STATUS = {
    400: "did not take the request",
    401: "refused the key",
    402: NO_CREDIT,
    403: "refused the key, or what was asked with it",
    404: "does not know the model, or its address is wrong",
    408: "gave up waiting for the request",
    413: TOO_LONG,
    422: "did not take the request",
    429: BUSY,
    529: BUSY,
}


def http_error(who: str, status: int, retry_after: str | None, body: bytes) -> Rejected:
    """The error for a response with an error status. `retry_after` is the header."""
    meaning = _by_word(body)
    seconds = _seconds(retry_after or _delay(body))
    if status == 429 and meaning != NO_CREDIT:
        wait = f"; try again in {seconds:.0f} s" if seconds else ""
        return RateLimited(f"{who} {BUSY}{wait}", status, seconds)
    message = f"{who} {meaning or _by_status(status)} (HTTP {status})"
    if meaning in (TOO_LONG, NO_IMAGES):
        status = min(status, 422)  # the request's fault, even if a server takes the blame (llama.cpp: 500)
    return Rejected(message, status, seconds)


def stream_error(who: str, error: bytes) -> Reported:
    """The error for one that came inside a reply. `error` is the JSON of that field."""
    return Reported(f"{who} {_by_word(error) or 'reported an error in its reply'}")


def opening_failure(who: str, error: Exception) -> UpstreamError:
    """The error for an exception of `requests` before the headers arrived."""
    match error:
        case requests.ConnectTimeout():
            return UpstreamTimeout(f"no connection to {who} in time")
        case requests.ReadTimeout():
            return UpstreamTimeout(f"{who} did not answer in time")
        case requests.exceptions.SSLError():
            return Unreachable(f"no TLS connection to {who} that can be trusted")
        case requests.exceptions.ProxyError():
            return Unreachable(f"the proxy gives no connection to {who}")
        case requests.ConnectionError(args=[urllib3.exceptions.ProtocolError(), *_]):
            return Unreachable(f"{who} closed the connection without an answer")
        case requests.ConnectionError():
            return Unreachable(f"no connection to {who}")
    return Unreachable(f"the address or the key of {who} cannot be used in a request")


def reading_failure(who: str, error: Exception) -> UpstreamError:
    """The error for an exception of urllib3 while the body was read."""
    match error:
        case urllib3.exceptions.ReadTimeoutError():
            return UpstreamTimeout(f"{who} went silent in the middle of its reply")
        case urllib3.exceptions.DecodeError():
            return BadReply(f"{who} sent a reply that cannot be unpacked")
    return Truncated(f"{who} closed the connection in the middle of its reply")


def _by_word(body: bytes) -> str | None:
    words = body.decode("utf-8", "replace").lower()
    return next((meaning for pattern, meaning in BY_WORD if re.search(pattern, words)), None)


def _by_status(status: int) -> str:
    if 300 <= status < 400:
        return "sent a redirect, which is not followed: check its address"
    return BY_STATUS.get(status, "failed" if status >= 500 else "did not take the request")


def _delay(body: bytes) -> str | None:
    """The delay that Google sends in the body (google.rpc.RetryInfo)."""
    found = re.search(rb'"retryDelay":\s*"(\d+(?:\.\d+)?)s"', body)
    return found[1].decode() if found else None


def _seconds(retry_after: str | None) -> float | None:
    """The header's seconds or date (RFC 9110, 10.2.3) in seconds; None if it is of no use."""
    try:
        seconds = float(retry_after or "")
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(retry_after or "") - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return seconds if 0 <= seconds <= MAX_RETRY_AFTER_S else None
