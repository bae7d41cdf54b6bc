"""Every failure before the first byte as JSON `{"error": {"code", "message", "trace_id"}}`, in the
shape of another protocol below its paths, or as a page for a browser.
"""

import logging
import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

from flask import Flask, Response, current_app, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from chatapp.errors import ChatappError, LimitExceeded, Unauthorized
from chatapp.trace import REQUEST_ID, ROUTE, TRACE, Trace, current_trace, trace_of
from chatapp.web import header, these_globals, this_request, trace_id
from chatapp.web.languages import sentence_of
from chatapp.wire.json_text import json_data

CODES = {400: "invalid_request", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}

NO_SUCH = {
    404: "no such address; /openapi.json lists all that there are",
    405: "this address takes another method; /openapi.json lists all that there are",
}

Shape: TypeAlias = Callable[[int, str, str], tuple[int, object]]
"""From our status, code and message to the status and JSON body that the clients of another
protocol understand."""

SHAPES = "chatapp.error_shapes"
MESSAGE_CHARS = 1500  # a list of tools or models has room; what a client sent is not sent back whole

RETRY_S = 10.0  # an SDK that waits for longer leaves its user in the dark

logger = logging.getLogger(__name__)


def install(app: Flask, shapes: Mapping[str, Shape]) -> None:
    """`shapes` by the path that they are below; the longest that fits is taken."""
    app.extensions[SHAPES] = shapes
    app.before_request(_take_trace)
    app.after_request(_give_trace)
    app.register_error_handler(ChatappError, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unknown)


def error_response(status: int, code: str, message: str) -> Response:
    if len(message) > MESSAGE_CHARS:
        message = message[:MESSAGE_CHARS] + " …"
    if shape := _shape():
        status, body = shape(status, code, message)
        return Response(json_data(body), status, mimetype="application/json")
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        words = {"message": message, "sentence": sentence_of(code)}
        page = render_template("error.html", status=status, trace_id=trace_id(), **words)
        return make_response(page, status)
    return make_response(jsonify(error={"code": code, "message": message, "trace_id": trace_id()}), status)


def _shape() -> Shape | None:
    shapes: Mapping[str, Shape] = current_app.extensions[SHAPES]
    below = [path for path in shapes if request.path.startswith(path)]
    return shapes[max(below, key=len)] if below else None


def _take_trace() -> None:
    environ = this_request().environ
    begun: Trace | None = environ.get(TRACE)  # by what stands before this application
    trace = begun or trace_of(header("traceparent") or "", header("tracestate") or "", header(REQUEST_ID) or "")
    these_globals().trace = environ[TRACE] = trace
    current_trace.set(trace)


def _give_trace(response: Response) -> Response:
    trace, sent = these_globals().trace, this_request()
    response.headers["X-Trace-Id"] = trace.id
    response.headers[REQUEST_ID] = trace.request_id
    response.headers["traceparent"] = trace.traceparent
    sent.environ[ROUTE] = sent.url_rule.rule if sent.url_rule is not None else ""
    return response


def _known(error: ChatappError) -> Response:
    response = error_response(error.status, error.code, error.message)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = 'Bearer realm="chatapp"'
    if error.status >= 500 or error.status == LimitExceeded.status:
        # OpenAI's and Anthropic's SDKs try every 429 and 5xx again, even if that cannot help.
        response.headers["X-Should-Retry"] = "true" if _helps_soon(error) else "false"
    return response


def _helps_soon(error: ChatappError) -> bool:
    return error.retryable and (error.retry_after or 0.0) <= RETRY_S


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    message = error.description or error.name
    if error is request.routing_exception and status in NO_SUCH:
        message = f"{request.method} {request.path}: {NO_SUCH[status]}"
    response = error_response(status, CODES.get(status, "http_error"), message)
    if status == 405:
        response.headers["Allow"] = ", ".join(error.valid_methods or ())  # type: ignore[attr-defined]
    return response


def _unknown(error: Exception) -> Response:
    logger.exception("request %s %s failed, trace_id %s", request.method, request.path, trace_id())
    return error_response(500, "internal_error", "The server could not answer this request.")
