"""What a failed call means, in a sentence that is safe to show.

A provider's own words are read but never shown: they quote keys, accounts and prompts. Of them
come only numbers, and names of a known shape (`error_facts`). Neither are those of the library
shown: they quote URLs and headers. Pure.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
import urllib3.exceptions

from chatapp.errors import (
    BadReply,
    RateLimited,
    Rejected,
    Reported,
    RequestRefused,
    TooLong,
    Truncated,
    Unreachable,
    UpstreamError,
    UpstreamTimeout,
)
from chatapp.wire.error_facts import how_long, which_field, which_limit

MAX_RETRY_AFTER_S = 86_400.0  # more means never, or is a date that cannot be trusted

LOOK_BYTES = 16_384  # of an error: who fails says why at the beginning, and patterns take their time

NO_CREDIT = "has no credit left for this account"
BUSY = "accepts no more requests at the moment"
TOO_LONG = "says that the conversation is too long"
TOO_MUCH = "takes no single request of this size from this account"
TOO_LARGE = "takes no request of so many bytes; leave out pictures, files or earlier messages"
NO_IMAGES = "does not accept images with this model"
BAD_KEY = "refused the API key"
CHECK_KEY = "; check the variable that its api_key_env names"
BAD_REQUEST = "refused the request"

BY_WORD = (
    (r"insufficient_quota|insufficient.balance|credit balance|out of credit", NO_CREDIT),
    (r"request too large for", TOO_MUCH),
    # It speaks of maxima and of the context, too, but a shorter conversation would not help.
    (r"max_(?:completion_|output_)?tokens`?(?:: \d+ >| must be less than)", BAD_REQUEST),
    (
        r"context.(length|window|size|limit)|too.many.prompt|prompt is too long|maximum.{0,40}tokens",
        TOO_LONG,
    ),
    (r"request_too_large|(entity|body|payload) too large", TOO_LARGE),
    (r"(image|vision|multimodal).{0,40}not supported|(not|n't) support.{0,30}(image|vision)", NO_IMAGES),
    (r"(api|subscription)[ _-]?key|authenticat|unauthori[sz]ed", BAD_KEY),
    (r"model.{0,80}(not.found|not.exist|does not exist|is not supported)|model_not_found", "does not know the model"),
    (r"rate.?limit|too many requests|overloaded|at capacity", BUSY),
)

FAULTS: Mapping[str, type[RequestRefused]] = {
    TOO_LONG: TooLong,
    TOO_MUCH: TooLong,  # so that clients shorten it
    TOO_LARGE: RequestRefused,
    NO_IMAGES: RequestRefused,
    BAD_REQUEST: RequestRefused,
}
"""The request's own."""

FACTS = {BUSY: which_limit, TOO_MUCH: which_limit, TOO_LONG: how_long, BAD_REQUEST: which_field}

TLS_FAILED = "check its base URL, or the gateway in front of it"

BY_TLS_WORD = (
    (
        r"hostname mismatch|ip address mismatch|doesn't match|not valid for",
        "its certificate is for another host; check its base URL",
    ),
    (
        r"has expired|not yet valid",
        "its certificate is not valid at this time; renew it there, or set this machine's clock",
    ),
    (
        r"certificate.verify.failed|self.signed|local issuer",
        "its certificate is signed by an authority that is not known here; name that in SSL_CERT_DIR or REQUESTS_CA_BUNDLE",
    ),
    (
        r"wrong.version.number|record.layer|http.request|unknown.protocol",
        "it does not speak TLS; its base URL should begin with http://",
    ),
    (r"alert|handshake", "it refused the handshake; it may demand a certificate of ours, which chatapp cannot send"),
)

BY_PROXY_WORD = (
    (r"\b407\b|proxy authentication", "wants a user name and a password; write them as http://user:password@host:port"),
    (
        r"tunnel connection failed|\b(403|50\d)\b",
        "refuses to connect to it; check its rules, or add the host to NO_PROXY",
    ),
    (r"resolve|name or service|getaddrinfo", "has a host name that is not found"),
)

BY_CONNECTION_WORD = (
    (
        r"nameresolution|failed to resolve|name or service|getaddrinfo",
        "its host is not found; check its base URL, the name server, or HTTPS_PROXY if only a proxy finds it",
    ),
    (r"network is unreachable|no route", "there is no way to its network; check its base URL, or the network"),
)

