"""Tickets for streams that an EventSource of another origin opens."""

from flask import Blueprint, Response, jsonify, request

from chatapp.dialects.requests import TicketRequest
from chatapp.web import current_caller, tickets
from chatapp.web.bodies import parse
from chatapp.web.endpoint import JSON, WITH_BODY, endpoint

blueprint = Blueprint("tickets", __name__)


@endpoint(
    blueprint.post("/api/v1/tickets"),
    request=TicketRequest,
    answers={201: (JSON,)},
    errors=WITH_BODY,
)
def issue() -> tuple[Response, int]:
    """A ticket for one GET of a stream: add it to the address as `ticket`."""
    path = parse(TicketRequest).path.partition("?")[0].removeprefix(request.script_root)
    return jsonify(ticket=tickets().issue(current_caller(), path), expires_s=tickets().lasts_s), 201
