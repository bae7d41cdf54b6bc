"""For the operator: whether the server is alive, whether it is ready, whether anything on the way
buffers."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import gevent
from flask import Blueprint, Response, jsonify

from chatapp.cancel import CancelScope
from chatapp.reading.presence import AccessEnded, ServerDraining
from chatapp.web import current_service
from chatapp.web.bodies import number
from chatapp.web.endpoint import JSON, STREAM, Parameter, endpoint, open_to_all
from chatapp.web.streaming import HEADERS, check_place, end_with_login, take_place
from chatapp.wire.frames import Frame, encode
from chatapp.wire.json_text import json_data

blueprint = Blueprint("health", __name__)

MAX_TICKS = 600  # ten minutes at the default pace: a probe is no load
INTERVAL_S = 0.05, 60.0


@endpoint(blueprint.get("/healthz"), answers={200: (JSON,)}, errors=())
@open_to_all
def healthz() -> Response:
    """The process serves requests."""
    return jsonify(status="ok")


@endpoint(blueprint.get("/readyz"), answers={200: (JSON,), 503: (JSON,)}, errors=())
@open_to_all
def readyz() -> tuple[Response, int]:
    """The stores answer."""
    checks = current_service().ready()
    ready = all(result == "ok" for result in checks.values())
    return jsonify(status="ok" if ready else "unavailable", checks=checks), 200 if ready else 503


@endpoint(
    blueprint.get("/api/v1/base/sse_probe"),
    answers={200: (STREAM,)},
    parameters=(
        Parameter("count", {"type": "integer", "minimum": 1, "maximum": 600}, "How many ticks; 5."),
        Parameter("interval", {"type": "number", "minimum": 0.05, "maximum": 60}, "Seconds between two; 1."),
    ),
)
def sse_probe() -> Response:
    """`tick` events, `interval` seconds apart, each with its number and the time it was sent, to
    see whether they arrive one by one. A server that goes down ends them."""
    count = int(number("count", 5, 1, MAX_TICKS))
    interval = number("interval", 1.0, *INTERVAL_S)
    check_place()
    probe, readers = _Probe(CancelScope()), current_service().readers
    readers.add(probe)
    leave = end_with_login(probe.scope)
    response = Response(_ticks(probe.scope, count, interval), headers=HEADERS)
    response.call_on_close(take_place())
    response.call_on_close(partial(readers.remove, probe))
    response.call_on_close(leave)
    return response


@dataclass(frozen=True, eq=False)
class _Probe:
    """A reader of no run, which is dismissed with the others."""

    scope: CancelScope


def _ticks(scope: CancelScope, count: int, interval: float) -> Iterator[bytes]:
    for n in range(1, count + 1):
        if n > 1:
            try:
                scope.run(gevent.sleep, interval)
            except (ServerDraining, AccessEnded):
                return
        yield encode(Frame(json_data({"n": n, "count": count, "sent_ms": round(time.time() * 1000)}), "tick"))
    yield encode(Frame(json_data({"count": count}), "done"))
