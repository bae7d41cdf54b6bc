"""The only user of `requests`: one call to a provider, stoppable at any moment; its body as bytes as they come.

It refuses to know what the bytes mean. Of `requests` it uses the adapter alone: what a Session would add (cookies,
redirects that carry a key elsewhere, a netrc that replaces it) is what a provider's call must not have. Proxies and
CA bundles from the environment are honoured.

How a body is read: almost all are chunked on a socket of gevent's. Such a body is *taken over*: no read before there
is something to read, no timeout object for each, many events from one read (chunked.py). The rest, and a process
that gevent has not patched, take the plain path through urllib3.
"""

import os
import re
import ssl
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
import requests
import requests.utils
import urllib3.exceptions
from gevent.select import select
from requests.adapters import HTTPAdapter

from chatapp import __version__
from chatapp.cancel import CancelScope
from chatapp.errors import BadReply, ReplyTooLarge, Truncated, Unreachable, UpstreamError, UpstreamTimeout
from chatapp.wire.chunked import arrivals, can_take_over, dechunk
from chatapp.wire.deadline import Call
from chatapp.wire.frames import MAX_EVENT_BYTES, MAX_LINE_BYTES
from chatapp.wire.upstream_errors import rejected

PLAIN_READ_BYTES = 65_536  # also bounds what one read may unpack to
ERROR_BODY_BYTES = 65_536  # of which at most a word is needed
ERROR_BODY_S = 2.0  # the status has come; the body only picks a better sentence
DRAIN_S = 0.1  # for the few bytes between a reply's end and its body's end
KEPT_HOSTS = 64
LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1").fullmatch


@dataclass(frozen=True)
class UpstreamRequest:
    """A POST of `body` as JSON, or a GET without one. `url` may be a path: whoever knows the address completes it."""

    url: str
    body: dict[str, object] | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)


class Upstream:
    """What all calls share: limits, the pool of connections, the TLS context. One per process; make it after patching.

    Times in seconds. `pace_s` is for those who read the body, as are the bounds of lines and events. `ca_file` replaces the usual certificate authorities.
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 5.0,
        silence_timeout: float = 60.0,
        total_timeout: float = 900.0,
        max_reply_bytes: int = 16 << 20,
        max_line_bytes: int = MAX_LINE_BYTES,
        max_event_bytes: int = MAX_EVENT_BYTES,
        pace_s: float = 2.0,
        pool_size: int = 1000,
        ca_file: str | None = None,
    ) -> None:
        self.connect_timeout = connect_timeout
        self.silence_timeout = silence_timeout
        self.total_timeout = total_timeout
        self.max_reply_bytes = max_reply_bytes
        self.max_line_bytes = max_line_bytes
        self.max_event_bytes = max_event_bytes
        self.pace_s = pace_s
        self._adapter = _Adapter(_tls_context(ca_file), pool_size)

    def open(
        self, request: UpstreamRequest, scope: CancelScope, who: str, total_timeout: float | None = None
    ) -> "Reply":
        """Send the request and wait for a good answer's headers. Raises UpstreamError, which names `who`.

        Whoever gets the reply closes it.
        """
        total = min(self.total_timeout, total_timeout or self.total_timeout)
        call = Call(scope, who, self.connect_timeout + self.silence_timeout, total)
        try:
            reply = Reply(self._send(request, call, total), call, self)
        except BaseException:
            call.close()
            raise
        if 200 <= reply.status < 300:
            return reply
        raise reply.rejection()

    def close(self) -> None:
        """Close the connections that are kept for reuse."""
        self._adapter.close()

    def _send(self, request: UpstreamRequest, call: Call, total: float) -> requests.Response:
        try:
            prepared = _prepared(request)
            return call.run(
                self._adapter.send,
                prepared,
                stream=True,
                timeout=(min(self.connect_timeout, total), min(self.silence_timeout, total)),
                proxies=_proxies(request.url),
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, OSError) as error:
            raise _opening_failure(call.who, error) from None


class Reply:
    """A provider's answer whose headers are here. A context manager; closing it closes the connection, unless the body
    was read to its end: then the connection is kept for the next call."""

    def __init__(self, response: requests.Response, call: Call, limits: Upstream) -> None:
        self.status = response.status_code
        self.content_type = response.headers.get("content-type", "")
        self._response = response
        self._call = call
        self._max_bytes = limits.max_reply_bytes
        self._at_end = False
        self._body = self._bounded()
        call.allow_silence(limits.silence_timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def body(self) -> Iterator[bytes]:
        """The bytes as they arrive, decoded where they came compressed. Can be read once.

        Raises Truncated for an early end, where the protocol can show one; UpstreamTimeout; ReplyTooLarge; BadReply.
        """
        return self._body

    def rest(self, within: float) -> Iterator[bytes]:
        """What comes of the body within so many seconds once the reply itself is complete. Raises nothing new."""
        self._call.limit_rest(within)
        try:
            yield from self._body
        except UpstreamError:
            pass  # only the connection is lost

    def drain(self) -> None:
        """Read on for a moment to the body's end, so that the connection can be used again."""
        for _ in self.rest(DRAIN_S):
            pass

    def goes_on_within(self, seconds: float) -> bool:
        """Whether more of the body, or its end, is here already or comes within so long. False where it cannot be seen."""
        raw: Any = self._response.raw
        if self._at_end or raw.length_remaining is not None:  # a known length: its sender has it all
            return True
        sock = raw._fp.fp and raw._fp.fp.raw._sock  # of a body without a length no connection is known any more
        if not sock:
            return False
        pending = getattr(sock, "pending", None)
        return bool(pending and pending()) or bool(self._call.run(select, [sock], [], [], seconds)[0])

    def close(self) -> None:
        self._body.close()
        self._response.close()
        self._call.close()

    def rejection(self) -> UpstreamError:
        """What an answer that is no success says. Closes it."""
        body = b""
        self._call.limit_rest(ERROR_BODY_S)
        with self:
            try:
                while len(body) < ERROR_BODY_BYTES and (data := next(self._body, b"")):
                    body += data
            except UpstreamError:
                pass  # the status alone must do
        return rejected(self._call.who, self.status, self._response.headers.get("retry-after"), body)

    def _bounded(self) -> Generator[bytes, None, None]:
        left = self._max_bytes
        raw: Any = self._response.raw
        sock = raw.connection and raw.connection.sock
        fast = raw.chunked and "content-encoding" not in raw.headers and can_take_over(sock)
        for data in self._taken_over(sock) if fast else self._plain():
            left -= len(data)
            if left < 0:
                raise ReplyTooLarge(f"{self._call.who} sent a reply of more than {self._max_bytes} bytes")
            yield data

    def _taken_over(self, sock: Any) -> Iterator[bytes]:
        raw: Any = self._response.raw
        pieces = arrivals(self._call, sock, raw._fp.fp.read1)
        if (yield from dechunk(pieces, self._call.who, self._see_end)):
            raw._fp.close()  # the reader alone: the socket goes back to the pool
            raw.release_conn()

    def _see_end(self) -> None:
        self._at_end = True

    def _plain(self) -> Iterator[bytes]:
        read = self._response.raw.read1
        while True:
            try:
                data = self._call.run(read, PLAIN_READ_BYTES, decode_content=True)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise _reading_failure(self._call.who, error) from None
            if not data:
                return
            yield data


