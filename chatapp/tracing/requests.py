"""A span of each HTTP request, around the whole application; it ends with the last byte."""

from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from opentelemetry.trace import SpanKind

from chatapp.trace import REQUEST_ID, ROUTE, TRACE, trace_of
from chatapp.tracing import conventions as names
from chatapp.tracing.spans import OpenSpan, Spans

OTHER_METHOD = "_OTHER"  # the conventions' word for a method that is none
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")


class TracedRequests:
    """A WSGI application around `app`, which finds its trace in the environment."""

    def __init__(self, app: WSGIApplication, spans: Spans) -> None:
        self._app = app
        self._spans = spans

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = (_header(environ, name) for name in ("traceparent", "tracestate", REQUEST_ID))
        method = environ["REQUEST_METHOD"] if environ["REQUEST_METHOD"] in METHODS else OTHER_METHOD
        span = self._spans.begin(method, SpanKind.SERVER, trace_of(*headers), {names.HTTP_METHOD: method})
        environ[TRACE] = span.trace

        def start(status: str, *rest: Any) -> Any:
            _answered(span, f"{method} {environ.get(ROUTE, '')}".strip(), environ.get(ROUTE, ""), int(status[:3]))
            return start_response(status, *rest)

        try:
            return _Body(self._app(environ, start), span)
        except BaseException:
            span.end()
            raise


class _Body:
    """A response's body, whose end ends the span. Its pieces do not pass through here."""

    def __init__(self, body: Iterable[bytes], span: OpenSpan) -> None:
        self._body = body
        self._span = span

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._span.end()


def _answered(span: OpenSpan, name: str, route: str, status: int) -> None:
    span.rename(name)
    span.set({names.HTTP_STATUS: status} | ({names.HTTP_ROUTE: route} if route else {}))
    if status >= 500:
        span.fail(str(status))


def _header(environ: WSGIEnvironment, name: str) -> str:
    found: str = environ.get(f"HTTP_{name.upper().replace('-', '_')}", "")
    return found
