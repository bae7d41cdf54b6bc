"""The server's tools and agents, and the owner's decision about calls that wait for it."""

import msgspec
from flask import Blueprint, Response, jsonify

from chatapp.dialects.requests import DecisionRequest
from chatapp.errors import InvalidField
from chatapp.service import UserInput
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
    """Approve or deny a call that waits, or act on a question that it asks. The first word holds;
    the answer tells which it is."""
    asked = parse(DecisionRequest)
    if (asked.decision is None) == (asked.action is None):
        raise InvalidField("decision: send either decision ('approved' or 'denied') or action")
    service, answer = current_service(), current_service().answer(current_caller(), message_id)
    if asked.decision is not None:
        return jsonify(tool_call_id=call_id, decision=service.decide(answer, call_id, asked.decision))
    question, state = service.fill_in(answer, call_id, asked.question, _said(asked))
    return jsonify(tool_call_id=call_id, question=question, state=state)


def _said(asked: DecisionRequest) -> UserInput:
    match asked.action:
        case "accept":
            return UserInput("accepted", asked.content or {})
        case "decline":
            return UserInput("declined")
        case _:
            return UserInput("cancelled")
