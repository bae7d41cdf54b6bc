"""`/metrics` on a port of its own, for a Prometheus that has no login.

gunicorn listens on it beside the server's own address. A request that comes there gets the figures
and nothing else; it never meets the application, and so no guard of it.
"""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from chatapp.metrics.exposition import CONTENT_TYPE, Exposition
from chatapp.trace import ROUTE


class OwnPort:
    """A WSGI application around `app`, which never sees a request to `port`."""

    def __init__(self, app: WSGIApplication, port: int, exposition: Exposition) -> None:
        self._app = app
        self._port = str(port)
        self._exposition = exposition

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["SERVER_PORT"] != self._port:
            return self._app(environ, start_response)
        environ[ROUTE] = "/metrics"
        if environ["PATH_INFO"] != "/metrics" or environ["REQUEST_METHOD"] != "GET":
            return _answer(start_response, "404 Not Found", "text/plain; charset=utf-8", b"only GET /metrics is here\n")
        return _answer(start_response, "200 OK", CONTENT_TYPE, self._exposition.read().text)


def _answer(start_response: StartResponse, status: str, content_type: str, body: bytes) -> Iterable[bytes]:
    start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]