class _Adapter(HTTPAdapter):
    """Gives every connection one TLS context: by default each would load the CA store again, 15-26 ms of CPU."""

    def __init__(self, context: ssl.SSLContext, pool_size: int) -> None:
        self._context = context
        super().__init__(pool_connections=KEPT_HOSTS, pool_maxsize=pool_size)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, **kwargs, ssl_context=self._context)

    def cert_verify(self, *_: Any) -> None:
        """The context verifies. The inherited method would have it load the store once more."""


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    return ssl.create_default_context(cafile=ca_file or named or requests.utils.DEFAULT_CA_BUNDLE_PATH)


def _prepared(request: UpstreamRequest) -> requests.PreparedRequest:
    headers = {"User-Agent": f"chatapp/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
    if request.body is None:
        return requests.Request("GET", request.url, {**headers, **request.headers}).prepare()
    headers["Content-Type"] = "application/json"
    data = msgspec.json.encode(request.body)
    return requests.Request("POST", request.url, {**headers, **request.headers}, data=data).prepare()


def _proxies(url: str) -> dict[str, str]:
    """The environment's, but none to this machine: a proxy elsewhere cannot reach it."""
    if LOOPBACK(urlsplit(url).hostname or ""):
        return {}
    return dict(requests.utils.get_environ_proxies(url))


def _opening_failure(who: str, error: Exception) -> UpstreamError:
    """Says what happened in words of ours: the library's name the URL, and may quote a header."""
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


def _reading_failure(who: str, error: Exception) -> UpstreamError:
    match error:
        case urllib3.exceptions.ReadTimeoutError():
            return UpstreamTimeout(f"{who} went silent in the middle of its reply")
        case urllib3.exceptions.DecodeError():
            return BadReply(f"{who} sent a reply that cannot be unpacked")
    return Truncated(f"{who} closed the connection in the middle of its reply")