BY_STATUS = {
    400: BAD_REQUEST,
    401: BAD_KEY,
    402: NO_CREDIT,
    403: f"{BAD_KEY}, or does not allow this request",
    404: "does not know the model, or its base URL is wrong",
    407: "was not reached: the proxy wants a user name and a password; write them into the variable that names it",
    408: "gave up waiting for the request",
    413: TOO_LARGE,
    422: BAD_REQUEST,
    429: BUSY,
    529: BUSY,
}


def http_error(who: str, status: int, retry_after: str | None, body: bytes) -> Rejected:
    """The error for a response with an error status. `retry_after` is the header."""
    meaning = _by_word(body)
    seconds = _seconds(retry_after or _delay(body))
    if status == 429 and meaning not in (NO_CREDIT, TOO_MUCH):
        wait = f"; try again in {seconds:.0f} s" if seconds else ""
        return RateLimited(f"{who} {BUSY}{_more(BUSY, body)}{wait}", status, seconds)
    meant = meaning or _by_status(status)
    check = CHECK_KEY if meant.startswith(BAD_KEY) else ""
    message = f"{who} {meant}{_more(meant, body)} (HTTP {status}){check}"
    if fault := FAULTS.get(meant):
        return fault(message, min(status, 422), seconds)  # even if a server takes the blame (llama.cpp: 500)
    return Rejected(message, status, seconds)


def stream_error(who: str, error: bytes) -> Reported | RequestRefused:
    """The error for one that came inside a reply. `error` is the JSON of that field."""
    meaning = _by_word(error)
    if meaning is None:
        return Reported(f"{who} reported an error in its reply")
    message = f"{who} {meaning}{_more(meaning, error)}"
    return fault(message, 400) if (fault := FAULTS.get(meaning)) else Reported(message)


def opening_failure(who: str, error: Exception, proxy: str = "") -> UpstreamError:
    """The error for an exception of `requests` before the headers arrived.

    `proxy`: the variable that names the proxy, if there is one.
    """
    way = f" and {proxy}" if proxy else ""
    match error:
        case requests.ConnectTimeout():
            return UpstreamTimeout(
                f"connecting to {who} took too long (setting upstream_connect_timeout_s); "
                f"check its base URL{way}, and the network"
            )
        case requests.ReadTimeout():
            return UpstreamTimeout(f"{who} did not answer in time (setting upstream_silence_timeout_s)")
        case requests.exceptions.SSLError():
            return Unreachable(f"no trusted TLS connection to {who}: {_first(BY_TLS_WORD, str(error)) or TLS_FAILED}")
        case requests.exceptions.ProxyError():
            why = _first(BY_PROXY_WORD, str(error)) or "is not there; check its host and port"
            return Unreachable(f"cannot reach {who}: the proxy in {proxy or 'use'} {why}")
        case requests.ConnectionError(args=[urllib3.exceptions.ProtocolError(), *_]):
            return Unreachable(f"{who} closed the connection without an answer; check its base URL (http or https?)")
        case requests.ConnectionError():
            why = _first(BY_CONNECTION_WORD, str(error)) or f"check that it is running, its base URL{way}"
            return Unreachable(f"cannot connect to {who}: {why}")
        case requests.exceptions.InvalidHeader() | UnicodeError() if not isinstance(
            error, requests.exceptions.InvalidURL
        ):
            return Unreachable(f"the API key of {who} has characters that no header can carry; check its variable")
    return Unreachable(f"the base URL of {who} is not valid; it should look like https://host/v1")


def reading_failure(who: str, error: Exception) -> UpstreamError:
    """The error for an exception of urllib3 while the body was read."""
    match error:
        case urllib3.exceptions.ReadTimeoutError():
            return UpstreamTimeout(
                f"{who} stopped sending in the middle of its reply (setting upstream_silence_timeout_s)"
            )
        case urllib3.exceptions.DecodeError():
            return BadReply(f"{who} sent a reply that cannot be decompressed; check the gateway in front of it")
    return Truncated(
        f"{who} closed the connection in the middle of its reply; if that goes on, check the gateway in front of it"
    )


def _by_word(body: bytes) -> str | None:
    return _first(BY_WORD, body[:LOOK_BYTES].decode("utf-8", "replace"))


def _more(meant: str, body: bytes) -> str:
    """Which limit, which number, which field, as `: TEXT`; empty if the body does not tell."""
    if not (told := FACTS.get(meant)):
        return ""
    facts = told(body.decode("utf-8", "replace"))
    return f": {facts}" if facts else ""


def _first(meanings: Sequence[tuple[str, str]], words: str) -> str | None:
    words = words.lower()
    return next((meaning for pattern, meaning in meanings if re.search(pattern, words)), None)


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
