"""The server's tools and agents, and the owner's decision about calls that wait for it."""

import msgspec
from flask import Blueprint, Response, jsonify

from chatapp.dialects.requests import DecisionRequest
from chatapp.web import current_caller, current_service
from chatapp.web.bodies import parse
from chatapp.web.endpoint import JSON, WITH_BODY, endpoint

blueprint = Blueprint("tools", __name__)


@endpoint(blueprint.get("/api/v1/tools"), answers={200: (JSON,)})
def list_tools() -> Response:
    """All tools that a request may name; `problems` tells which MCP servers could not be asked, and
    why."""
    service = current_service()
    return jsonify(tools=msgspec.to_builtins(service.offered_tools()), problems=service.tools.problems())


@endpoint(blueprint.get("/api/v1/agents"), answers={200: (JSON,)})
def list_agents() -> Response:
    """All agents that a request may name; `default` answers `/chat`."""
    agents = current_service().agents
    return jsonify(default=agents.default or None, agents=list(agents.by_name))


@endpoint(
    blueprint.post("/api/v1/messages/<message_id>/tools/<path:call_id>", merge_slashes=False),
    request=DecisionRequest,
    answers={200: (JSON,)},
    errors=WITH_BODY,
)
def decide(message_id: str, call_id: str) -> Response:
    """Approve or deny a call that waits. The first decision holds; the answer tells which it is."""
    asked = parse(DecisionRequest)
    answer = current_service().answer(current_caller(), message_id)
    return jsonify(tool_call_id=call_id, decision=current_service().decide(answer, call_id, asked.decision))
