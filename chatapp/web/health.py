"""For those who run the server: is it alive, is it ready, does anything on the way buffer."""

import time
from collections.abc import Callable, Iterator
from functools import partial

import gevent
from flask import Blueprint, Response, jsonify

from chatapp.cancel import CancelScope
from chatapp.dialects.token import TokenDialect
from chatapp.errors import ChatappError
from chatapp.reading.reader import HEADERS, Reader, ServerDraining, stored
from chatapp.web import services
from chatapp.web.bodies import number
from chatapp.web.heads import streams
from chatapp.wire.frames import Frame, encode
from chatapp.wire.json_text import json_data

blueprint = Blueprint("ops", __name__)

MAX_TICKS = 600  # ten minutes at the default pace: a probe is no load
INTERVAL_S = 0.05, 60.0


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process serves."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Its stores answer."""
    checks = {"log": _check(services().log.ping), "database": _check(services().conversations.ping)}
    ready = all(result == "ok" for result in checks.values())
    return jsonify(status="ok" if ready else "unavailable", checks=checks), 200 if ready else 503


@blueprint.get("/api/v1/base/sse_probe")
@streams
def sse_probe() -> Response:
    """`tick` events, `interval` seconds apart, each with its number and the time it was sent: see whether they
    arrive one by one. A server that goes down ends them."""
    count = int(number("count", 5, 1, MAX_TICKS))
    interval = number("interval", 1.0, *INTERVAL_S)
    reader = Reader(stored(()), TokenDialect())  # of no run: it is dismissed with those of runs
    services().readers.add(reader)
    response = Response(_ticks(reader.scope, count, interval), headers=HEADERS)
    response.call_on_close(partial(services().readers.remove, reader))
    return response


def _ticks(scope: CancelScope, count: int, interval: float) -> Iterator[bytes]:
    for n in range(1, count + 1):
        if n > 1:
            try:
                scope.run(gevent.sleep, interval)
            except ServerDraining:
                return
        yield encode(Frame(json_data({"n": n, "count": count, "sent_ms": round(time.time() * 1000)}), "tick"))
    yield encode(Frame(json_data({"count": count}), "done"))


def _check(ping: Callable[[], None]) -> str:
    try:
        ping()
    except ChatappError as error:
        return error.code
    return "ok"
