"""What the owner of a run says while it waits: whether a call may run, and what a tool asked for.

The first word holds. Nothing waits any more once the time is over, or the run.
"""

import time

from chatapp.errors import InvalidField, InvalidRequest, NotFound
from chatapp.events import ToolApproval, ToolCall, ToolQuestion
from chatapp.tools import Approvals, Decision, InputState, UserInput, UserInputs
from chatapp.tools.validation import check_form
from chatapp.transcript import Transcript


def decide(transcript: Transcript, run_id: str, call_id: str, decision: Decision, approvals: Approvals) -> Decision:
    """Approve or deny a call; return the decision that holds. Raises NotFound, InvalidRequest,
    DatabaseUnavailable."""
    approval = _approval(transcript, call_id)
    if approval.state != "asked":
        return approval.state
    if transcript.end is not None or time.time() >= approval.expires:
        return "expired"
    return approvals.decide(run_id, call_id, decision)


def fill_in(
    transcript: Transcript, run_id: str, call_id: str, question_id: str | None, said: UserInput, inputs: UserInputs
) -> tuple[str, InputState]:
    """Say something to a question of a call, the oldest that is open if `question_id` is None;
    return its id and the state that holds. Raises NotFound, InvalidRequest, InvalidField for
    content that is not what was asked for, DatabaseUnavailable."""
    asked, last = _question(transcript, call_id, question_id)
    if last.state != "asked":
        return asked.id, last.state
    if transcript.end is not None or time.time() >= asked.expires:
        return asked.id, "expired"
    if said.state == "accepted":
        check_form(asked.schema, said.content)
    return asked.id, inputs.say(run_id, asked.id, said).state


def _approval(transcript: Transcript, call_id: str) -> ToolApproval:
    events = [entry.event for entry in transcript.entries]
    states = [event for event in events if isinstance(event, ToolApproval) and event.tool_call_id == call_id]
    if states:
        return states[-1]
    if _has_call(transcript, call_id):
        raise InvalidRequest("tool_call_id: this call does not need approval")
    raise NotFound("no such tool call")


def _question(transcript: Transcript, call_id: str, question_id: str | None) -> tuple[ToolQuestion, ToolQuestion]:
    """The question as it was asked, and its newest state."""
    told: dict[str, list[ToolQuestion]] = {}
    for entry in transcript.entries:
        if isinstance(entry.event, ToolQuestion) and entry.event.tool_call_id == call_id:
            told.setdefault(entry.event.id, []).append(entry.event)
    if question_id is not None and question_id not in told and told:
        raise InvalidField(f"question: the call asked no question {question_id!r}; it asked {', '.join(told)}")
    if told:
        still_open = (id for id, states in told.items() if len(states) == 1)
        states = told[question_id or next(still_open, list(told)[-1])]
        return states[0], states[-1]
    if _has_call(transcript, call_id):
        raise InvalidRequest("action: this call asked no question; to approve or deny it, send decision")
    raise NotFound("no such tool call")


def _has_call(transcript: Transcript, call_id: str) -> bool:
    return any(isinstance(entry.event, ToolCall) and entry.event.id == call_id for entry in transcript.entries)
