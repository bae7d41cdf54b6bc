"""Finds in a run's transcript the call that its owner decides about. Pure."""

from chatapp.errors import InvalidRequest, NotFound
from chatapp.events import ToolApproval, ToolCall
from chatapp.transcript import Transcript


def approval_of(transcript: Transcript, call_id: str) -> ToolApproval:
    """The newest state of the call. Raises NotFound; InvalidRequest if it needs no approval."""
    events = [entry.event for entry in transcript.entries]
    states = [event for event in events if isinstance(event, ToolApproval) and event.tool_call_id == call_id]
    if states:
        return states[-1]
    if any(isinstance(event, ToolCall) and event.id == call_id for event in events):
        raise InvalidRequest("tool_call_id: this call does not need approval")
    raise NotFound("no such tool call")
