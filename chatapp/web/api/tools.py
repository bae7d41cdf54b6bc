"""The server's tools and agents: which there are, and the owner's word on calls that wait for it."""

import time

from flask import Blueprint, Response, jsonify

from chatapp.dialects.requests import DecisionRequest
from chatapp.errors import InvalidRequest, NotFound
from chatapp.events import ToolApproval, ToolCall
from chatapp.tools.catalog import NamedTool
from chatapp.transcript import Transcript
from chatapp.web import services
from chatapp.web.bodies import parse
from chatapp.web.message_json import owned_answer, transcript

blueprint = Blueprint("tools", __name__)


@blueprint.get("/api/v1/tools")
def list_tools() -> Response:
    """All that a request may name; MCP servers that could not be asked are named under `problems`."""
    tools = [_tool_json(tool) for tool in services().tools.all()]
    return jsonify(tools=tools, problems=services().tools.problems())


@blueprint.get("/api/v1/agents")
def list_agents() -> Response:
    """All that a request may name; `default` answers `/chat`."""
    agents = services().agents
    return jsonify(default=agents.default or None, agents=list(agents.by_name))


@blueprint.post("/api/v1/messages/<message_id>/tools/<path:call_id>", merge_slashes=False)
def decide(message_id: str, call_id: str) -> Response:
    """Approve or deny a call that waits, from any worker. The first decision holds; the answer says which that is.
    Nothing waits any more where the time is over, or the run."""
    asked = parse(DecisionRequest)
    answer = owned_answer(message_id)
    said = transcript(answer)
    approval = _approval(said, call_id)
    if approval.state == "asked" and said.end is None and time.time() < approval.expires:
        decision: str = services().tools.approvals.decide(answer.id, call_id, asked.decision)
    else:
        decision = "expired" if approval.state == "asked" else approval.state
    return jsonify(tool_call_id=call_id, decision=decision)


def _approval(said: Transcript, call_id: str) -> ToolApproval:
    events = [entry.event for entry in said.entries]
    states = [event for event in events if isinstance(event, ToolApproval) and event.tool_call_id == call_id]
    if states:
        return states[-1]
    if any(isinstance(event, ToolCall) and event.id == call_id for event in events):
        raise InvalidRequest("tools: this call needs no approval")
    raise NotFound("no such call")


def _tool_json(tool: NamedTool) -> dict[str, object]:
    return {
        "name": tool.spec.name,
        "type": tool.type,
        "server": tool.server or None,
        "description": tool.spec.description,
        "parameters": tool.spec.parameters,
        "ask": tool.ask,
        "default": services().tools.is_default(tool),
        "agent_default": services().tools.is_default(tool, agent=True),
    }
