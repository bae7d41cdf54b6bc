"""What a failed call means, in a sentence that is safe to show.

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
BUSY = "accepts no more requests at the moment"
TOO_LONG = "says that the conversation is too long"
NO_IMAGES = "does not accept images with this model"
BAD_KEY = "refused the API key"
BAD_REQUEST = "refused the request"

BY_WORD = (
    (r"insufficient_quota|insufficient.balance|credit balance|out of credit", NO_CREDIT),
    (
        r"context.(length|window|size)|too.many.prompt|prompt is too long|maximum.{0,40}tokens",
        TOO_LONG,
    ),
    (r"(image|vision|multimodal).{0,40}not supported|(not|n't) support.{0,30}(image|vision)", NO_IMAGES),
    (r"(api|subscription)[ _-]?key|authenticat|unauthori[sz]ed", BAD_KEY),
    (r"model.{0,80}(not.found|not.exist|does not exist|is not supported)|model_not_found", "does not know the model"),
    (r"rate.?limit|too many requests|overloaded|at capacity", BUSY),
)

BY_STATUS = {
    400: BAD_REQUEST,
    401: BAD_KEY,
    402: NO_CREDIT,
    403: f"{BAD_KEY}, or does not allow this request",
    404: "does not know the model, or its base URL is wrong",
    408: "gave up waiting for the request",
    413: TOO_LONG,
    422: BAD_REQUEST,
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
            return UpstreamTimeout(f"connecting to {who} took too long")
        case requests.ReadTimeout():
            return UpstreamTimeout(f"{who} did not answer in time")
        case requests.exceptions.SSLError():
            return Unreachable(f"no trusted TLS connection to {who}")
        case requests.exceptions.ProxyError():
            return Unreachable(f"the proxy cannot connect to {who}")
        case requests.ConnectionError(args=[urllib3.exceptions.ProtocolError(), *_]):
            return Unreachable(f"{who} closed the connection without an answer")
        case requests.ConnectionError():
            return Unreachable(f"cannot connect to {who}")
    return Unreachable(f"the base URL or the API key of {who} is not valid in an HTTP request")


def reading_failure(who: str, error: Exception) -> UpstreamError:
    """The error for an exception of urllib3 while the body was read."""
    match error:
        case urllib3.exceptions.ReadTimeoutError():
            return UpstreamTimeout(f"{who} stopped sending in the middle of its reply")
        case urllib3.exceptions.DecodeError():
            return BadReply(f"{who} sent a reply that cannot be decompressed")
    return Truncated(f"{who} closed the connection in the middle of its reply")


def _by_word(body: bytes) -> str | None:
    words = body.decode("utf-8", "replace").lower()
    return next((meaning for pattern, meaning in BY_WORD if re.search(pattern, words)), None)


def _by_status(status: int) -> str:
    if 300 <= status < 400:
        return "sent a redirect, which is not followed; check its base URL"
    return BY_STATUS.get(status, "failed" if status >= 500 else BAD_REQUEST)


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
