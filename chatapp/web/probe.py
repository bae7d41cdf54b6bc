"""The probe page: a browser times the server's ticks, draws them as they come, and is told what on
the way holds them back. The verdict is that of `chatapp probe`."""

from typing import Annotated

import msgspec
from flask import Blueprint, Response, jsonify, make_response, render_template

from chatapp.errors import InvalidField
from chatapp.probe import PATH, Measured, Tick
from chatapp.probe.verdict import judge
from chatapp.web.bodies import parse
from chatapp.web.endpoint import JSON, WITH_BODY, endpoint

blueprint = Blueprint("probe", __name__)

MAX_TICKS = 600  # as many as a probe sends at the most
MAX_HEADERS = 100
MAX_HEADER_CHARS = 1000  # proxies name themselves in fewer; what is longer is cut

Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class SeenTick(msgspec.Struct):
    """`arrived`: seconds since the request was sent; `sent_ms`: as the tick says."""

    arrived: Seconds
    sent_ms: Annotated[float, msgspec.Meta(ge=0)]


class SeenStream(msgspec.Struct):
    """What a browser saw of the probe's stream. `head_s`: seconds until its headers had arrived."""

    ticks: list[SeenTick]
    head_s: Seconds = 0.0
    headers: dict[str, str] = {}


@blueprint.get("/probe")
def page() -> Response:
    return make_response(render_template("probe.html", path=PATH))


@endpoint(
    blueprint.post(f"{PATH}/verdict"),
    request=SeenStream,
    answers={200: (JSON,)},
    errors=WITH_BODY,
)
def verdict() -> Response:
    """From the times at which a client saw the probe's ticks to a verdict, and the line to
    change."""
    measured = _measured(parse(SeenStream))
    return jsonify(msgspec.to_builtins(judge([(measured, measured)])))


def _measured(seen: SeenStream) -> Measured:
    if not 0 < len(seen.ticks) <= MAX_TICKS:
        raise InvalidField(f"ticks: expected 1 to {MAX_TICKS} of them")
    if len(seen.headers) > MAX_HEADERS:
        raise InvalidField(f"headers: {len(seen.headers)} are too many; the limit is {MAX_HEADERS}")
    headers = {name[:MAX_HEADER_CHARS]: value[:MAX_HEADER_CHARS] for name, value in seen.headers.items()}
    ticks = [Tick(tick.arrived, tick.sent_ms / 1000) for tick in seen.ticks]
    return Measured(PATH, True, seen.head_s, headers, ticks)  # a browser always accepts compression
