"""One call to a provider: a request out, a response back, ended at once when its run is stopped.

It does not know what the bytes mean. Of `requests` it uses the adapter alone. What a Session would
add must not happen to a provider's call: cookies, redirects that carry a key elsewhere, a netrc
that replaces it. Proxies and CA bundles from the environment are used.
"""

import os
import ssl
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Protocol, cast
from weakref import WeakSet

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from chatapp import __version__
from chatapp.cancel import CancelScope
from chatapp.errors import Unreachable
from chatapp.hub.large_values import to_json
from chatapp.hub.stacks import on_own_stack
from chatapp.trace import trace_headers
from chatapp.wire.certificates import tls_context
from chatapp.wire.connecting import connecting_well
from chatapp.wire.deadline import Deadline
from chatapp.wire.proxies import proxies_for
from chatapp.wire.response import NetworkResponse, UpstreamResponse
from chatapp.wire.upstream_errors import opening_failure

KEPT_HOSTS = 64


@dataclass(frozen=True)
class UpstreamRequest:
    """A POST of `body` as JSON, or a GET if there is none. `url` is absolute."""

    url: str
    body: dict[str, object] | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)


class Transport(Protocol):
    """Carries a request to a provider and its response back."""

    def open(
        self, request: UpstreamRequest, scope: CancelScope, who: str, total_timeout: float | None = None
    ) -> UpstreamResponse:
        """Send the request and wait for a good response's headers. The caller closes the response.

        Raises UpstreamError, whose message names `who`. Everything that waits, waits in `scope`.
        `total_timeout`, in seconds, can only shorten the transport's own limit.
        """
        ...


class Upstream:
    """The transport over the network: a pool of connections, a TLS context, limits.

    One per process, made after gevent has patched it. Times are in seconds. `ca_file` replaces the
    certificate authorities of the environment; if those cannot be read, it raises ConfigError.
    `error_body_timeout` is short because the status has arrived already: the body of an error only
    picks a better sentence.
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 5.0,
        silence_timeout: float = 60.0,
        total_timeout: float = 900.0,
        error_body_timeout: float = 2.0,
        max_stream_bytes: int = 256 << 20,
        pool_size: int = 1000,
        ca_file: str | None = None,
    ) -> None:
        self._connect_timeout = connect_timeout
        self._silence_timeout = silence_timeout
        self._total_timeout = total_timeout
        self._error_body_timeout = error_body_timeout
        self._max_stream_bytes = max_stream_bytes
        context = ssl.create_default_context(cafile=ca_file) if ca_file else tls_context(os.environ)
        self._adapter = _Adapter(context, pool_size)
        self._calls: WeakSet[Deadline] = WeakSet()
        self._closed = False

    def open(
        self, request: UpstreamRequest, scope: CancelScope, who: str, total_timeout: float | None = None
    ) -> UpstreamResponse:
        return on_own_stack(self._open, request, scope, who, total_timeout)

    def close(self) -> None:
        """End the calls that wait, refuse all later ones, and close the connections that are kept
        for reuse."""
        self._closed = True
        for call in tuple(self._calls):
            call.cancel(partial(_closed, call.who))
        self._adapter.close()

    def _open(
        self, request: UpstreamRequest, scope: CancelScope, who: str, total_timeout: float | None
    ) -> UpstreamResponse:
        if self._closed:
            raise _closed(who)
        total = min(self._total_timeout, total_timeout or self._total_timeout)
        deadline = Deadline(scope, who, self._connect_timeout + self._silence_timeout, total)
        self._calls.add(deadline)
        try:
            response = NetworkResponse(self._send(request, deadline, total), deadline, self._max_stream_bytes)
            deadline.allow_silence(self._silence_timeout)
        except BaseException:
            deadline.close()
            raise
        if 200 <= response.status < 300:
            return response
        raise response.error(self._error_body_timeout)

    def _send(self, request: UpstreamRequest, deadline: Deadline, total: float) -> urllib3.BaseHTTPResponse:
        proxy = ""
        try:
            prepared = _prepared(request)
            proxies, proxy = proxies_for(request.url, deadline.who)
            return deadline.run(
                self._adapter.sent,
                prepared,
                stream=True,
                timeout=(min(self._connect_timeout, total), min(self._silence_timeout, total)),
                proxies=proxies,
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, OSError) as error:
            raise opening_failure(deadline.who, error, proxy) from None


class _Adapter(HTTPAdapter):
    """Shares one TLS context: by default each connection loads the CA store, 15-26 ms of CPU."""

    def __init__(self, context: ssl.SSLContext, pool_size: int) -> None:
        self._context = context
        self._direct = lru_cache(maxsize=KEPT_HOSTS)(self._way)
        super().__init__(pool_connections=KEPT_HOSTS, pool_maxsize=pool_size)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)
        connecting_well(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        return connecting_well(super().proxy_manager_for(proxy, **kwargs, ssl_context=self._context))

    def sent(self, request: requests.PreparedRequest, **how: Any) -> urllib3.BaseHTTPResponse:
        return cast(urllib3.BaseHTTPResponse, self.send(request, **how))

    def build_response(self, req: object, resp: Any) -> Any:
        """Only urllib3's: nobody needs its cookies, its encoding or the request that led to it."""
        return resp

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        if proxies:
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        host, options, _ = self._direct(request.url)
        return self.poolmanager.connection_from_host(**host, pool_kwargs=options)

    def request_url(self, request: Any, proxies: Any) -> str:
        return super().request_url(request, proxies) if proxies else self._direct(request.url)[2]

    def _way(self, url: str) -> tuple[dict[str, Any], dict[str, Any], str]:
        """The host of an address, the options of its pool, and the path there, as `requests` finds
        them each time."""
        request: Any = requests.PreparedRequest()
        request.url = url
        host, options = self.build_connection_pool_key_attributes(request, verify=True)
        return dict(host), dict(options), super().request_url(request, {})

    def cert_verify(self, *_: Any) -> None:
        """Do nothing: the context verifies. The inherited method would load the store again."""


def _closed(who: str) -> Unreachable:
    return Unreachable(f"{who} is not asked any more: the server is going down")


def _prepared(request: UpstreamRequest) -> requests.PreparedRequest:
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url = "GET", _checked_url(request.url)
    headers = {"User-Agent": f"chatapp/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
    headers |= trace_headers()
    if request.body is not None:
        prepared.method, prepared.body = "POST", to_json(request.body)
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(prepared.body))}
    prepared.prepare_headers({**headers, **request.headers})
    if "@" in prepared.url:
        prepared.prepare_auth(None)  # the name and the password in it
    return prepared


@lru_cache(maxsize=KEPT_HOSTS)
def _checked_url(url: str) -> str:
    """As `requests` sends it. Raises ValueError."""
    prepared = requests.PreparedRequest()
    prepared.prepare_url(url, None)
    return str(prepared.url)
